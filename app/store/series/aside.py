"""Aside: work on many points away from the loop, which others wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def aside(points: int, work: Callable[[], T], few: int) -> T:
    """In a thread when it takes longer than changing threads does."""
    return work() if points < few else await asyncio.to_thread(work)
