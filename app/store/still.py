"""Still: several questions of one task are answered as of one instant, whatever is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import asyncpg

_held: ContextVar[tuple[asyncpg.Pool, asyncpg.Connection] | None] = ContextVar(
    "still", default=None
)


@asynccontextmanager
async def still(pool: asyncpg.Pool) -> AsyncIterator[None]:
    """Inside, every ``reader`` of this task sees the same state of the database."""
    async with (
        pool.acquire() as db,
        db.transaction(isolation="repeatable_read", readonly=True),
    ):
        before = _held.set((pool, db))
        try:
            yield
        finally:
            _held.reset(before)


@asynccontextmanager
async def reader(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """A connection to read with: the one that stands still, where there is one."""
    held = _held.get()
    if held is not None and held[0] is pool:
        yield held[1]
        return
    async with pool.acquire() as db:
        yield db
