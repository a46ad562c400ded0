"""Pace: the state of a target that is reached over a year, from its values one after the other.

A pure function of (ordered values, rule, way): the same values in the same order give the same
states, whenever they are asked for. Time stands still while values are missing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from app.domain.trajectory import Trajectory
from app.evaluation.calibration import SHIPPED
from app.evaluation.dwell import Dwell
from app.evaluation.forecast import Calibration, Forecast, Unrest, expected_rate, forecast

DAY_S = 86400
BAD = frozenset(("lagging", "critical"))
_SMALL = 1e-9


@dataclass(frozen=True, slots=True)
class PaceRule:
    """When a target lags. Days of lag are working days, all others days of the calendar."""

    lag_on: float = 9.0
    lag_off: float = 3.0
    near_on: float = 5.0
    ratio_on: float = 1.05
    miss_on: float = 0.5
    critical_on: float = 0.9
    critical_off: float = 0.75
    long_days: int = 42
    short_days: int = 14
    for_days: float = 5.0
    keep_days: float = 7.0
    points: int = 3
    grace_days: int = 30
    coverage: float = 0.8
    act_days: float = 30.0  # working days it takes for a measure to show
    step_days: float = 3.0  # between two values at most this much of a dwell passes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the values up to ``at_s`` say. ``since_s``: in this state since; ratios may be inf."""

    at_s: int
    state: str
    since_s: int
    part: float
    due: float
    lag_days: float
    ratio_long: float | None = None
    ratio_short: float | None = None
    forecast: Forecast | None = None
    holds: str = ""  # why nothing can change now: grace | coverage


class Course:
    """One target of one subject on its way; ``observe`` takes the next value.

    ``averaged``: the value is the mean of the year so far, such as a share of its cases. What is
    gone then adds up with time, and the rest of the year has to make good for what is behind.
    ``years``: how many finished years of the installation's own the calibration was learnt from.
    """

    __slots__ = (
        "_averaged", "_calibration", "_dues", "_enter", "_leave", "_parts", "_rule", "_sink",
        "_times", "_unrest", "trajectory", "verdict", "years",
    )  # fmt: skip

    def __init__(
        self,
        trajectory: Trajectory,
        rule: PaceRule,
        calibration: Calibration = SHIPPED,
        *,
        averaged: bool = False,
        years: int = 0,
    ) -> None:
        self.trajectory = trajectory
        self.years = years
        self._averaged = averaged
        self.verdict: Verdict | None = None
        self._rule = rule
        self._calibration = calibration
        self._times, self._parts, self._dues = array("q"), array("d"), array("d")
        self._unrest = Unrest()
        self._enter, self._leave, self._sink = Dwell(), Dwell(), Dwell()

    def observe(self, at_s: int, value: float | None) -> None:
        """Take the value of an instant. None, or one that comes out of order, changes nothing."""
        before = self.verdict
        if value is None or (before is not None and at_s <= before.at_s):
            return
        way = self.trajectory
        part, due = way.progress(value), way.due(at_s)
        lag = way.lag(part, at_s)
        if at_s > way.calendar.end_s:
            self._settle(Verdict(at_s, _final(before, part), at_s, part, due, lag))
            return
        step = 0.0 if before is None else min(self._rule.step_days, (at_s - before.at_s) / DAY_S)
        share = way.calendar.share(at_s)
        gone, time = (part * share, share) if self._averaged else (part, due)
        self._times.append(at_s)
        self._parts.append(gone)
        self._dues.append(time)
        self._unrest.take(time, gone)
        seen = self._look(at_s, part, due, lag)
        self._settle(self._decide(seen, step) if not seen.holds else self._hold(seen))

    def _look(self, at_s: int, part: float, due: float, lag: float) -> Verdict:
        rule = self._rule
        held = "none" if self.verdict is None else self.verdict.state
        holds = self._holds(at_s)
        if self.trajectory.steps:
            return Verdict(at_s, held, at_s, part, due, lag, holds=holds)
        long, short = self._rate(rule.long_days), self._rate(rule.short_days)
        whole = self._rate(None)
        gone, time, told = self._parts[-1], self._dues[-1], None
        if not holds and long is not None and whole is not None and time < 1 - _SMALL:
            rate = expected_rate(whole, long, time)
            told = forecast(gone, time, rate, self._unrest.sd(), self._calibration)
        return Verdict(
            at_s, held, at_s, part, due, lag, _ratio(gone, time, long), _ratio(gone, time, short),
            told, holds,
        )  # fmt: skip

    def _rate(self, days: int | None) -> float | None:
        """Way gone per way due, over the last days or from the first value on."""
        first = 0
        if days is not None:
            first = max(0, bisect_right(self._times, self._times[-1] - days * DAY_S) - 1)
        due = self._dues[-1] - self._dues[first]
        return (self._parts[-1] - self._parts[first]) / due if due > _SMALL else None

    def _holds(self, at_s: int) -> str:
        rule, begin_s = self._rule, self.trajectory.calendar.begin_s
        days = (at_s + 1 - begin_s) / DAY_S
        if days < rule.grace_days:
            return "grace"
        window = min(float(rule.long_days), days)
        points = len(self._times) - bisect_right(self._times, at_s - int(window * DAY_S))
        return "coverage" if points < rule.coverage * window - 1 else ""

    def _hold(self, seen: Verdict) -> Verdict:
        """No alarm begins or ends on too little; before the first state, the lag alone tells."""
        if seen.state in BAD:
            return seen
        return _with(seen, self._mild(seen))

    def _decide(self, seen: Verdict, step: float) -> Verdict:
        rule = self._rule
        if seen.state not in BAD:
            self._enter.take(step, holds=self._lags(seen))
            if not self._enter.over(rule.for_days, rule.points):
                return _with(seen, self._mild(seen))
            self._leave, self._sink = Dwell(), Dwell()
            return _with(seen, "lagging")
        good = seen.lag_days <= rule.lag_off + _SMALL or seen.part >= 1 - _SMALL
        self._leave.take(step, holds=good)
        if self._leave.over(rule.keep_days, rule.points):
            self._enter = Dwell()
            return _with(seen, self._mild(seen))
        worse = seen.state == "lagging"
        self._sink.take(step, holds=self._critical(seen) == worse)
        if self._sink.over(rule.for_days, rule.points):
            self._sink = Dwell()
            return _with(seen, "critical" if worse else "lagging")
        return seen

    def _lags(self, seen: Verdict) -> bool:
        rule = self._rule
        if seen.lag_days < rule.lag_on - _SMALL:
            return False
        if self.trajectory.steps:
            return True
        if seen.ratio_long is None or seen.ratio_short is None or seen.forecast is None:
            return False
        return (
            seen.ratio_long > rule.ratio_on
            and seen.ratio_short > rule.ratio_on
            and 1 - seen.forecast.odds >= rule.miss_on
        )

    def _critical(self, seen: Verdict) -> bool:
        rule, calendar = self._rule, self.trajectory.calendar
        if calendar.worked[-1] - calendar.working_days(seen.at_s) < rule.act_days:
            return True
        if seen.forecast is None:
            return seen.lag_days >= 3 * rule.lag_on
        limit = rule.critical_on if seen.state == "lagging" else rule.critical_off
        return 1 - seen.forecast.odds >= limit

    def _mild(self, seen: Verdict) -> str:
        if self.trajectory.missed(seen.part, seen.at_s):
            return "near"  # however few days ago: it is not as it was to be
        if seen.part >= 1 - _SMALL or seen.lag_days <= self._rule.lag_off + _SMALL:
            return "met"
        if seen.lag_days >= self._rule.near_on - _SMALL or seen.state in BAD:
            return "near"
        return "near" if seen.state == "near" else "met"

    def _settle(self, seen: Verdict) -> None:
        before = self.verdict
        if before is not None and before.state == seen.state:
            seen = _with(seen, seen.state, before.since_s)
        self.verdict = seen


def _ratio(part: float, due: float, rate: float | None) -> float | None:
    """How many times the present rate is needed from now on; 1 lands on the goal."""
    if rate is None:
        return None
    if part >= 1 - _SMALL:
        return 0.0
    if rate <= _SMALL or due >= 1 - _SMALL:
        return inf
    return (1 - part) / (1 - due) / rate


def _final(before: Verdict | None, part: float) -> str:
    if before is not None and before.state == "missed":
        return "missed"  # final: what comes in after the deadline does not undo it
    return "met" if part >= 1 - _SMALL else "missed"


def _with(seen: Verdict, state: str, since_s: int | None = None) -> Verdict:
    return Verdict(
        seen.at_s, state, seen.at_s if since_s is None else since_s, seen.part, seen.due,
        seen.lag_days, seen.ratio_long, seen.ratio_short, seen.forecast, seen.holds,
    )  # fmt: skip


def follow(
    trajectory: Trajectory,
    rule: PaceRule,
    values: Iterable[tuple[int, float | None]],
    calibration: Calibration = SHIPPED,
) -> list[Verdict]:
    """The verdict after each value that counts."""
    course, found = Course(trajectory, rule, calibration), []
    for at_s, value in values:
        before = course.verdict
        course.observe(at_s, value)
        if course.verdict is not None and course.verdict is not before:
            found.append(course.verdict)
    return found
