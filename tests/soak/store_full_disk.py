"""Fills the disk under the series store: what is acknowledged stays, and it goes on when freed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import numpy as np

from app.domain.series import DAY_MS, Batch, SeriesDef
from app.store.embedded import EmbeddedPostgres, ServerFailed
from app.store.migrate import upgrade
from app.store.series.engine import SeriesStore
from app.store.series.pg import PgRows
from tests.flow.stage import passable_folder

BEGAN = 18_995 * DAY_MS
DISK_MB, BALLAST_MB, POINTS = 220, 60, 20_000
REFUSED = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncio.TimeoutError)


@dataclass
class FullDisk:
    """How far it came, and what was not there afterwards."""

    skipped: str = ""
    acknowledged: int = 0
    refused: str = ""
    after: int = 0
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        if self.skipped:
            return f"not tried: {self.skipped}"
        return (
            f"{self.acknowledged} batches acknowledged, then refused ({self.refused});"
            f" freed: all there, {self.after} more; {len(self.wrong)} wrong"
        )


def run_full_disk() -> FullDisk:
    """A small disk of its own, in memory; only root can have one."""
    outcome = FullDisk()
    with passable_folder() as folder:
        if not _mounted(folder):
            outcome.skipped = "a tmpfs cannot be mounted here (it takes root)"
            return outcome
        try:
            _fill_and_free(folder, outcome)
        finally:
            subprocess.run(["umount", str(folder)], check=False, capture_output=True)
    return outcome


def _mounted(folder: Path) -> bool:
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=755", "tmpfs", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _fill_and_free(folder: Path, outcome: FullDisk) -> None:
    ballast, server = folder / "ballast", EmbeddedPostgres(folder / "data")
    (folder / "data").mkdir(mode=0o755)
    ballast.write_bytes(bytes(BALLAST_MB * 2**20))
    try:
        url = server.start()
        upgrade(url)
        asyncio.run(_until_refused(url, outcome))
        ballast.unlink()
        with contextlib.suppress(ServerFailed):
            if server.pid is None:
                server.stop()
                url = server.start()
        asyncio.run(_all_there(url, outcome))
    finally:
        server.stop()


@contextlib.asynccontextmanager
async def _store(url: str) -> AsyncIterator[SeriesStore]:
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        store = SeriesStore(PgRows(pool))
        await store.declare("s", [SeriesDef("a", 10_000)])
        yield store


async def _until_refused(url: str, outcome: FullDisk) -> None:
    async with _store(url) as store:
        for seq in range(1, 10_000):
            try:
                await store.append(_batch(seq))
            except REFUSED as error:
                outcome.refused = type(error).__name__
                return
            outcome.acknowledged = seq
    outcome.wrong.append("the disk never filled")


async def _all_there(url: str, outcome: FullDisk) -> None:
    for _ in range(100):  # the server brings itself back after a panic
        with contextlib.suppress(*REFUSED):
            async with _store(url) as store:
                kept = (await store.place(1)).seq
                if kept < outcome.acknowledged:
                    outcome.wrong.append(f"acknowledged {outcome.acknowledged}, kept {kept}")
                for seq in range(kept + 1, kept + 6):
                    await store.append(_batch(seq))
                    outcome.after += 1
                await _compare(store, kept + 5, outcome)
            return
        await asyncio.sleep(0.1)
    outcome.wrong.append("the store did not come back after the disk was freed")


async def _compare(store: SeriesStore, newest: int, outcome: FullDisk) -> None:
    for seq in range(1, newest + 1):
        batch = _batch(seq)
        at, value = np.asarray(batch.at_ms), np.asarray(batch.value)
        found = await store.raw(1, 1, int(at[0]), int(at[-1]) + 1)
        if found.at_ms.tolist() != at.tolist() or found.value.tolist() != value.tolist():
            outcome.wrong.append(f"batch {seq} is not what was written")


def _batch(seq: int) -> Batch:
    """Noise, so that it takes the room it seems to take."""
    at = BEGAN + (np.arange(POINTS) + seq * POINTS) * 1_000
    value = np.random.default_rng(seq).random(POINTS)
    return Batch(1, seq, int(at[-1]), np.ones(POINTS, np.int64), at, value)
