"""World: 900 year-long targets with weekends, Tết, noise and gaps. INVENTED, not Lào Cai's data.

Every figure made with it must say so. The parameters below are all there are; a world is its seed.
It shares nothing with the calendar or the judgement of the product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

YEAR = 2022
TET = date(YEAR, 2, 1)
HOLIDAYS = frozenset(
    date(YEAR, month, day)
    for month, day in ((1, 3), (4, 11), (5, 2), (5, 3), (9, 1), (9, 2))
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is drawn, and from where: pairs are the ends of even distributions."""

    each: int = 300  # targets of each course: on its way, slow all year, slow from some day on
    on_its_way: tuple[float, float] = (1.0, 1.09)  # of the goal, before noise
    missed: tuple[float, float] = (0.80, 0.93)
    slows_on_day: tuple[int, int] = (45, 240)
    noise: tuple[float, float] = (0.10, 0.22)  # of a day's work, logarithmic, 0.16 on average
    memory: float = 0.85  # of the noise, from day to day
    weekend: tuple[float, float] = (0.0, 0.12)  # of a working day's work
    tet_before: tuple[int, int] = (3, 7)  # days without work before and after the first day of Tết
    tet_after: tuple[int, int] = (5, 10)
    misread: tuple[float, float] = (0.0, 0.004)  # of the goal: levels alone are measured
    missing: float = 0.04  # days without a value
    gaps: tuple[int, int] = (0, 3)
    gap_days: tuple[int, int] = (5, 20)


@dataclass(frozen=True, slots=True)
class Simulated:
    """One target: from ``base`` to ``goal``; ``values`` has NaN for a day without a value."""

    course: str  # on_its_way | slow | slows
    kind: str  # cumulative | level | falling
    base: float
    goal: float
    values: NDArray[np.float64]
    end: float  # the part of the way that was gone in truth

    @property
    def met(self) -> bool:
        return self.end >= 1


COURSES = ("on_its_way", "slow", "slows")
KINDS = ("cumulative", "level", "falling")
DAYS = 365


def world(seed: int, parameters: Parameters | None = None) -> Iterator[Simulated]:
    """The targets of one year, the three courses by turns."""
    told = parameters or Parameters()
    rng = np.random.default_rng(seed)
    for number in range(told.each):
        for course in COURSES:
            yield _target(rng, told, course, KINDS[number % len(KINDS)])


def _target(rng: np.random.Generator, told: Parameters, course: str, kind: str) -> Simulated:
    work = _rhythm(rng, told)
    plan = np.cumsum(work) / work.sum()
    share = work / work.sum()
    if course == "on_its_way":
        rate = np.full(DAYS, rng.uniform(*told.on_its_way))
    elif course == "slow":
        rate = np.full(DAYS, rng.uniform(*told.missed))
    else:
        before, end = rng.uniform(1.0, 1.06), rng.uniform(*told.missed)
        day = int(rng.integers(*told.slows_on_day))
        after = max(0.05, (end - before * plan[day]) / (1 - plan[day]))
        rate = np.where(np.arange(DAYS) <= day, before, after)
    gone = np.cumsum(rate * share * _noise(rng, told))
    base, goal = _span(rng, kind)
    shown = base + (goal - base) * gone
    if kind != "cumulative":
        shown = shown + (goal - base) * rng.normal(0, rng.uniform(*told.misread), DAYS)
    shown[_without(rng, told)] = np.nan
    return Simulated(course, kind, base, goal, shown, float(gone[-1]))


def _rhythm(rng: np.random.Generator, told: Parameters) -> NDArray[np.float64]:
    weekend = rng.uniform(*told.weekend)
    before, after = int(rng.integers(*told.tet_before)), int(rng.integers(*told.tet_after))
    work = np.ones(DAYS)
    for n in range(DAYS):
        day = date(YEAR, 1, 1) + timedelta(days=n)
        if day.weekday() >= 5:
            work[n] = weekend
        if day in HOLIDAYS or -before <= (day - TET).days <= after:
            work[n] = 0.0
    return work


def _noise(rng: np.random.Generator, told: Parameters) -> NDArray[np.float64]:
    sd = rng.uniform(*told.noise)
    drawn = rng.normal(0, 1, DAYS)
    noise, last = np.empty(DAYS), rng.normal(0, sd)
    for n in range(DAYS):
        last = told.memory * last + drawn[n] * sd * np.sqrt(1 - told.memory**2)
        noise[n] = last
    return np.exp(noise - sd**2 / 2)


def _span(rng: np.random.Generator, kind: str) -> tuple[float, float]:
    if kind == "cumulative":
        return 0.0, float(np.round(10 ** rng.uniform(2, 6)))
    low, high = sorted(rng.uniform(0.1, 1.0, 2))
    low, high = float(low), float(max(high, low + 0.05))
    return (low, high) if kind == "level" else (high, low)


def _without(rng: np.random.Generator, told: Parameters) -> NDArray[np.bool_]:
    gone = rng.random(DAYS) < told.missing
    for _ in range(int(rng.integers(told.gaps[0], told.gaps[1] + 1))):
        begin = int(rng.integers(0, DAYS))
        gone[begin : begin + int(rng.integers(*told.gap_days))] = True
    gone[-1] = False  # the year's result becomes known
    return gone
