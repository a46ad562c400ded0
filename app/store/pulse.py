"""Pulse: the worker's sign of life, and whether what it collects can be stored at all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import asyncpg
import structlog

from app.domain.source import Pulse
from app.store.pool import AWAY

log = structlog.get_logger("store")
EVERY_S = 1.0
# What the server says when it runs but cannot keep anything: a full disk, no memory, too many
# connections (class 53), a failing disk (58), or a replica that was promoted elsewhere (25006).
REFUSALS = (
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
)
# One row, changed in place: it needs no room of its own, so it can be written on a full disk.
_BEAT = "UPDATE pulse SET beats = beats + 1, refusal = $1 WHERE term = $2"
_READ = "SELECT beats, refusal, term FROM pulse"


class Storing(Protocol):
    """Somebody who stores, and is refused now and then."""

    def refusal(self) -> str | None: ...

    async def prove_room(self) -> None: ...


async def keep_pulse(
    pool: asyncpg.Pool, term: int, storing: Sequence[Storing], stop: asyncio.Event
) -> None:
    """Tell the other processes once a second that this one lives, and what the server refuses."""
    told: str | None = None
    while not stop.is_set():
        now = next((said for one in storing if (said := one.refusal())), None)
        if now != told:
            log.warning("storing", refusal=now or "ended: everything is stored again")
            told = now
        try:
            async with pool.acquire() as db:
                await db.execute(_BEAT, now, term)
            for one in storing if now is not None else ():
                await one.prove_room()
        except AWAY:
            pass  # no beat is what tells it
        try:
            await asyncio.wait_for(stop.wait(), EVERY_S)
        except TimeoutError:
            continue


async def read_pulse(pool: asyncpg.Pool) -> Pulse:
    async with pool.acquire() as db:
        row = await db.fetchrow(_READ)
    return Pulse(row["beats"], row["refusal"], row["term"])
