"""The history of readings as series, on every server: written, sealed, corrected, carried over."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from app.domain.access import EVERYTHING
from app.domain.judged import Frame, Head, Judged
from app.domain.period import bounds
from app.domain.reading import Reading
from app.store.pages import PgPages
from app.store.past.carry import carry_over
from app.store.readings import PgReadings
from app.store.sealing import SeriesKeeper
from app.store.series.engine import bounded
from app.store.soundness import verify
from tests.unit.store_stage import store_migrated, store_pool, store_postgres

__all__ = ["store_migrated", "store_pool", "store_postgres"]

S, DAY = "public_service", 86400
FIRST = bounds("day", 1_664_730_000)[1]


def judged(at_s: int, known_s: int, numbers: dict[str, int], *, day: bool = True) -> Judged:
    head = Head("ps.on_time", "month", bounds("month", at_s)[0], "00ab12cd34ef")
    n = len(numbers)
    frame = Frame(
        head, list(numbers), [v / 10 for v in numbers.values()], list(numbers.values()), [10] * n,
        [0.95] * n, ["met"] * n,
    )  # fmt: skip
    return Judged(S, 1, at_s, known_s, True, (head,), (), (), (frame,), day, False)


async def told(store: PgReadings, *, days: int = 40, as_of_s: int | None = None) -> list[Reading]:
    return await store.history(
        EVERYTHING, indicator="ps.on_time", subjects=None, period="month",
        from_s=FIRST, to_s=FIRST + days * DAY, as_of_s=as_of_s,
    )  # fmt: skip


def shown(found: list[Reading]) -> list[tuple[int, str, int | None, int]]:
    return [((r.at_s - FIRST) // DAY, r.subject, r.num, r.watermark_s) for r in found]


@pytest.fixture
async def store(pool: asyncpg.Pool) -> PgReadings:
    await pool.execute("INSERT INTO source_state (source, seq, caught_up) VALUES ($1, 1, true)", S)
    return PgReadings(pool)


async def test_sealed_or_not_and_after_a_restart_history_is_the_same(
    pool: asyncpg.Pool, store: PgReadings
):
    batch = [judged(FIRST + d * DAY, FIRST + d * DAY + 60, {"area:10": d, "x:1": 9})
             for d in range(30)]  # fmt: skip
    ticks = [judged(FIRST + 29 * DAY + 900 * n, FIRST + 29 * DAY + 900 * n, {"x:1": n}, day=False)
             for n in range(1, 5)]  # fmt: skip
    await store.commit([*batch, *ticks])
    before = await told(store)
    assert len(before) == 64
    assert before[0] == Reading(
        "ps.on_time", "area:10", "month", bounds("month", FIRST)[0], FIRST, FIRST + 60, S, 0.0, 0,
        10, 0.95, "met", "", None, "00ab12cd34ef",
    )  # fmt: skip
    # Only what ends a day is a plain row.
    assert await pool.fetchval("SELECT count(*) FROM reading_frame") == 30
    assert await pool.fetchval("SELECT count(DISTINCT day) FROM reading_daily") == 30
    keeper = SeriesKeeper(pool, store.series_past.series, 100, lambda: 0)
    assert await keeper.step() > 0
    while await keeper.step():
        pass
    assert await pool.fetchval("SELECT count(*) FROM series_chunk") > 0
    assert await told(store) == await told(PgReadings(pool)) == before
    small = PgReadings(pool, limits=bounded(1 / 1000, 10_000, 1))  # a head of 25 points
    assert await told(small) == before
    assert [f for f in (await verify(pool)).faults if f.startswith("series")] == []


async def test_a_correction_holds_today_and_the_earlier_figure_is_still_known(store: PgReadings):
    first = [judged(FIRST + d * DAY, FIRST + d * DAY + 60, {"a": 1, "b": 2}) for d in range(20)]
    await store.commit(first)
    before = await told(store)
    late_s = FIRST + 19 * DAY + 120
    await store.commit_history(judged(FIRST + 3 * DAY, late_s, {"a": 7, "b": 2}))
    after = await told(store)
    assert [r for r in after if r not in before] == [
        replace(before[n], watermark_s=late_s, value=v / 10, num=v) for n, v in ((6, 7), (7, 2))
    ]
    assert shown(await told(store, as_of_s=late_s - 1)) == shown(before)
    assert await told(store, as_of_s=late_s) == after
    # What had not been judged by then is not told.
    assert len(await told(store, as_of_s=FIRST + 5 * DAY + 60)) == 12


async def test_what_was_kept_as_rows_becomes_series_once(pool: asyncpg.Pool, store: PgReadings):
    await store.commit([judged(FIRST, FIRST + 60, {"a": 1, "b": 2})])
    row = "'{a,b}', '{0.1,NULL}', '{1,NULL}', '{10,0}', '{lagging,none}', NULL, NULL"
    for at_s, closes in ((FIRST + DAY, True), (FIRST + DAY + 900, False)):
        await pool.execute(
            "INSERT INTO reading_frame VALUES ($1, 'ps.on_time', 'month', $2, $2, $3, $4,"
            f" {row})", "documents", at_s, bounds("month", at_s)[0], closes,
        )  # fmt: skip
    assert await carry_over(pool, store.series_past, "documents") == 2
    assert [(n, s, k) for n, s, k, _ in shown(await told(store))] == [
        (0, "a", 1), (0, "b", 2), (1, "a", 1), (1, "b", None), (1, "a", 1), (1, "b", None)
    ]  # fmt: skip
    assert {(r.target, r.definition) for r in await told(store) if r.source == "documents"} == {
        (None, "")
    }
    assert await carry_over(pool, store.series_past, "documents") == 0
    assert await carry_over(pool, store.series_past, S) == 0
    assert await pool.fetchval("SELECT count(*) FROM reading_frame WHERE NOT closes_day") == 0
    assert await pool.fetchval("SELECT count(*) FROM reading_frame") == 2


async def test_nothing_of_a_transaction_that_fails_is_known(pool: asyncpg.Pool, store: PgReadings):
    await store.commit([judged(FIRST, FIRST + 60, {"a": 1})])
    broken = Reading(
        "i", "a", "month", 0, FIRST + DAY, FIRST + DAY, S, 0.5, 2**63, 1, None, "met", ""
    )
    wrong = replace(
        judged(FIRST + DAY, FIRST + DAY, {"a": 2}), changed=(broken,), latest=True
    )  # fmt: skip
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OverflowError, ValueError)):
        await store.commit([wrong])
    assert [r.num for r in await told(store)] == [1]
    await store.commit([judged(FIRST + DAY, FIRST + DAY, {"a": 3})])
    assert [r.num for r in await told(store)] == [1, 3]


async def test_months_come_ahead_and_go_and_an_open_case_stays(
    pool: asyncpg.Pool, store: PgReadings
):
    await pool.execute(
        "INSERT INTO record (source, kind, code, owner, sector, received, seq, body)"
        " VALUES ($1, 'dossier', 'old', 'a', 'b', to_timestamp($2), 1, '')", S, FIRST - 900 * DAY,
    )  # fmt: skip
    days = 0
    keeper = SeriesKeeper(pool, store.series_past.series, 10, lambda: days)
    await store.commit([judged(FIRST + d * DAY, FIRST + d * DAY, {"a": d}) for d in range(0, 150)])
    while await keeper.step():
        pass
    months = "SELECT relname FROM pg_class WHERE relname LIKE 'series_chunk_%' AND relkind = 'r'"
    there = {r[0] for r in await pool.fetch(months)}
    assert {"series_chunk_2022_10", "series_chunk_2023_05"} <= there
    days = 60
    await store.commit([judged(FIRST + 152 * DAY, FIRST + 152 * DAY, {"a": 1})])
    await keeper.step()
    left = {r[0] for r in await pool.fetch(months)}
    assert there - left == {"series_chunk_2022_09", "series_chunk_2022_10", "series_chunk_2022_11"}
    assert min((r.at_s - FIRST) // DAY for r in await told(store, days=200)) > 50
    assert await pool.fetchval("SELECT count(*) FROM record WHERE ended IS NULL") == 1
    # Closes of days are few and plain: they stay for whoever reads them with SQL.
    assert await pool.fetchval("SELECT count(*) FROM reading_frame") == 151


async def test_a_server_that_is_full_is_named_and_tried_again(
    pool: asyncpg.Pool, store: PgReadings, monkeypatch: pytest.MonkeyPatch
):
    await store.commit([judged(FIRST, FIRST, {"a": 1})])
    keeper, stop = SeriesKeeper(pool, store.series_past.series, 1, lambda: 0), asyncio.Event()
    seal, full = store.series_past.series.seal_step, True

    async def refusing(source_id: int) -> object:
        if full:
            raise asyncpg.DiskFullError("no space left on device")
        return await seal(source_id)

    monkeypatch.setattr(store.series_past.series, "seal_step", refusing)
    monkeypatch.setattr("app.store.sealing.EVERY_S", 0.01)
    running = asyncio.create_task(keeper.run(stop))
    async with asyncio.timeout(10):
        while keeper.refusal() is None:
            await asyncio.sleep(0.01)
        assert keeper.refusal() == "DiskFullError: no space left on device"
        pages = PgPages(pool)
        pages.beside = keeper.refusal
        # What room there is, is not for pages of small feeds: nobody is asked for more.
        assert (pages.refusal(), pages.refusal(S)) == (keeper.refusal(), None)
        assert [r.num for r in await told(store)] == [1]
        full = False
        while keeper.refusal() is not None:
            await asyncio.sleep(0.01)
        assert await pool.fetchval("SELECT sum(sealed_seq) FROM series_mark") == 1
        stop.set()
        await running
