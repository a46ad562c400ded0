"""Whatever arrives in whatever order, sealed and restarted whenever: the answers of brute force."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.series import DAY_MS, HOUR_MS, Batch, SeriesDef
from app.store.series.engine import SeriesLimits, SeriesStore
from app.store.series.rows import RowStore
from app.store.series.sealer import SealLimits
from tests.unit.series_memory import MemoryRows
from tests.unit.series_model import Model, cells_of, latest_of, points_of

BEGAN = 18_995 * DAY_MS
TICKS = (10_000, 60_000, 300_000, 0)
SERIES = [SeriesDef(f"s{i}", tick) for i, tick in enumerate(TICKS)]
MINUTE = 60_000
VALUES = (
    (0.0, 1.0, 2.5, -7.25), (20.1, 20.2, 20.3, 20.2), (1 / 3, 2 / 3, 0.1, 1.0),
    (1e300, -1e300, 5e-324, 1.0), (float("nan"), 1.0, 2.0, float("inf")), (-0.0, 0.0, 9e15, 1.0),
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """Some points of one series, a step apart; ``shift`` puts them beside earlier ones."""

    series: int
    minute: int
    number: int
    step_ms: int
    values: int
    shift: int


@dataclass(frozen=True)
class Deed:
    """A batch of runs, known so much later than the one before; or a seal, or a restart."""

    kind: str
    later_ms: int = 0
    runs: tuple[Run, ...] = ()


RUNS = st.builds(
    Run,
    st.integers(0, len(TICKS) - 1),
    st.sampled_from([0, 1, 59, 60, 1439, 1440, 2000, 4320, 11_500, 86_400]),
    st.integers(1, 45),
    st.sampled_from([1_000, 10_000, MINUTE, 7 * MINUTE]),
    st.integers(0, len(VALUES) - 1),
    st.sampled_from([0, 0, 0, 1, 5_000]),
)
LATER = st.sampled_from([0, 1, 1_000, 30 * MINUTE, DAY_MS, 9 * DAY_MS])
DEEDS = st.one_of(
    st.builds(Deed, st.just("batch"), LATER, st.lists(RUNS, min_size=0, max_size=3).map(tuple)),
    st.builds(Deed, st.sampled_from(["batch"]), LATER, st.tuples(RUNS)),
    st.builds(Deed, st.sampled_from(["seal", "seal", "everything", "restart", "again"])),
)
# A bound of nothing: every tail is read from its rows.
LIMITS = st.builds(
    SeriesLimits,
    st.sampled_from([0, 40, 10_000]),
    st.builds(SealLimits, st.sampled_from([1, 60, 10_000]), st.sampled_from([0, HOUR_MS])),
    st.sampled_from([0, 20_000, 10**7]),
)


def batch_of(deed: Deed, seq: int, known_ms: int) -> Batch:
    series, at, value = [], [], []
    for run in deed.runs:
        for k in range(run.number):
            series.append(run.series + 1)
            at.append(BEGAN + run.minute * MINUTE + run.shift + k * run.step_ms)
            value.append(VALUES[run.values][k % 4])
    columns = (np.array(series, np.int64), np.array(at, np.int64), np.array(value, float))
    return Batch(1, seq, known_ms, *columns, cursor=f"c{seq}")


async def live(
    rows: RowStore, deeds: list[Deed], limits: SeriesLimits
) -> tuple[SeriesStore, Model]:
    """The history, in the store and in the model."""
    store, model, last = SeriesStore(rows, limits), Model(), None
    await store.declare("s", SERIES)
    known_ms = BEGAN
    for deed in deeds:
        if deed.kind == "batch":
            known_ms += deed.later_ms
            place = await store.place(1)
            last = batch_of(deed, place.seq + 1, known_ms)
            assert await store.append(last)
            model.append(last)
        elif deed.kind == "again" and last is not None:
            assert not await store.append(last)
        elif deed.kind == "restart":
            store = SeriesStore(rows, limits)
        else:
            await store.seal(1, everything=deed.kind == "everything")
    return store, model


async def compare(store: SeriesStore, model: Model, as_of: int | None) -> int:
    """Every answer about every series; returns how many were compared."""
    low, high, compared = BEGAN, BEGAN + 70 * DAY_MS, 0
    if as_of is None:
        assert latest_of(await store.latest(1)) == model.latest()
    ids = list(range(1, len(TICKS) + 1))
    for series_id in ids:
        points = await store.raw(1, series_id, low, high, as_of)
        assert points_of(points) == model.raw(series_id, low, high, as_of)
        some = (low + 59 * MINUTE + 500, low + 1441 * MINUTE)
        part = await store.raw(1, series_id, *some, as_of)
        assert points_of(part) == model.raw(series_id, *some, as_of)
        compared += len(points.at_ms) + len(part.at_ms)
    for start, end, step in (
        (low, low + 3 * DAY_MS, HOUR_MS),
        (low, low + 70 * DAY_MS, DAY_MS),
        (low + HOUR_MS, low + 2 * DAY_MS + 25 * MINUTE, 6 * HOUR_MS),
        (low + 3 * MINUTE, low + 3 * HOUR_MS, 5 * MINUTE),
    ):
        buckets = await store.steps(1, ids, start, end, step, as_of)
        assert buckets.level == ("hour" if as_of is None and step >= HOUR_MS else "raw")
        for series_id, tick in enumerate(TICKS, 1):
            wanted = model.steps(series_id, start, end, step, tick, as_of)
            assert cells_of(buckets, series_id) == wanted
            compared += len(wanted)
    return compared


def instants_of(model: Model) -> list[int]:
    return sorted({v[3] for v in model.versions})


@settings(
    max_examples=2000,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(DEEDS, min_size=1, max_size=9), LIMITS, st.randoms(use_true_random=False))
def test_any_history_answers_as_brute_force_does(record_property, deeds, limits, dice):
    record_property("generated histories of series, against brute force", 1)

    async def history() -> None:
        store, model = await live(MemoryRows(), deeds, limits)
        await compare(store, model, None)
        instants = instants_of(model)
        if instants:
            await compare(store, model, dice.choice(instants))
            await compare(store, model, instants[0] - 1)

    asyncio.run(history())


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(DEEDS, min_size=2, max_size=9), LIMITS)
def test_chunks_are_the_same_to_the_bit_whenever_they_are_sealed(record_property, deeds, limits):
    record_property("generated histories of series, sealed at other moments", 1)

    async def history() -> None:
        once, often = MemoryRows(), MemoryRows()
        grace = limits.seal.grace_ms
        calm = [d for d in deeds if d.kind == "batch"]
        store, _ = await live(once, calm, SeriesLimits(seal=SealLimits(10**6, grace)))
        await store.seal(1)
        store, _ = await live(often, deeds, limits)
        await store.seal(1)
        for key, chunk in once.chunks.items():
            assert repr(often.chunks[key]) == repr(chunk)  # NaN is not equal to itself
        # Whatever is open is sealed by force: the same again.
        await SeriesStore(once, limits).seal(1, everything=True)
        await SeriesStore(often, limits).seal(1, everything=True)
        assert repr(sorted(once.chunks.items())) == repr(sorted(often.chunks.items()))

    asyncio.run(history())
