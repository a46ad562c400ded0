"""Kills writer, sealer and PostgreSQL at random moments; then every point must be where it belongs.

usage: python -m tests.soak.store --kills 120 --seed 766
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import secrets
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import numpy as np

from app.domain.series import DAY_MS, HOUR_MS, Batch, SeriesDef
from app.store.embedded import EmbeddedPostgres
from app.store.migrate import upgrade
from app.store.series.engine import SeriesLimits, SeriesStore
from app.store.series.pg import PgRows
from app.store.series.sealer import SealLimits
from tests.flow.stage import passable_folder
from tests.soak.store_full_disk import run_full_disk
from tests.unit.series_memory import MemoryRows

BEGAN = 18_995 * DAY_MS
SERIES = [SeriesDef(f"s{i}", tick) for i, tick in enumerate((10_000, 60_000, 300_000, 0))]
LIMITS = SeriesLimits(seal=SealLimits(points=3_000))
TARGETS = ("writer", "sealer", "postgres")
# Whatever a driver says when its server is killed: its own internal errors too.
LOST = (Exception,)
ROOT = Path(__file__).parents[2]
BACK_WITHIN_S = 30.0


def batch_of(seed: int, seq: int) -> Batch:
    """What the source says with this number: in order, late, said before, or corrected."""
    dice = np.random.default_rng([seed, seq])
    known = BEGAN + seq * 10 * 60_000
    series, at = dice.integers(1, len(SERIES) + 1, 60), known - dice.integers(0, 60, 60) * 10_000
    late = dice.random(60) < 0.03
    at[late] -= dice.integers(0, 60 * 24, int(late.sum())) * HOUR_MS
    value = np.round(dice.normal(20, 4, 60), int(dice.integers(0, 3)))
    return Batch(1, seq, known, series, np.maximum(at, BEGAN), value, f"c{seq}")


@contextlib.asynccontextmanager
async def _pool(url: str, size: int) -> AsyncIterator[asyncpg.Pool]:
    """Closed the hard way: what waits for a killed server waits for ever."""
    pool = await asyncpg.create_pool(
        url, min_size=0, max_size=size, command_timeout=5, timeout=5, reset=_as_it_is
    )
    try:
        yield pool
    finally:
        pool.terminate()


async def _as_it_is(_: asyncpg.Connection) -> None:
    """As the product's own pool."""


async def write(url: str, seed: int) -> None:
    """Batch after batch from wherever the store is; tells each that is acknowledged."""
    while True:
        with contextlib.suppress(*LOST):
            async with _pool(url, 1) as pool:
                store = SeriesStore(PgRows(pool), LIMITS)
                await store.declare("s", SERIES)
                seq = (await store.place(1)).seq + 1
                while True:
                    await store.append(batch_of(seed, seq))
                    print(seq, flush=True)
                    seq += 1
                    await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
        if os.getppid() == 1:
            return


async def seal(url: str) -> None:
    """Whatever there is, as soon as it is there."""
    while True:
        with contextlib.suppress(*LOST):
            async with _pool(url, 2) as pool:
                store = SeriesStore(PgRows(pool), LIMITS)
                while True:
                    await store.seal(1)
                    print("sealed", flush=True)
                    await asyncio.sleep(0.01)
        await asyncio.sleep(0.02)
        if os.getppid() == 1:
            return


@dataclass
class Role:
    """A process that is started again whenever it is killed, and what it has told last."""

    name: str
    command: list[str]
    told: int = 0
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                if line.endswith("\n"):
                    self.told = int(line) if line.strip().isdigit() else self.told + 1

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@dataclass
class Outcome:
    """What was killed, what was compared, and everything that did not agree."""

    kills: Counter[str] = field(default_factory=Counter)
    recoveries_s: list[float] = field(default_factory=list)
    acknowledged: int = 0
    batches: int = 0
    chunks: int = 0
    points: int = 0
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        usual, slowest = (
            statistics.median(self.recoveries_s or [0.0]),
            max(self.recoveries_s, default=0.0),
        )
        return (
            f"{self.kills.total()} kills ({', '.join(f'{k} {n}' for k, n in self.kills.items())}):"
            f" {self.acknowledged} batches acknowledged, {self.batches} kept; {self.chunks} chunks"
            f" and {self.points} points compared; recovery {usual:.1f} s, at most {slowest:.1f};"
            f" {len(self.wrong)} wrong"
        )


def run_kills(kills: int, seed: int, pause_s: tuple[float, float] = (0.05, 0.6)) -> Outcome:
    """One store under ingestion and sealing, killed so many times, then compared."""
    dice, outcome = random.Random(seed), Outcome()
    deck = [TARGETS[i % len(TARGETS)] for i in range(kills)]
    dice.shuffle(deck)
    with passable_folder() as folder:
        server = EmbeddedPostgres(folder)
        try:
            url = server.start()
            upgrade(url)
            with _roles(url, seed) as roles:
                for name in deck:
                    _moved_on(roles, outcome)
                    time.sleep(dice.uniform(*pause_s))
                    _kill(name, roles, server, outcome)
                _moved_on(roles, outcome)
            outcome.acknowledged = roles["writer"].told
            asyncio.run(_compare(url, seed, outcome))
        finally:
            server.stop()
    return outcome


@contextlib.contextmanager
def _roles(url: str, seed: int) -> Iterator[dict[str, Role]]:
    start = [sys.executable, "-m", "tests.soak.store", "--url", url, "--seed", str(seed), "--role"]
    roles = {name: Role(name, [*start, name]) for name in ("writer", "sealer")}
    try:
        for role in roles.values():
            role.start()
        yield roles
    finally:
        for role in roles.values():
            role.kill()


def _moved_on(roles: dict[str, Role], outcome: Outcome) -> None:
    """Both have done something since: a kill always meets work."""
    before = {name: role.told for name, role in roles.items()}
    until = time.monotonic() + BACK_WITHIN_S
    while any(roles[name].told == told for name, told in before.items()):
        if time.monotonic() > until:
            outcome.wrong.append(f"nothing moves: {before} after {outcome.kills}")
            return
        time.sleep(0.01)


def _kill(name: str, roles: dict[str, Role], server: EmbeddedPostgres, outcome: Outcome) -> None:
    outcome.kills[name] += 1
    if name != "postgres":
        roles[name].kill()
        roles[name].start()
        return
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    began = time.monotonic()
    server.stop()
    server.start()
    outcome.recoveries_s.append(time.monotonic() - began)


async def _compare(url: str, seed: int, outcome: Outcome) -> None:
    """With the same batches sealed in one quiet run: bit for bit, and every answer."""
    pool = await asyncpg.create_pool(url, min_size=1, max_size=3)
    store = SeriesStore(PgRows(pool), LIMITS)
    outcome.batches = (await store.place(1)).seq
    if outcome.batches < outcome.acknowledged:
        outcome.wrong.append(f"acknowledged {outcome.acknowledged}, kept {outcome.batches}")
    await store.seal(1)
    quiet = MemoryRows()
    calm = SeriesStore(quiet, SeriesLimits(seal=SealLimits(points=10**7)))
    await calm.declare("s", SERIES)
    for seq in range(1, outcome.batches + 1):
        await calm.append(batch_of(seed, seq))
    await calm.seal(1)
    window = (BEGAN, BEGAN + (outcome.batches // 144 + 2) * DAY_MS)
    for series_id in range(1, len(SERIES) + 1):
        one, other = [await s.raw(1, series_id, *window) for s in (store, calm)]
        outcome.points += len(other.at_ms)
        if one.at_ms.tolist() != other.at_ms.tolist() or one.value.tolist() != other.value.tolist():
            outcome.wrong.append(f"series {series_id}: the points differ")
    rows = await pool.fetch("SELECT * FROM series_chunk ORDER BY series_id, day")
    outcome.chunks = len(rows)
    expected = [c for _, c in sorted(quiet.chunks.items())]
    if len(rows) != len(expected):
        outcome.wrong.append(f"{len(rows)} chunks, expected {len(expected)}")
    for row, chunk in zip(rows, expected, strict=False):
        for name in ("n", "v_sum", "seq_lo", "seq_hi", "hours", "past", "body"):
            if row[name] != getattr(chunk, name):
                outcome.wrong.append(f"series {row['series_id']}, {row['day']}: {name} differs")
    seqs = await pool.fetch("SELECT seq_first, seq_last FROM series_ledger ORDER BY seq_first")
    told = [s for r in seqs for s in range(r["seq_first"], r["seq_last"] + 1)]
    if told != list(range(1, outcome.batches + 1)):
        outcome.wrong.append("the ledger has a gap or a batch twice")
    await pool.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--role", choices=("writer", "sealer"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.role == "writer":
        asyncio.run(write(asked.url, asked.seed))
    elif asked.role == "sealer":
        asyncio.run(seal(asked.url))
    seed = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"soak-store: {asked.kills} kills, seed {seed}", flush=True)
    outcome = run_kills(asked.kills, seed)
    print(outcome.line())
    full = run_full_disk()
    print(f"full disk: {full.line()}")
    wrong = outcome.wrong + full.wrong
    for one in wrong[:20]:
        print(f"  WRONG {one}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
