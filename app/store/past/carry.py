"""Carry: frames that an earlier version kept as rows become series, once, and nothing is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import structlog

from app.domain.judged import Frame, Head
from app.store.past.parts import Framed
from app.store.past.readings import OF, PastReadings

log = structlog.get_logger("store")
_TO_DO = """
SELECT EXISTS (SELECT FROM reading_frame WHERE source = $1)
   AND NOT EXISTS (SELECT FROM series_source s JOIN series_place p USING (source_id)
                   WHERE s.source = $2 AND p.seq > 0)
"""
# In the order in which they became known: a later one corrects an earlier one of the same instant.
_FRAMES = """
SELECT indicator, period, period_s, at_s, watermark_s, subject, value, num, den, target, state,
       definition
FROM reading_frame WHERE source = $1 ORDER BY watermark_s, at_s, indicator, period
"""
_AT_ONCE = 300


async def carry_over(pool: asyncpg.Pool, past: PastReadings, source: str) -> int:
    """How many frames were carried; days' closes stay as rows beside, as they are written today."""
    if not await pool.fetchval(_TO_DO, source, OF + source):
        return 0
    carried = 0
    async with pool.acquire() as db, db.transaction():
        async for framed in _blocks(db, source):
            packed = await past.pack(source, framed)
            if packed is not None:
                await past.write(db, packed, "carried")
                carried += len(framed)
        await db.execute("DELETE FROM reading_frame WHERE source = $1 AND NOT closes_day", source)
    log.info("history carried into series", source=source, frames=carried)
    return carried


async def _blocks(db: asyncpg.Connection, source: str) -> AsyncIterator[list[Framed]]:
    cursor = await db.cursor(_FRAMES, source)
    while rows := await cursor.fetch(_AT_ONCE):
        yield [_framed(r) for r in rows]


def _framed(row: asyncpg.Record) -> Framed:
    head = Head(row["indicator"], row["period"], row["period_s"], row["definition"] or "")
    # Which target judged a frame of the first days is not known.
    target = row["target"] or [None] * len(row["subject"])
    frame = Frame(head, row["subject"], row["value"], row["num"], row["den"], target, row["state"])
    return Framed(row["at_s"], row["watermark_s"], frame)
