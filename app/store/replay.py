"""Replay: stores what can be read by now out of quarantine, as a page of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import asyncpg

from app.domain.feed import Page
from app.domain.record import RecordUpdate
from app.store.pages import write_page
from app.store.quarantine import SetAside
from app.store.records import Judge, store_records

_ADVANCE = """
UPDATE source_state SET seq = $2, records = records + $3, quarantined = quarantined - $3
WHERE source = $1
"""


async def replay(
    pool: asyncpg.Pool,
    source: str,
    judge: Judge,
    settled: Sequence[SetAside],
    updates: Sequence[RecordUpdate],
) -> None:
    """Store the updates and settle the payloads they were read from, in one transaction.

    Cursor and watermark stay: these records were passed long ago. A worker that is committing a
    page at this moment finds its number taken, and reads its place again.
    """
    times = sum(s.times for s in settled)
    ids = [s.id for s in settled]
    async with pool.acquire() as db, db.transaction():
        row = await db.fetchrow(
            "SELECT cursor, seq, watermark_s FROM source_state WHERE source = $1 FOR UPDATE", source
        )
        seq = row["seq"] + 1
        digest = hashlib.sha256(repr(sorted(ids)).encode()).hexdigest()
        page = Page(
            tuple(updates), (), row["cursor"], False, row["watermark_s"] or 0, times, digest
        )
        packed = await store_records(db, source, seq, updates, judge)
        await write_page(db, source, seq, page, packed, f"{judge.collector} (replay)")
        await db.execute(_ADVANCE, source, seq, times)
        await db.execute("UPDATE quarantine SET replayed = now() WHERE id = ANY($1)", ids)


async def settle_pages(pool: asyncpg.Pool, source: str) -> int:
    """Whole pages need no replay once the source has answered again: they were asked for anew."""
    async with pool.acquire() as db, db.transaction():
        rows = await db.fetch(
            "UPDATE quarantine q SET replayed = now() FROM source_state s"
            " WHERE q.source = $1 AND s.source = $1 AND q.whole_page AND q.replayed IS NULL"
            " AND s.last_success_s > q.known_s RETURNING q.count",
            source,
        )
        await db.execute(
            "UPDATE source_state SET quarantined = quarantined - $2 WHERE source = $1",
            source,
            sum(r["count"] for r in rows),
        )
    return len(rows)
