"""Patience: work that goes on whatever the database does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

log = structlog.get_logger("live")
BACK_OFF_S = (0.25, 2.0)


async def patiently(step: Callable[[], Awaitable[None]], failing: Callable[[], None]) -> None:
    """Repeat ``step`` for ever; after a failure wait longer and longer, with jitter."""
    wait = BACK_OFF_S[0]
    while True:
        try:
            await step()
            wait = BACK_OFF_S[0]
        except Exception as error:  # any fault of the store: keep beating, retry
            failing()
            name = getattr(step, "__name__", "step")
            log.warning("live waits for the database", step=name, error=repr(error))
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(wait * 2, BACK_OFF_S[1])


async def until(told: Callable[[], bool], within_s: float) -> bool:
    """Whether it came true in time."""
    try:
        async with asyncio.timeout(within_s):
            while not told():
                await asyncio.sleep(0.02)
    except TimeoutError:
        return False
    return True


async def rung(bell: asyncio.Event, within_s: float) -> None:
    """Wait for the bell, or so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await bell.wait()
    bell.clear()
