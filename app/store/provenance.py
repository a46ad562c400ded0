"""Provenance: the feed pages that last moved a figure."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import asyncpg
import msgspec

from app.domain.reading import Reading
from app.domain.why import DefinitionVersion, FeedPage
from app.store.pages import PackedStep

_decode = msgspec.msgpack.Decoder(list[PackedStep]).decode
_PAGES = """
SELECT seq, payload_sha256, watermark_s, count, stored, collector, steps FROM page
WHERE source = $1 AND seq <= (SELECT evaluated_seq FROM source_state WHERE source = $1)
ORDER BY seq DESC LIMIT $2
"""
LOOKED_AT = 60
_STATES = """
SELECT at_s, state[array_position(subject, $4)] AS state FROM reading_frame
WHERE source = $1 AND indicator = $2 AND period = $3 AND closes_day AND at_s BETWEEN $5 AND $6
ORDER BY at_s DESC
"""
_VERSIONS = """
SELECT version, number, known, from_s FROM definition_version
WHERE indicator = $1 ORDER BY number DESC
"""
DAYS_LOOKED_AT = 366


class PgProvenance:
    """Reads the page log backwards; looks at a bounded number of pages."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def pages(
        self, source: str, number: int, counts: Callable[[str, str], bool], most: int
    ) -> tuple[list[FeedPage], int]:
        """The youngest pages that moved a figure, and how many were looked at.

        ``number`` is the indicator's place in its source; ``counts`` tells whether an owner and
        sector count for the subject asked about.
        """
        async with self._pool.acquire() as db:
            rows = await db.fetch(_PAGES, source, LOOKED_AT)
        found: list[FeedPage] = []
        for row in rows:
            steps = _decode(zlib.decompress(row["steps"]))
            if any(s[2] == number and counts(s[0], s[1]) for s in steps):
                found.append(
                    FeedPage(
                        row["seq"],
                        row["payload_sha256"],
                        row["watermark_s"],
                        row["count"],
                        row["stored"].isoformat(),
                        row["collector"],
                    )
                )
                if len(found) == most:
                    break
        return found, len(rows)

    async def since(self, reading: Reading) -> int | None:
        """The first kept close of a day in the present state, without a break; looks at a year."""
        from_s = reading.at_s - DAYS_LOOKED_AT * 86400
        async with self._pool.acquire() as db:
            rows = await db.fetch(
                _STATES, reading.source, reading.indicator, reading.period, reading.subject,
                from_s, reading.at_s,
            )  # fmt: skip
        since = None
        for row in rows:
            if row["state"] != reading.state:
                break
            since = row["at_s"]
        return since

    async def versions(self, indicator: str) -> list[DefinitionVersion]:
        """The youngest first."""
        async with self._pool.acquire() as db:
            rows = await db.fetch(_VERSIONS, indicator)
        return [
            DefinitionVersion(r["version"], r["number"], r["from_s"], r["known"].isoformat())
            for r in rows
        ]
