"""Pace: how a reading's pace is kept: JSON with the names of its fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from app.domain.reading import Pace

_NAMES = tuple(f.name for f in fields(Pace))


def told(pace: Pace | None) -> dict[str, object] | None:
    """As JSON holds it, by name, so that any tool can read it from the table."""
    return None if pace is None else {name: getattr(pace, name) for name in _NAMES}


def column(pace: Pace | None) -> str | None:
    return None if pace is None else json.dumps(told(pace))


def read(kept: str | Mapping[str, Any] | None) -> Pace | None:
    """The other way; what an older or a younger version kept besides is passed over."""
    if kept is None:
        return None
    found: Mapping[str, Any] = json.loads(kept) if isinstance(kept, str) else kept
    return Pace(**{name: found[name] for name in _NAMES if name in found})
