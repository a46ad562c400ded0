"""Judge: a figure against its target, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from app.domain.indicator import Indicator, Subject, Target, target_of
from app.domain.period import midnight_s


def targets(indicator: Indicator, subjects: Mapping[str, Subject]) -> dict[str, Target]:
    """Target by subject id, for those that have one."""
    found = {}
    for subject in subjects.values():
        target = target_of(indicator, subject)
        if target is not None:
            found[subject.id] = target
    return found


def state(value: float | None, target: Target | None, better: str, at_s: int) -> str:
    """đạt / cận ngưỡng / chậm / rất chậm / không đạt as codes; ``none`` without value or target."""
    if value is None or target is None:
        return "none"
    short = target.value - value if better == "up" else value - target.value
    if short <= 1e-12:
        return "met"
    if target.deadline and at_s > _deadline_s(target.deadline):
        return "missed"
    if short <= target.near + 1e-12:
        return "near"
    return "critical" if short > target.critical + 1e-12 else "lagging"


def _deadline_s(deadline: str) -> int:
    return midnight_s(date.fromisoformat(deadline)) + 86399
