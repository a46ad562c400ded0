"""Ten thousand random trees and case sets: every whole is the sum of its parts, to the case."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date

import pytest

from app.domain.area import Area, Areas
from app.domain.indicator import Indicator, Measure
from app.domain.measure import RULES, Measures
from app.domain.membership import Agency, Membership
from app.domain.on_time import Rules
from app.domain.record import Event, Record, Version, Wait
from app.evaluation.tally import Tally

BEGAN = 1640970000  # 2022-01-01 00:00 in Vietnam
DAY = 86400
TREES = 2000  # in each of five
RULES_OF_CALENDAR = Rules(frozenset(), always_late=False, fee_wait_stops_clock=False)
DAY_ONE = date(2022, 1, 1)


def _indicator(measure: Measure, *periods: str) -> Indicator:
    return Indicator(
        measure.rule, "s", "g", "", "", "", "", "percent", 1, "up", measure, periods, (), (), None,
        "", None, "",
    )  # fmt: skip


INDICATORS = [
    _indicator(Measure("sum", "dossier", "unjudged_766"), "month", "year"),
    _indicator(Measure("ratio", "dossier", "on_time_766"), "month", "year"),
    _indicator(Measure("stock", "dossier", "overdue_766"), "now"),
    _indicator(Measure("stock", "dossier", "backlog"), "now"),
    _indicator(Measure("stock", "dossier", "aged", start="5"), "now"),
    _indicator(Measure("sum", "dossier", "reappointed"), "month"),
    _indicator(Measure("ratio", "dossier", "reopened"), "year"),
    _indicator(Measure("ratio", "dossier", "counted", ("x",), (), "done"), "month", "year"),
    _indicator(Measure("ratio", "firm", "stock", ("x",), ()), "now"),
    _indicator(Measure("ratio", "letter", "handled"), "month"),
    _indicator(Measure("sum", "hour", "amount", ("x",)), "hour", "day"),
]
MEASURES = Measures(INDICATORS, RULES_OF_CALENDAR)
CARRIED = {n: i.periods for n, i in enumerate(INDICATORS) if i.measure.carried}


def _tree(rng: random.Random) -> tuple[Areas, dict[str, Agency], dict[str, list[str]]]:
    """Areas, agencies that work for some of them, and what each area is made of."""
    units = [Area("area:0", "0", "province", "", "", None, DAY_ONE, None)]
    for d in range(rng.randint(1, 3)):
        units.append(Area(f"area:0{d}", f"0{d}", "district", "", "", "area:0", DAY_ONE, None))
        units += [
            Area(f"area:0{d}{c}", f"0{d}{c}", "commune", "", "", f"area:0{d}", DAY_ONE, None)
            for c in range(rng.randint(0, 3))
        ]
    agencies = {}
    for n in range(rng.randint(1, 6)):
        unit = rng.choice(units)
        agencies[f"A{n}"] = Agency(f"A{n}", "", "", unit.level, unit.id)
    made_of = {
        unit.id: [
            *(u.id for u in units if u.parent == unit.id),
            *(f"agency:{a.code}" for a in agencies.values() if a.area == unit.id),
        ]
        for unit in units
    }
    return Areas(tuple(units)), agencies, made_of


def _records(rng: random.Random, owners: list[str], at_s: int) -> Iterator[Record]:
    for n in range(rng.randint(1, 5)):
        kind = rng.choice(("dossier", "dossier", "firm", "letter", "hour"))
        received = BEGAN + rng.randrange(60 * DAY)
        if kind == "hour":
            received = at_s - rng.randrange(7200)
        codes = {"firm": ("+x", "-x"), "letter": ("01", "06", "02")}.get(
            kind, ("2", "4", "5", "9", "10", "8")
        )
        events = frozenset(
            Event(received + rng.randrange(30 * DAY), rng.choice(codes))
            for _ in range(rng.randrange(5))
        )
        waits = (Wait("w", received + DAY, received + 3 * DAY),) if rng.random() < 0.3 else ()
        version = Version(
            received, received, rng.choice((None, received + rng.randrange(20 * DAY))), None,
            frozenset(("x",) if rng.random() < 0.5 else ()), {"x": rng.randrange(100)}, waits,
        )  # fmt: skip
        due = received + rng.randrange(10 * DAY)
        promises = frozenset(((due, received), (due + DAY, received + rng.randrange(20 * DAY))))
        yield Record(kind, str(n), rng.choice(owners), "", version, events, promises)


@pytest.mark.parametrize("seed", range(5))
def test_every_area_is_the_sum_of_its_areas_and_its_own_agencies(seed: int) -> None:
    rng = random.Random(seed)
    seen: set[tuple[str, str]] = set()
    for _ in range(TREES):
        areas, agencies, made_of = _tree(rng)
        tally = Tally(CARRIED, Membership(areas, agencies))
        at_s = BEGAN + rng.randrange(90 * DAY)
        tally.start(BEGAN, at_s)
        for record in _records(rng, list(agencies), at_s):
            steps = MEASURES.steps(record)
            tally.add([(record.owner, record.sector, *k, *v) for k, v in steps.items()])
        for number, indicator in enumerate(INDICATORS):
            for period in indicator.periods:
                _, sums = tally.current(number, period)
                for whole, parts in made_of.items():
                    shares = [sums.get(p, (0, 0)) for p in parts]
                    added = [sum(s[i] for s in shares) for i in range(2)]
                    assert list(sums.get(whole, (0, 0))) == added, (seed, indicator.id, whole)
                if any(sums.get("area:0", ())):
                    seen.add((indicator.id, period))
    # Nothing was equal only because nothing was there.
    assert seen == {(i.id, p) for i in INDICATORS for p in i.periods}


def test_every_additive_rule_is_looked_at() -> None:
    assert {i.measure.rule for i in INDICATORS} == RULES - {"elapsed", "handling"}
