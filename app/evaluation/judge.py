"""Judge: a figure against its target, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from app.domain.indicator import Indicator, Subject, Target, target_of
from app.domain.measure_unit import in_unit
from app.domain.period import midnight_s
from app.evaluation.tally import median


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


def edges(told: Collection[Target]) -> list[int]:
    """Last instants of a way of judging: a state may be another one right after, by time alone."""
    found = set()
    for target in told:
        if target.deadline:
            begins = target.begins or f"{target.deadline[:4]}-01-01"
            found |= {_deadline_s(target.deadline), midnight_s(date.fromisoformat(begins)) - 1}
    return sorted(found)


def _deadline_s(deadline: str) -> int:
    return midnight_s(date.fromisoformat(deadline)) + 86399


def valued(
    indicator: Indicator, sums: Sequence[int], counts: Counter[int] | None
) -> tuple[float | None, int | None, int | None]:
    """Value, num and den of a figure from its sums, or from the durations of a median."""
    num, den = sums
    if indicator.measure.kind == "quantile":
        seconds, n = median(counts) if counts else (None, 0)
        return in_unit(seconds, indicator.unit), None, n
    if indicator.measure.kind == "ratio":
        return num / den if den else None, num, den
    return float(num), num, None
