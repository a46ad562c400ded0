"""Held: every target of one indicator and period that is to hold at every instant.

Hysteresis remembers without end: a state rests on every close there was, and a restart walks them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from app.domain.indicator import AlertRule, Target
from app.domain.period import midnight_s
from app.domain.reading import Pace
from app.evaluation.ladder import Ladder, LadderRule, rung_of, shortfall

RULE = LadderRule()
KINDS = frozenset(("maintain", "rank"))
_BAD = frozenset(("lagging", "critical"))


class Held:
    """Of one (indicator, period kind): who is to hold what, and where they stand."""

    def __init__(self, targets: Mapping[str, Target], better: str, rule: LadderRule = RULE) -> None:
        self._targets = {s: (t, _until_s(t)) for s, t in targets.items() if t.kind in KINDS}
        self._better, self._rule = better, rule
        self._ladders: dict[str, Ladder] = {}

    def __bool__(self) -> bool:
        return bool(self._targets)

    def close(self, at_s: int, values: Iterable[tuple[str, float | None]]) -> dict[str, str]:
        """A day has ended: the states of the subjects for which another one begins with it."""
        changed = {}
        for subject, value in values:
            target = self._target(subject, at_s)
            if target is None:
                continue
            ladder = self._ladders.get(subject)
            if ladder is None:
                ladder = self._ladders[subject] = Ladder(target, self._better, self._rule)
            was = _state(ladder)
            ladder.observe(at_s, value)
            if _state(ladder) != was:
                changed[subject] = _state(ladder)
        return changed

    def state(self, subject: str, value: float | None, at_s: int) -> str | None:
        """The state of a figure; None where another rule judges."""
        target = self._target(subject, at_s)
        if target is None:
            return None
        if value is None:
            return "none"
        held = self._rung_state(subject)
        if held in _BAD:
            return held
        return "met" if rung_of(target, shortfall(target, self._better, value)) == "met" else "near"

    def pace(self, subject: str, value: float | None, at_s: int) -> Pace | None:
        """What is to be held, since when the state is what it is, and what it waits for."""
        target = self._target(subject, at_s)
        if target is None:
            return None
        ladder = self._ladders.get(subject)
        rung = ladder.rung if ladder is not None else None
        holds = "" if value is None else self._holds(target, value, self._rung_state(subject))
        since = rung.since_s if rung is not None else None
        until = self._targets[subject][1]
        return Pace(target.value, None, since_s=since, until_s=until, holds=holds, way="held")

    def judges(self, subject: str, at_s: int) -> bool:
        """Whether a figure is to hold a target at an instant."""
        return self._target(subject, at_s) is not None

    def _holds(self, target: Target, value: float, held: str) -> str:
        short = shortfall(target, self._better, value)
        if held in _BAD:
            back = rung_of(target, short, self._rule.band * target.near)
            return "leaving" if back in ("met", "near") else ""
        return "lasting" if rung_of(target, short) in _BAD else ""

    def _rung_state(self, subject: str) -> str:
        return _state(self._ladders.get(subject))

    def _target(self, subject: str, at_s: int) -> Target | None:
        target, until_s = self._targets.get(subject, (None, None))
        return target if until_s is None or at_s <= until_s else None


def rule_of(alert: AlertRule | None) -> LadderRule:
    """An indicator's own delay, if it states one; to be over takes seven days for five."""
    if alert is None:
        return RULE
    days = alert.for_s / 86400
    points = min(RULE.points, 1 + int(days))
    return replace(RULE, for_days=days, keep_days=days * RULE.keep_days / RULE.for_days,
                   points=points)  # fmt: skip


def _state(ladder: Ladder | None) -> str:
    return ladder.rung.state if ladder is not None and ladder.rung is not None else "none"


def _until_s(target: Target) -> int | None:
    return midnight_s(date.fromisoformat(target.deadline)) + 86399 if target.deadline else None
