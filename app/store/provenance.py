"""Provenance: the feed pages that last moved a figure."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import asyncpg
import msgspec

from app.domain.reading import Reading
from app.domain.why import DefinitionVersion, FeedPage
from app.store.records import PackedStep

_decode = msgspec.msgpack.Decoder(list[PackedStep]).decode
_PAGES = """
SELECT seq, payload_sha256, watermark_s, count, stored, collector, length(steps) AS weight,
       (SELECT remade_seq + recounts FROM source_state WHERE source = $1) AS remade FROM page
WHERE source = $1 AND seq <= (SELECT evaluated_seq FROM source_state WHERE source = $1)
ORDER BY seq DESC LIMIT $2
"""
_STEPS = "SELECT seq, steps FROM page WHERE source = $1 AND seq = ANY($2)"
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
# Packed bytes opened for one answer: a page of a fill holds thousands of steps. What was opened
# is remembered, so that the next question looks further.
OPENED_AT_MOST = 200_000
OPENED_AT_ONCE = 8
REMEMBERED = 2000


# A page whose steps were made anew is another one.
_Made = tuple[str, int, int, int]


class PgProvenance:
    """Reads the page log backwards; looks at a bounded number of pages."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._moved: dict[_Made, frozenset[tuple[str, str, int]]] = {}

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
            looked = opened = 0
            for begin in range(0, len(rows), OPENED_AT_ONCE):
                some = rows[begin : begin + OPENED_AT_ONCE]
                fresh = [r for r in some if _made(source, r) not in self._moved]
                for row in fresh:
                    opened += row["weight"]
                    if opened > OPENED_AT_MOST and row is not rows[0]:
                        some = some[: some.index(row)]
                        break
                await self._open(db, source, [r for r in some if r in fresh])
                for row in some:
                    looked += 1
                    moved = self._moved.get(_made(source, row), frozenset())
                    if any(n == number and counts(owner, sector) for owner, sector, n in moved):
                        found.append(_page(row))
                    if len(found) == most:
                        return found, looked
                if opened > OPENED_AT_MOST:
                    break
        return found, looked

    async def _open(self, db: asyncpg.Connection, source: str, pages: list[asyncpg.Record]) -> None:
        """Remember of pages whose figures they moved; the oldest are forgotten first."""
        made = {row["seq"]: _made(source, row) for row in pages}
        for row in await db.fetch(_STEPS, source, list(made)) if made else ():
            steps = _decode(zlib.decompress(row["steps"]))
            self._moved[made[row["seq"]]] = frozenset((s[0], s[1], s[2]) for s in steps)
        while len(self._moved) > REMEMBERED:
            del self._moved[next(iter(self._moved))]

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


def _made(source: str, row: asyncpg.Record) -> _Made:
    return source, row["seq"], row["weight"], row["remade"]


def _page(row: asyncpg.Record) -> FeedPage:
    return FeedPage(
        row["seq"], row["payload_sha256"], row["watermark_s"], row["count"],
        row["stored"].isoformat(), row["collector"],
    )  # fmt: skip
