"""Dwell: for how long, and over how many values, a condition has held without a break."""

from __future__ import annotations

_SMALL = 1e-9


class Dwell:
    """Counts days of data, not of the clock: who takes a value says how many days it stands for."""

    __slots__ = ("days", "points")

    def __init__(self) -> None:
        self.days, self.points = 0.0, 0

    def take(self, days: float, *, holds: bool) -> None:
        if not holds:
            self.days, self.points = 0.0, 0
            return
        # The first value begins the dwell: the days before it belonged to the former condition.
        self.days += days if self.points else 0.0
        self.points += 1

    def over(self, days: float, points: int) -> bool:
        return self.days >= days - _SMALL and self.points >= points
