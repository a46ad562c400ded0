"""What `ioc store` says: nothing when all is sound, and each damage by its name."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import asyncpg
import numpy as np
import pytest
from typer.testing import CliRunner

from app.cli import build
from app.domain.feed import Page
from app.domain.record import RecordUpdate, Version
from app.domain.series import DAY_MS, HOUR_MS, Batch, SeriesDef
from app.store.archive.shape import SERIES
from app.store.pages import PgPages
from app.store.records import Dates, Judge
from app.store.series.engine import SeriesLimits, SeriesStore
from app.store.series.pg import PgRows
from app.store.soundness import verify
from app.store.weight import weigh
from tests.unit.store_stage import SERVERS, new_database, store_migrated, store_pool
from tests.unit.test_archive import ioc, rows_of

__all__ = ["store_migrated", "store_pool"]

BEGAN = 1_664_730_000_000 - 1_664_730_000_000 % DAY_MS
JUDGE = Judge("1", "feed@1", lambda _: {}, lambda _: Dates(None, None, None, None))


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with SERVERS["embedded"]() as address:
        yield address


async def fill(pool: asyncpg.Pool, batches: int = 30) -> SeriesStore:
    """Two series every minute, half a day a batch, sealed but for the last two; three pages."""
    store = SeriesStore(PgRows(pool), SeriesLimits(head_points=10_000))
    told = await store.declare("meters", [SeriesDef("a", 60_000, "kW"), SeriesDef("b", 60_000)])
    for seq in range(1, batches + 1):
        if seq == batches - 1:
            await store.seal(told.source_id)
        begin = BEGAN + (seq - 1) * 12 * HOUR_MS
        at = np.repeat(begin + np.arange(720) * 60_000, 2)
        series = np.tile(np.array(told.series_ids), 720)
        value = np.round(np.sin(at / 1e7) * 50, 1) + 0.0
        value[7] = math.pi
        await store.append(Batch(told.source_id, seq, int(at[-1]), series, at, value, f"c{seq}"))
    pages = PgPages(pool, {"feed": JUDGE})
    await pages.open_source("feed")
    for seq in (1, 2, 3):
        update = RecordUpdate("case", f"k{seq}", "H38.1", "", Version(seq))
        await pages.commit("feed", seq, Page((update,), (), f"c{seq}", False, seq, 1, ""), seq)
    return store


async def test_what_is_sound_is_said_with_what_was_looked_at(pool: asyncpg.Pool):
    await fill(pool)
    found = await verify(pool)
    assert found.faults == []
    assert found.looked_at["pages"] == found.looked_at["cases"] == 3
    assert found.looked_at["unsealed batches"] == 2
    assert found.looked_at["newest points"] == 2
    weight = await weigh(pool)
    assert (weight.points, weight.unsealed, weight.series) == (30 * 1440, 2880, 2)
    assert found.looked_at["sealed points"] == weight.sealed
    assert weight.sealed > 0
    assert [(lag.source, lag.batches, lag.points) for lag in weight.lags] == [("meters", 2, 2880)]


FLIPPED = "set_byte({0}, length({0}) / 2, get_byte({0}, length({0}) / 2) # 1)"
DAMAGE = {
    "body": (f"UPDATE series_chunk SET body = {FLIPPED.format('body')}", "check sum differs"),
    "sum": ("UPDATE series_chunk SET v_sum = v_sum + 1", "v_sum is"),
    "count": ("UPDATE series_chunk SET n = n + 1", "n is|columns|points make|known"),
    "hours": (
        "UPDATE series_chunk c SET hours = o.hours FROM series_chunk o"
        " WHERE o.series_id <> c.series_id AND o.day = c.day",
        "hours are not the sums",
    ),
    "bucket": ("UPDATE series_chunk SET day = day - 1", "outside the bucket"),
    "unknown series": ("UPDATE series_chunk SET series_id = 77 WHERE series_id = 1", "declared"),
    "piece": (f"UPDATE series_piece SET body = {FLIPPED.format('body')}", "check sum differs"),
    "piece's bounds": ("UPDATE series_piece SET last_ms = last_ms + 1", "its row says"),
    "journal": (f"UPDATE series_journal SET body = {FLIPPED.format('body')}", "check sum differs"),
    "gap in the journal": ("DELETE FROM series_journal WHERE seq = 29", "batch 29: missing"),
    "place": ("UPDATE series_place SET seq = seq + 1", "stands at batch 31"),
    "ledger": ("DELETE FROM series_ledger", r"ledger: ends at batch|ledger: batches"),
    "lost piece": ("DELETE FROM series_piece", "snapshot: series"),
    "gap in pages": ("DELETE FROM page WHERE seq = 2", "page feed 2: missing"),
    "steps": ("UPDATE page SET steps = 'x' WHERE seq = 3", "page feed 3: its steps"),
    "cursor": ("UPDATE source_state SET seq = 2", "cursor feed: stands at page 2"),
    "ahead": ("UPDATE source_state SET evaluated_seq = 9", "judged up to page 9"),
    "case": (r"UPDATE record SET body = '\x00' WHERE code = 'k2'", "case feed k2: damaged"),
    "another's case": ("UPDATE record SET code = 'k9' WHERE code = 'k2'", "holds k2"),
}


@pytest.fixture(scope="module")
def filled(postgres: str, migrated: str) -> str:
    """The name of a database to be copied and damaged."""

    async def make() -> str:
        address = await new_database(postgres, migrated)
        pool = await asyncpg.create_pool(address, min_size=1, max_size=3)
        await fill(pool)
        await pool.close()
        return address.rsplit("/", 1)[1]

    return asyncio.run(make())


@pytest.mark.parametrize("name", DAMAGE)
async def test_a_damage_is_found_and_named(postgres: str, filled: str, name: str):
    statement, says = DAMAGE[name]
    pool = await asyncpg.create_pool(await new_database(postgres, filled), min_size=1, max_size=2)
    try:
        said = await pool.execute(statement)
        assert int(said.rsplit(" ", 1)[1]) > 0, f"{statement} changed nothing"
        faults = (await verify(pool)).faults
    finally:
        await pool.close()
    assert any(re.search(says, fault) for fault in faults), faults


def test_the_command_says_it_and_ends_with_one(
    postgres: str, filled: str, monkeypatch, tmp_path: Path
):
    monkeypatch.setenv("IOC_DATA_DIR", str(tmp_path / "data"))
    address = asyncio.run(new_database(postgres, filled))
    told = ioc(monkeypatch, address, "store", "verify")
    assert (told.exit_code, "looked at 2 unsealed batches" in told.output) == (0, True)
    told = ioc(monkeypatch, address, "store", "stats")
    assert (told.exit_code, "43,200 points of 2 series" in told.output) == (0, True)
    asyncio.run(_run(address, DAMAGE["cursor"][0]))
    told = ioc(monkeypatch, address, "store", "verify")
    assert (told.exit_code, "1 faults" in told.output) == (1, True)


async def _run(address: str, statement: str) -> None:
    db = await asyncpg.connect(address)
    await db.execute(statement)
    await db.close()


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_series_go_out_and_in_once(
    postgres: str, filled: str, migrated: str, monkeypatch, tmp_path: Path, form: str
):
    monkeypatch.setenv("IOC_DATA_DIR", str(tmp_path / "data"))
    one, two = tmp_path / "one", tmp_path / "two"
    address = asyncio.run(new_database(postgres, filled))
    only = ("--format", form, "--only", "series")
    assert ioc(monkeypatch, address, "export", str(one), *only).exit_code == 0
    rows = rows_of(one, "series")
    assert len(rows) == 43_200
    at = list(SERIES.columns).index("at")
    assert all(a[:2] != b[:2] or a[at] < b[at] for a, b in pairwise(rows))
    other = asyncio.run(new_database(postgres, migrated))
    for expected in ("43200", "0"):
        told = ioc(monkeypatch, other, "import", str(one))
        assert (told.exit_code, f"series: {expected} points" in told.output) == (0, True)
    assert ioc(monkeypatch, other, "export", str(two), *only).exit_code == 0
    assert rows_of(two, "series") == rows
    assert ioc(monkeypatch, other, "store", "verify").exit_code == 0
    assert CliRunner().invoke(build(), ["store", "--help"]).exit_code == 0
