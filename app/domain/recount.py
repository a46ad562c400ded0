"""Recount: which measures of a source mean something else than the steps that are stored.

What decides the steps of all of them (the calendar, the switches, the code) is told apart from
what decides those of one, so that an edited definition is counted anew and it alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass

from app.domain.measure import Measures, Steps
from app.domain.record import Record

StepsOf = Callable[[Record | None], Steps]


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure: the indicator it is of, and what decides its steps alone."""

    indicator: str
    fingerprint: str
    records: str


@dataclass(frozen=True, slots=True)
class Apart:
    """The measures of a source in their order; ``common`` names what decides all of them."""

    common: str
    measures: tuple[Measured, ...]
    only: Callable[[Collection[int]], StepsOf]


@dataclass(frozen=True, slots=True)
class Anew:
    """Whose steps were made anew: those of some indicators.

    ``all``: those of the whole source, or they are numbered otherwise; no sum of before holds.
    """

    all: bool = False
    some: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.all or bool(self.some)


def apart(measures: Measures) -> Apart:
    """What decides the steps of each measure, and how to make those of a few alone."""
    told = [
        Measured(i.id, _short(repr((i.measure, i.periods))), i.measure.records)
        for i in measures.indicators
    ]
    common = Measures([], measures.rules).fingerprint()

    def only(numbers: Collection[int]) -> StepsOf:
        few = Measures(measures.indicators, measures.rules)
        few.by_records = {
            kind: [(n, i) for n, i in found if n in numbers]
            for kind, found in few.by_records.items()
        }
        return few.steps

    return Apart(common, tuple(told), only)


def _short(told: str) -> str:
    return hashlib.sha256(told.encode()).hexdigest()[:32]
