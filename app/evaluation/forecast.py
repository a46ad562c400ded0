"""Forecast: where a figure will stand at the deadline, with a band and the odds of the goal.

The band is conformal: how far forecasts made at the same stage of the year were off, in units of
the series' own unrest, is a table (``app.evaluation.calibration``), not a bell curve.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

WEEK = 1 / 52  # of the way: the stretch whose rates are compared
PRIOR_RATE_SD, PRIOR_WEEKS = 0.2, 4.0
LOW, HIGH = 0.1, 0.9
STAGES = 12


@dataclass(frozen=True, slots=True)
class Calibration:
    """By stage of the way: errors in units of the unrest, at ``levels`` of probability, rising."""

    levels: tuple[float, ...]
    errors: tuple[tuple[float, ...], ...]

    def error(self, stage: int, level: float) -> float:
        return _interpolate(self.levels, self.errors[stage], level)

    def below(self, stage: int, error: float) -> float:
        """The probability of an error of at most this."""
        row = self.errors[stage]
        if error < row[0]:
            return self.levels[0] / 2
        if error >= row[-1]:
            return (1 + self.levels[-1]) / 2
        return _interpolate(row, self.levels, error)


@dataclass(frozen=True, slots=True)
class Forecast:
    """In parts of the way: the middle, the ends of the 80 % band, and the odds of reaching 1."""

    middle: float
    low: float
    high: float
    odds: float


class Unrest:
    """How much the weekly rates of a series differ, from the first week on."""

    __slots__ = ("_anchor_due", "_anchor_part", "_mean", "_spread", "weeks")

    def __init__(self) -> None:
        self.weeks = 0
        self._mean = self._spread = 0.0
        self._anchor_due: float | None = None
        self._anchor_part = 0.0

    def take(self, due: float, part: float) -> None:
        if self._anchor_due is None:
            self._anchor_due, self._anchor_part = due, part
        elif due - self._anchor_due >= WEEK:
            rate = (part - self._anchor_part) / (due - self._anchor_due)
            self._anchor_due, self._anchor_part = due, part
            self.weeks += 1
            off = rate - self._mean
            self._mean += off / self.weeks
            self._spread += off * (rate - self._mean)

    def sd(self) -> float:
        prior = PRIOR_WEEKS * PRIOR_RATE_SD**2
        return sqrt((self._spread + prior) / (max(0, self.weeks - 1) + PRIOR_WEEKS))


def stage_of(due: float) -> int:
    return min(STAGES - 1, int(due * STAGES))


def expected_rate(whole: float, recent: float, due: float) -> float:
    """The rate to go on with: the year's so far, and more and more the recent one's."""
    weight = 0.3 + 0.4 * due
    return weight * recent + (1 - weight) * whole


def unit_of(due: float, unrest: float) -> float:
    """What an error of 1 means: the unrest over the way left and over what the rate rests on."""
    left = max(1 - due, 1e-6)
    return left * unrest * sqrt(WEEK / max(left, WEEK) + WEEK / max(due, WEEK))


def forecast(
    part: float, due: float, rate: float, unrest: float, calibration: Calibration
) -> Forecast:
    """Where the way ends if it goes on at ``rate``."""
    unit, stage = unit_of(due, unrest), stage_of(due)
    middle = part + (1 - due) * rate
    return Forecast(
        middle + unit * calibration.error(stage, 0.5),
        middle + unit * calibration.error(stage, LOW),
        middle + unit * calibration.error(stage, HIGH),
        1 - calibration.below(stage, (1 - middle) / unit),
    )


def _interpolate(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    after = min(max(bisect_right(xs, x), 1), len(xs) - 1)
    x0, x1, y0, y1 = xs[after - 1], xs[after], ys[after - 1], ys[after]
    return y0 if x1 <= x0 else y0 + (y1 - y0) * min(1.0, max(0.0, (x - x0) / (x1 - x0)))
