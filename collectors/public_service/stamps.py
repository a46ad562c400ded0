"""Instants as this wire writes them: yyyyMMddHHmmss in Vietnamese time."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

_EPOCH = date(1970, 1, 1)


def stamp(at_s: int) -> str:
    """Write an epoch second."""
    day, second = divmod(at_s + 25200, 86400)
    return f"{day_stamp(day)}{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}"


@lru_cache(maxsize=4096)
def day_stamp(day: int) -> str:
    """Write a day, counted from 1970."""
    return (_EPOCH + timedelta(days=day)).strftime("%Y%m%d")
