"""Ladder: the state of a target that is to hold at every instant, from its values in order.

For maintain-above, maintain-below and ranks. Like ``pace`` a pure function of (ordered values,
rule); a step down is taken at once as *near*, and as *lagging* or *critical* only when it lasts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.indicator import Target
from app.evaluation.dwell import Dwell

DAY_S = 86400
_ORDER = ("met", "near", "lagging", "critical")
_SMALL = 1e-9


@dataclass(frozen=True, slots=True)
class LadderRule:
    """``band``: how far a figure must come back over the edge it fell from, in parts of near."""

    for_days: float = 5.0
    keep_days: float = 7.0
    points: int = 3
    step_days: float = 3.0
    band: float = 0.5


@dataclass(frozen=True, slots=True)
class Rung:
    """``short``: how much is missing, in the figure's own unit; below zero when there is more."""

    at_s: int
    state: str
    since_s: int
    short: float


class Ladder:
    """One target of one subject; ``better`` is up for maintain-above, down for below and ranks."""

    __slots__ = ("_better", "_fall", "_rise", "_rule", "_target", "rung")

    def __init__(self, target: Target, better: str, rule: LadderRule) -> None:
        self._target, self._better, self._rule = target, better, rule
        self._fall, self._rise = Dwell(), Dwell()
        self.rung: Rung | None = None

    def observe(self, at_s: int, value: float | None) -> None:
        """Take the value of an instant. None, or one that comes out of order, changes nothing."""
        before = self.rung
        if value is None or (before is not None and at_s <= before.at_s):
            return
        short = shortfall(self._target, self._better, value)
        if (
            before is not None
            and before.state == "met"
            and short <= _SMALL
            and not self._fall.points
        ):
            self.rung = Rung(at_s, "met", before.since_s, short)
            return
        step = 0.0 if before is None else min(self._rule.step_days, (at_s - before.at_s) / DAY_S)
        state = self._next("met" if before is None else before.state, short, step)
        kept = before is not None and before.state == state
        self.rung = Rung(at_s, state, before.since_s if before and kept else at_s, short)

    def _next(self, held: str, short: float, step: float) -> str:
        rule, now = self._rule, rung_of(self._target, short)
        falls = _ORDER.index(now) > max(1, _ORDER.index(held))
        rises = _ORDER.index(held) >= 2 and _ORDER.index(
            rung_of(self._target, short, rule.band * self._target.near)
        ) < _ORDER.index(held)
        self._fall.take(step, holds=falls)
        self._rise.take(step, holds=rises)
        if falls and self._fall.over(rule.for_days, rule.points):
            self._fall = Dwell()
            return now
        if rises and self._rise.over(rule.keep_days, rule.points):
            self._rise = Dwell()
            return now
        if held in ("lagging", "critical"):
            return held
        return "met" if now == "met" else "near"


def shortfall(target: Target, better: str, value: float) -> float:
    """How much is missing, in the figure's own unit."""
    return target.value - value if better == "up" else value - target.value


def rung_of(target: Target, short: float, band: float = 0.0) -> str:
    """The rung of a shortfall, if it lasts."""
    if short <= _SMALL:
        return "met"
    if short <= target.near - band + _SMALL:
        return "near"
    return "lagging" if short <= target.critical - band + _SMALL else "critical"


def climb(
    target: Target, better: str, rule: LadderRule, values: Iterable[tuple[int, float | None]]
) -> list[Rung]:
    """The rung after each value that counts."""
    ladder, found = Ladder(target, better, rule), []
    for at_s, value in values:
        before = ladder.rung
        ladder.observe(at_s, value)
        if ladder.rung is not None and ladder.rung is not before:
            found.append(ladder.rung)
    return found
