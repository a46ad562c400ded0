"""The series store on real servers: the same answers as brute force, and its schema's promises."""

from __future__ import annotations

import asyncio
import random
from datetime import date

import asyncpg
import numpy as np
import pytest

from app.domain.series import DAY_MS, HOUR_MS, Batch, OutOfOrder, SeriesDef, step_for
from app.store.series import together as steps_together
from app.store.series.engine import SeriesLimits, SeriesStore
from app.store.series.partitions import drop_before, make_ahead
from app.store.series.pg import PgRows
from app.store.series.sealer import SealLimits
from tests.unit.store_stage import store_migrated, store_pool, store_postgres
from tests.unit.test_series_histories import BEGAN, MINUTE, Deed, Run, compare, instants_of, live

__all__ = ["store_migrated", "store_pool", "store_postgres"]

# Reference tables, read everywhere and written when a source is declared; and what is not a table
# of points. Every other table of the store carries its distribution column in every unique key.
EXEMPT = {"series_source"}


def dice_history(seed: int, deeds: int = 12) -> list[Deed]:
    dice, made = random.Random(seed), []
    for _ in range(deeds):
        kind = dice.choice(["batch", "batch", "batch", "seal", "everything", "restart", "again"])
        runs = tuple(
            Run(
                dice.randrange(4), dice.choice([0, 59, 1440, 4320, 86_400]), dice.randint(1, 45),
                dice.choice([1_000, 10_000, MINUTE]), dice.randrange(6), dice.choice([0, 0, 1]),
            )
            for _ in range(dice.randint(0, 3))
        )  # fmt: skip
        made.append(Deed(kind, dice.choice([0, 1_000, DAY_MS, 9 * DAY_MS]), runs))
    return made


@pytest.mark.parametrize("seed", range(6))
async def test_a_history_answers_as_brute_force_does(
    pool: asyncpg.Pool, seed: int, record_property
):
    seals = SealLimits([1, 60, 10_000][seed // 2])
    limits = SeriesLimits([0, 40, 10_000][seed % 3], seals, [10**7, 0, 20_000][seed // 2])
    store, model = await live(PgRows(pool), dice_history(seed), limits)
    compared = await compare(store, model, None)
    for instant in instants_of(model)[::2]:
        compared += await compare(store, model, instant)
    record_property("comparisons with brute force", compared)


async def test_what_is_kept_in_memory_is_never_out_of_date(pool: asyncpg.Pool, record_property):
    """One process keeps sealed rows, another seals, corrects and drops: both say the same."""
    writer = await declared(pool)
    reader = SeriesStore(PgRows(pool), SeriesLimits(shelf_bytes=10**6))
    window, seq = (BEGAN, BEGAN + 40 * DAY_MS), 0

    async def append(day: int, value: float) -> None:
        nonlocal seq
        seq += 1
        at = BEGAN + (day * 24 + np.arange(48)) * HOUR_MS
        known = BEGAN + (60 + seq) * DAY_MS
        columns = (np.full(48, 1), at, np.full(48, value))
        assert await writer.append(Batch(1, seq, known, *columns, cursor=""))

    async def answers(store: SeriesStore) -> list[list[float]]:
        raw = await store.raw(1, 1, *window)
        steps = await store.steps(1, [1], *window, DAY_MS)
        return [raw.at_ms.tolist(), raw.value.tolist(), steps.count.tolist(), steps.sum.tolist()]

    compared, before = 0, [[0.0]]
    for day, value in ((0, 1.0), (3, 2.0), (0, 3.0), (3, 2.0), (1, 4.0)):
        await append(day, value)
        for _ in range(2):  # not sealed; sealed
            for _ in range(2):  # the second time from memory
                told = await answers(reader)
                assert repr(told) == repr(await answers(writer))
                compared += 1
            await writer.seal(1, everything=True)
    assert reader.shelf.bytes() > 0
    before = await answers(reader)
    month = await drop_before(pool, date(2023, 1, 1))
    assert month and repr(await answers(reader)) == repr(await answers(writer)) != repr(before)
    record_property("answers from memory compared with the database", compared)


@pytest.mark.parametrize("seed", range(3))
async def test_sums_kept_in_memory_and_the_tail_make_what_points_make(
    pool: asyncpg.Pool, seed: int, monkeypatch: pytest.MonkeyPatch, record_property
):
    """Who watches asks again: only the tail is new, or something was sealed, or came late."""
    rng, summed = np.random.default_rng(seed), []
    from_points = steps_together._sealed
    monkeypatch.setattr(
        steps_together, "_sealed", lambda *told: summed.append(1) or from_points(*told)
    )
    writer = await declared(pool)
    reader = SeriesStore(PgRows(pool), SeriesLimits(shelf_bytes=10**8))
    ends, asked, compared = {1: BEGAN, 2: BEGAN}, 0, 0
    for seq in range(1, 41):
        columns = []
        for series, tick in ((1, 10_000), (2, MINUTE)):
            count = int(rng.integers(0, 90))
            at = ends[series] + (1 + np.arange(count)) * tick
            value = np.round(rng.normal(50, 20, count), int(rng.integers(0, 4)))
            if count and rng.random() < 0.1:  # late, or once more
                at[-1] = BEGAN + int(rng.integers(0, 50)) * tick
            if count and rng.random() < 0.1:
                value[0] = rng.choice([np.pi, -0.0, 1e300])
            ends[series] += count * tick
            columns.append((np.full(count, series), at, value))
        joined = [np.concatenate(c) for c in zip(*columns, strict=True)]
        await writer.append(Batch(1, seq, max(ends.values()), *joined, cursor=""))
        if rng.random() < 0.3:
            await writer.seal(1, everything=True)
        from_ms = BEGAN + int(rng.integers(0, 3)) * 97_000
        for to_ms in (max(ends.values()), from_ms + 333_000, max(ends.values()) + 5):
            window = (1, [1, 2], from_ms, to_ms, 7 * MINUTE)
            for _ in range(2):
                told, true = await reader.steps(*window), await writer.steps(*window)
                for name in ("start_ms", "count", "sum", "min", "max", "first", "last", "coverage"):
                    assert getattr(told, name).tobytes() == getattr(true, name).tobytes(), name
                asked, compared = asked + 1, compared + len(true.count)
    assert asked < len(summed) < 1.5 * asked, "one of them sums up again, the other seldom"
    record_property("buckets from kept sums compared with points", compared)


async def test_the_shelf_holds_no_more_than_it_may(pool: asyncpg.Pool):
    store = await declared(pool, SeriesLimits(shelf_bytes=60_000))
    for seq in range(1, 9):
        at = BEGAN + (seq * 500 + np.arange(500)) * MINUTE
        columns = (np.full(500, 2), at, np.arange(500) / 10)
        await store.append(Batch(1, seq, int(at[-1]), *columns, cursor=""))
        await store.seal(1, everything=True)
    for seq in range(1, 9):
        low = BEGAN + seq * 500 * MINUTE
        assert len((await store.raw(1, 2, low, low + 500 * MINUTE)).value) == 500
        assert 0 < store.shelf.bytes() <= 60_000


async def declared(pool: asyncpg.Pool, limits: SeriesLimits | None = None) -> SeriesStore:
    store = SeriesStore(PgRows(pool), limits)
    await store.declare("s", [SeriesDef("a", 10_000), SeriesDef("b", 60_000)])
    return store


def batch(seq: int, at: list[int], value: list[float], known_ms: int, series: int = 1) -> Batch:
    ids = np.full(len(at), series)
    return Batch(1, seq, known_ms, ids, np.array(at), np.array(value), f"cursor {seq}")


async def test_a_batch_twice_is_one_and_a_gap_is_refused(pool: asyncpg.Pool):
    store = await declared(pool)
    assert await store.append(batch(1, [BEGAN], [1.0], BEGAN))
    assert not await store.append(batch(1, [BEGAN], [2.0], BEGAN))
    with pytest.raises(OutOfOrder, match="expected 2"):
        await store.append(batch(3, [BEGAN], [2.0], BEGAN))
    with pytest.raises(OutOfOrder, match="never goes back"):
        await store.append(batch(2, [BEGAN], [2.0], BEGAN - 1))
    place = await store.place(1)
    assert (place.seq, place.cursor) == (1, "cursor 1")
    assert (await store.raw(1, 1, BEGAN, BEGAN + 1)).value.tolist() == [1.0]


async def test_two_writers_of_one_batch_write_it_once(pool: asyncpg.Pool):
    store = await declared(pool)
    for seq in range(1, 30):
        mine = [store.append(batch(seq, [BEGAN + seq], [float(who)], BEGAN)) for who in range(4)]
        assert sorted(await asyncio.gather(*mine)) == [False, False, False, True]
    assert await pool.fetchval("SELECT count(*) FROM series_journal") == 29


@pytest.mark.parametrize(
    ("at", "series", "said"),
    [([-1], 1, "1970"), ([2**60], 1, "9998"), ([BEGAN], 9, "no series 9")],
)
async def test_what_cannot_be_kept_is_refused_before_it_is_written(pool, at, series, said):
    store = await declared(pool)
    with pytest.raises((ValueError, LookupError), match=said):
        await store.append(batch(1, at, [1.0], BEGAN, series))
    assert (await store.place(1)).seq == 0


async def test_sixty_days_late_is_seen_by_every_question_and_moves_nothing_else(pool):
    """Through another process' eyes: a store of its own, as the web process has."""
    limits = SeriesLimits(seal=SealLimits(grace_ms=0))
    store, reader = await declared(pool, limits), await declared(pool, limits)
    days = np.arange(BEGAN, BEGAN + 61 * DAY_MS, 600_000)
    known = int(days[-1])
    await store.append(batch(1, days.tolist(), (days % 97 / 4).tolist(), known))
    await store.seal(1)
    ids, end, late = [1], BEGAN + 61 * DAY_MS, BEGAN + DAY_MS + 5
    before = await reader.steps(1, ids, BEGAN, end, HOUR_MS)
    chunks = await pool.fetch("SELECT day, body, hours FROM series_chunk ORDER BY day")
    await store.append(batch(2, [late], [1000.0], known + 1))
    for sealed in (False, True):
        if sealed:
            await store.seal(1)
        after = await reader.steps(1, ids, BEGAN, end, HOUR_MS)
        changed = np.flatnonzero(np.array(after.sum) != np.array(before.sum)).tolist()
        assert changed == [24]
        assert after.sum[24] == before.sum[24] + 1000.0 and after.max[24] == 1000.0
        assert 1000.0 in (await reader.raw(1, 1, BEGAN, end)).value.tolist()
        assert 1000.0 not in (await reader.raw(1, 1, BEGAN, end, as_of_ms=known)).value.tolist()
    now = await pool.fetch("SELECT day, body, hours FROM series_chunk ORDER BY day")
    assert [a["day"] for a, b in zip(chunks, now, strict=True) if a != b] == [date(2022, 1, 4)]


async def test_many_sealers_seal_a_batch_once(pool: asyncpg.Pool):
    store = await declared(pool, SeriesLimits(seal=SealLimits(points=100)))
    for seq in range(1, 21):
        at = (BEGAN + np.arange(50) * 10_000 + seq * DAY_MS).tolist()
        await store.append(batch(seq, at, [1.5] * 50, at[-1]))
    done = await asyncio.gather(*(SeriesStore(PgRows(pool)).seal(1) for _ in range(4)))
    assert sum(s.points for one in done for s in one) == 1000
    assert len((await store.raw(1, 1, BEGAN, BEGAN + 30 * DAY_MS)).at_ms) == 1000
    assert await pool.fetchval("SELECT count(*) FROM series_journal") == 0


async def test_every_unique_key_has_the_distribution_column(pool: asyncpg.Pool, record_property):
    rows = await pool.fetch(
        "SELECT c.relname, array_agg(a.attname::text) AS columns"
        " FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)"
        " WHERE i.indisunique AND c.relname LIKE 'series%' GROUP BY c.relname, i.indexrelid"
    )
    without = {r["relname"] for r in rows if "source_id" not in r["columns"]}
    assert len(rows) >= 8 and without == EXEMPT
    assert not await pool.fetch("SELECT FROM pg_extension WHERE extname <> 'plpgsql'")
    record_property("unique keys", len(rows))


async def test_partitions_are_made_ahead_and_dropped_whole(pool: asyncpg.Pool):
    made = await make_ahead(pool, date(2022, 11, 30))
    assert made == ["series_chunk_2022_11", "series_chunk_2022_12", "series_chunk_2023_01"]
    assert await make_ahead(pool, date(2022, 12, 1)) == ["series_chunk_2023_02"]
    store = await declared(pool)
    at = [BEGAN + d * DAY_MS for d in (0, 360, 380)]
    await store.append(batch(1, at, [1.0, 2.0, 3.0], at[-1]))
    await store.seal(1, everything=True)
    # 2022-12-29 is what day 360 is; a bucket of December may reach into January.
    assert await drop_before(pool, date(2023, 1, 31)) == [
        "series_chunk_2022_01", "series_chunk_2022_11",
    ]  # fmt: skip
    assert (await store.raw(1, 1, BEGAN, at[-1] + 1)).value.tolist() == [2.0, 3.0]
    dropped = await drop_before(pool, date(2023, 2, 1))
    assert dropped == ["series_chunk_2022_12"]
    assert (await store.raw(1, 1, BEGAN, at[-1] + 1)).value.tolist() == [3.0]


async def test_memory_is_bounded_by_the_settings(pool: asyncpg.Pool):
    store = await declared(pool, SeriesLimits(head_points=500))
    for seq in range(1, 31):
        at = (BEGAN + np.arange(100) * 10_000 + seq * 10**6).tolist()
        await store.append(batch(seq, at, list(map(float, range(100))), at[-1]))
        await store.latest(1)
        assert store.head.points() <= 500
    assert len((await store.raw(1, 1, BEGAN, BEGAN + DAY_MS)).at_ms) == 3000
    assert (await store.latest(1)).at_ms.tolist() == [BEGAN + 30 * 10**6 + 990_000]


def test_a_step_is_one_a_person_can_read():
    assert step_for(0, 90 * DAY_MS, 400) == 6 * HOUR_MS
    assert step_for(0, DAY_MS, 400) == 300_000
    assert step_for(0, 4000 * DAY_MS, 400) == 10 * DAY_MS
