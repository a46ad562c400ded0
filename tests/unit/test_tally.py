"""The tally equals a count made afresh from all records, at every instant and in any order."""

from __future__ import annotations

import random

import pytest

from app.domain.indicator import Indicator, Measure
from app.domain.measure import Measures, net
from app.domain.on_time import Rules, phases
from app.domain.period import bounds
from app.domain.record import Event, Record, RecordUpdate, Version, Wait, merge
from app.evaluation.tally import Tally

BEGAN = 1640970000  # 2022-01-01 00:00 in Vietnam
DAY = 86400


def _indicator(id_: str, measure: Measure, periods: tuple[str, ...]) -> Indicator:
    return Indicator(
        id_,
        "s",
        "g",
        "",
        "",
        "",
        "",
        "percent",
        1,
        "up",
        measure,
        periods,
        (),
        (),
        None,
        "",
        None,
        "",
    )


INDICATORS = [
    _indicator("on_time", Measure("ratio", "dossier", "on_time_766"), ("month", "year")),
    _indicator("overdue", Measure("stock", "dossier", "overdue_766"), ("now",)),
    _indicator(
        "done", Measure("ratio", "dossier", "counted", ("online",), (), "done"), ("month", "year")
    ),
]


def _random_update(rng: random.Random, code: str) -> RecordUpdate:
    def at() -> int:
        return BEGAN + rng.randrange(100 * DAY)

    version = None
    if rng.random() < 0.5:
        received = at()
        waits = tuple(
            Wait(
                str(n),
                received + rng.randrange(20 * DAY),
                None if rng.random() < 0.5 else received + 30 * DAY,
            )
            for n in range(rng.choice((0, 0, 1, 2)))
        )
        version = Version(
            rng.randrange(10**6),
            received,
            received + rng.randrange(40 * DAY) if rng.random() < 0.8 else None,
            rng.choice((None, 5, 20)),
            frozenset(("online",) if rng.random() < 0.5 else ()),
            waits=waits,
        )
    events = tuple(
        Event(at(), rng.choice(("2", "4", "5", "6", "9", "10", "8", "7", "3")))
        for _ in range(rng.randrange(4))
    )
    return RecordUpdate("dossier", code, rng.choice(("A", "")) or "A", "", version, events)


def _expected(records: list[Record], kind: str, at_s: int) -> tuple[int, int]:
    """num and den of the on-time share, straight from the definition, record by record."""
    begin, end = bounds(kind, at_s)
    num = den = 0
    for record in records:
        now = [p for p in phases(record, Rules()) if p.from_s <= min(at_s, end)]
        if not now or now[-1].late is None:
            continue
        received = now[0].from_s
        if received >= begin or now[-1].end_s is None or now[-1].end_s >= begin:
            den += 1
            num += not now[-1].late
    return num, den


@pytest.mark.parametrize("seed", range(60))
def test_sums_are_those_of_a_fresh_count(seed: int) -> None:
    rng = random.Random(seed)
    measures = Measures(INDICATORS, Rules())
    carried = {0: ("month", "year")}
    tally = Tally(carried, lambda owner, _: (owner,))
    tally.start(BEGAN, BEGAN)
    records: dict[str, Record] = {}
    log = []
    now = BEGAN
    for _ in range(60):
        update = _random_update(rng, f"c{rng.randrange(12)}")
        before = records.get(update.code)
        records[update.code] = after = merge(before, update)
        steps = [
            (after.owner, after.sector, *key, *change)
            for key, change in net(measures.steps(before), measures.steps(after)).items()
        ]
        log.append(steps)
        tally.add(steps)
        now += rng.randrange(3 * DAY)
        tally.advance(now)
        for kind in ("month", "year"):
            _, sums = tally.current(0, kind)
            assert tuple(sums.get("A", [0, 0])) == _expected(list(records.values()), kind, now)
    again = Tally(carried, lambda owner, _: (owner,))
    again.start(BEGAN, now)
    for steps in log:
        again.add(steps)
    for kind in ("month", "year"):
        assert _filled(again.current(0, kind)[1]) == _filled(tally.current(0, kind)[1])
    assert _filled(again.current(1, "now")[1]) == _filled(tally.current(1, "now")[1])


def _filled(sums: dict[str, list[int]]) -> dict[str, list[int]]:
    return {k: v for k, v in sums.items() if v != [0, 0]}


def test_what_has_closed_is_forgotten_and_what_comes_late_for_it_opens_nothing() -> None:
    tally = Tally({0: ("month",)}, lambda owner, sector: (owner,))
    tally.start(BEGAN, BEGAN)
    most = 0
    for hour in range(400 * 24):
        at_s = BEGAN + hour * 3600
        kinds = [(kind, bounds(kind, at_s)[0]) for kind in ("hour", "day", "month", "year")]
        late = [("day", bounds("day", at_s - 3 * DAY)[0])]
        tally.add(("u", "", 0, kind, begin, at_s, 60, 1, 1) for kind, begin in kinds + late)
        tally.advance(at_s + 3599)
        most = max(most, len(tally.cells), len(tally.values))
        assert tally.current(0, "hour")[1] == {"u": [1, 1]}
    assert most <= 5  # one a kind, and a month's base
    days = bounds("year", BEGAN + DAY)[1] + 1 - BEGAN
    assert tally.current(0, "year")[1]["u"] == [400 * 24 - days // 3600] * 2
