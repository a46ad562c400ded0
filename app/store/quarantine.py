"""Quarantine: payloads that could not be read, kept with the reason until they can be."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import asyncpg

from app.domain.feed import FeedDown, Rejected

# A record is kept whole, so that it can be read again; of a page its beginning is enough to look
# at, because the cursor stays and the page will be asked for again.
RECORD_BYTES, PAGE_BYTES = 1_000_000, 64 * 1024
# Of pages the newest are enough to look at. Records are never thrown away: when this many wait, or
# this much, no more is taken from their source, which keeps its data.
PAGES_KEPT = 100
RECORDS_WAITING, BYTES_WAITING = 10_000, 256 * 1024 * 1024
FULL_AGAIN_S = 30.0
_PUT = """
INSERT INTO quarantine (source, reason, payload_sha256, payload, known_s, whole_page)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (source, payload_sha256) DO UPDATE SET count = quarantine.count + 1,
    reason = EXCLUDED.reason, replayed = NULL
"""
_FORGET = """
DELETE FROM quarantine WHERE id IN (
    SELECT id FROM quarantine WHERE source = $1 AND whole_page AND replayed IS NULL
    ORDER BY id DESC OFFSET $2)
RETURNING count
"""
_WAITING = """
SELECT count(*) AS records, coalesce(sum(length(payload)), 0)::bigint AS bytes
FROM quarantine WHERE source = $1 AND replayed IS NULL AND NOT whole_page
"""
_OPEN = """
SELECT id, reason, payload, payload_sha256, whole_page, count FROM quarantine
WHERE source = $1 AND replayed IS NULL ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A payload in quarantine; ``whole`` = kept to its last byte; ``times`` it was delivered."""

    id: int
    reason: str
    payload: bytes
    whole_page: bool
    whole: bool
    times: int


async def store_rejected(
    db: asyncpg.Connection, source: str, rejected: Rejected, now_s: int, *, whole_page: bool = False
) -> None:
    """Put a payload aside, or count it once more."""
    digest = hashlib.sha256(rejected.payload).hexdigest()
    kept = rejected.payload[: PAGE_BYTES if whole_page else RECORD_BYTES]
    await db.execute(_PUT, source, rejected.reason[:500], digest, kept, now_s, whole_page)


async def forget_pages(db: asyncpg.Connection, source: str) -> None:
    """Keep the newest whole pages of a source; what goes is taken off its count."""
    gone = await db.fetch(_FORGET, source, PAGES_KEPT)
    if gone:
        await db.execute(
            "UPDATE source_state SET quarantined = quarantined - $2 WHERE source = $1",
            source,
            sum(r["count"] for r in gone),
        )


async def check_room(db: asyncpg.Connection, source: str) -> None:
    """FeedDown when too many records of the source wait to be read again."""
    row = await db.fetchrow(_WAITING, source)
    if row["records"] > RECORDS_WAITING or row["bytes"] > BYTES_WAITING:
        raise FeedDown(
            f"quarantine is full: {row['records']} records wait, {row['bytes'] >> 20} MiB; nothing"
            f" more is taken from this source; mend its collector and run: ioc replay {source}",
            FULL_AGAIN_S,
        )


async def set_aside(pool: asyncpg.Pool, source: str) -> list[SetAside]:
    """What lies in quarantine and has not been replayed, the oldest first."""
    async with pool.acquire() as db:
        rows = await db.fetch(_OPEN, source)
    return [
        SetAside(
            r["id"],
            r["reason"],
            r["payload"],
            r["whole_page"],
            hashlib.sha256(r["payload"]).hexdigest() == r["payload_sha256"],
            r["count"],
        )
        for r in rows
    ]
