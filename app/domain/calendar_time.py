"""Calendar time: how much of a span's work is due by an instant, where weekends hardly count."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from app.domain.on_time import Rules, is_working_day
from app.domain.period import DAY_S, midnight_s

WEEKEND = 0.05  # of a working day; a public holiday (Tết among them) is nothing


@dataclass(frozen=True, slots=True)
class CalendarTime:
    """A span of whole days from ``begin_s``.

    ``passed[n]`` is the weight of the days before day n, ``worked[n]`` how many of them are working
    days; both have one entry more than there are days.
    """

    begin_s: int
    passed: tuple[float, ...]
    worked: tuple[int, ...]

    @property
    def end_s(self) -> int:
        """The last second of the span."""
        return self.begin_s + (len(self.passed) - 1) * DAY_S - 1

    def share(self, at_s: float) -> float:
        """The part of the span's weight that has passed, 0 to 1."""
        # The last second of a day stands for its end: a day's close has that day behind it.
        return _between(self.passed, (at_s + 1 - self.begin_s) / DAY_S) / self.passed[-1]

    def working_days(self, at_s: float) -> float:
        """Working days passed since the begin of the span; part of one while it lasts."""
        return _between(self.worked, (at_s + 1 - self.begin_s) / DAY_S)

    def working_days_at(self, share: float) -> float:
        """Working days passed when the span first had this share behind it."""
        weight = share * self.passed[-1]
        if weight <= 0:
            return 0.0
        # A hair less, or rounding would push a day's close past a run of holidays.
        after = bisect_left(self.passed, weight - 1e-9 * self.passed[-1])
        if after >= len(self.passed):
            return float(self.worked[-1])
        step = self.passed[after] - self.passed[after - 1]
        inside = 1 - max(0.0, self.passed[after] - weight) / step
        return _between(self.worked, after - 1 + min(1.0, inside))


def _between(sums: tuple[float, ...] | tuple[int, ...], days: float) -> float:
    if days <= 0:
        return 0.0
    whole = int(days)
    if whole >= len(sums) - 1:
        return float(sums[-1])
    return sums[whole] + (sums[whole + 1] - sums[whole]) * (days - whole)


@lru_cache(maxsize=256)
def calendar_time(first: date, last: date, rules: Rules) -> CalendarTime:
    """The span from ``first`` to ``last``, both inclusive."""
    if last < first:
        raise ValueError(f"a span from {first} to {last}; expected the later day second")
    passed, worked, day = [0.0], [0], first
    while day <= last:
        working = is_working_day(day, rules)
        holiday = day in rules.holidays and not working
        passed.append(passed[-1] + (1.0 if working else 0.0 if holiday else WEEKEND))
        worked.append(worked[-1] + working)
        day += timedelta(days=1)
    if passed[-1] <= 0:  # nothing but holidays: every day counts alike
        passed = [float(n) for n in range(len(passed))]
    return CalendarTime(midnight_s(first), tuple(passed), tuple(worked))


def flat(begin_s: int, days: int) -> CalendarTime:
    """A span in which every day counts alike."""
    return CalendarTime(begin_s, tuple(float(n) for n in range(days + 1)), tuple(range(days + 1)))


__all__ = ["WEEKEND", "CalendarTime", "calendar_time", "flat"]
