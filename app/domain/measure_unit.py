"""Measure unit: what a quantile keeps, in the unit it is shown in."""

from __future__ import annotations

# What a quantile counts (seconds, or whole working days) in the unit it is shown in.
_DIVIDED_BY = {"minutes": 60, "working_days": 1, "working_hours": 3600, "days": 86_400}


def in_unit(stored: float | None, unit: str) -> float | None:
    """A quantile's value as it is shown."""
    return None if stored is None else stored / _DIVIDED_BY[unit]
