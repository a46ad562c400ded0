"""Stamps: local instants as a wire writes them, as epoch seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from app.domain.limits import check_year

_ZONE_S = 7 * 3600


def local_s(text: str, name: str, form: str) -> int:
    """Epoch seconds of a text of this form, in Vietnamese time; ValueError says what is wrong.

    ``form`` is made of ``yyyy MM dd`` and, if it is not a day, ``HH mm ss`` in this order, with
    anything between.
    """
    shaped = _shape(form).match(text)
    if shaped is None:
        raise ValueError(f"{name} {text[:40]!r}; expected {form}")
    year, *month_and_day = map(int, shaped.group(1, 2, 3))
    midnight = _midnight_s(year, *month_and_day)
    if midnight is None:
        raise ValueError(f"{name} {text!r}; no such day, expected {form}")
    check_year(year, name)
    if shaped.re.groups == 3:
        return midnight
    hours, minutes, seconds = map(int, shaped.group(4, 5, 6))
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(f"{name} {text!r}; no such time of day")
    return midnight + hours * 3600 + minutes * 60 + seconds


@lru_cache(maxsize=64)
def _shape(form: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"([yMdHms])\1+", lambda m: f"([0-9]{{{len(m[0])}}})", form) + r"\Z")


@lru_cache(maxsize=16384)
def _midnight_s(year: int, month: int, day: int) -> int | None:
    try:
        return int(datetime(year, month, day, tzinfo=UTC).timestamp()) - _ZONE_S
    except ValueError:
        return None
