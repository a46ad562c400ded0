"""Tidy: keeps what grows for ever short, once a minute."""

from __future__ import annotations

import asyncio

from app.store.pool import AWAY
from app.store.readings import PgReadings

EVERY_S = 60


async def keep_tidy(readings: PgReadings, stop: asyncio.Event) -> None:
    """Keep the change log short; a lost server is tried again."""
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), EVERY_S)
        except TimeoutError:
            try:
                await readings.trim_changes()
            except AWAY:
                continue
