"""Pages: one transaction stores a page's records, their steps, its rejects and the cursor."""

from __future__ import annotations

import asyncio
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import asyncpg
import msgspec

from app.domain.feed import Page, Rejected
from app.domain.source import SourceHealth
from app.store.pulse import REFUSALS
from app.store.quarantine import check_room, forget_pages, store_rejected
from app.store.records import Judge, PackedStep, store_records
from app.store.still import reader

_encode = msgspec.msgpack.Encoder().encode
_decode_steps = msgspec.msgpack.Decoder(list[PackedStep]).decode
JUDGED_BEHIND = 10  # pages the evaluation may be behind and still count as live

_PAGE = """
INSERT INTO page (source, seq, cursor, payload_sha256, count, rejected, watermark_s, more, steps,
                  collector)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_ADVANCE = """
UPDATE source_state SET cursor = $3, seq = $2, watermark_s = greatest(watermark_s, $4),
    caught_up = caught_up OR $5, records = records + $6, quarantined = quarantined + $7,
    last_error = $9, last_success_s = $8
WHERE source = $1 AND seq = $2 - 1
"""


class SecondWriter(Exception):
    """Another process has moved this source's cursor; this one must re-read it."""


@dataclass(frozen=True, slots=True)
class StoredPage:
    """A page as the evaluation follows it."""

    seq: int
    watermark_s: int
    more: bool
    steps: list[PackedStep]


# Of packed steps: a page of a loaded year can unpack to fifty times that.
STEPS_AT_ONCE_BYTES = 64 * 1024
_PAGES_SINCE = """
SELECT seq, watermark_s, more, steps FROM (
    SELECT seq, watermark_s, more, steps,
           sum(octet_length(steps)) OVER (ORDER BY seq) - octet_length(steps) AS before
    FROM (
        SELECT seq, watermark_s, more, steps FROM page WHERE source = $1 AND seq > $2
        ORDER BY seq LIMIT $3
    ) AS next
) AS sized
WHERE before < $4 ORDER BY seq
"""
_ROOM = """
    CREATE TEMP TABLE room (bytes text) ON COMMIT DROP;
    ALTER TABLE room ALTER bytes SET STORAGE EXTERNAL;
    INSERT INTO room SELECT repeat('.', 1 << 20) FROM generate_series(1, 4);
"""


class PgPages:
    """Cursor, records and pages of every source."""

    def __init__(self, pool: asyncpg.Pool, judges: Mapping[str, Judge] | None = None) -> None:
        self._pool = pool
        self._judges = dict(judges or {})
        self._held: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._refused: dict[str, str] = {}
        self._unproven: str | None = None
        self.beside: Callable[[], str | None] = lambda: None  # what else may find no room
        self._bells: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def bell(self, source: str) -> asyncio.Event:
        """Set whenever this process has committed a page of the source."""
        return self._bells[source]

    def hold(self, source: str) -> asyncio.Lock:
        """Held while another judge comes: no page of the source is stored meanwhile."""
        return self._held[source]

    def judge_by(self, source: str, judge: Judge) -> None:
        """What records contribute from the next page on."""
        self._judges[source] = judge

    def refusal(self, source: str | None = None) -> str | None:
        """Why the server takes no page of this source now (of any), though it answers."""
        told = [*self._refused.values(), self._unproven, self.beside()]
        return next((t for t in told if t), None) if source is None else self._refused.get(source)

    async def prove_room(self) -> None:
        """After a refusal: is there room for more than the small page that went in at last?

        A full server makes a little room now and then. Were everybody to ask their feeds at once,
        it would be gone with the first answer.
        """
        if self._unproven is None or self._refused:
            return
        try:
            async with self._pool.acquire() as db, db.transaction():
                await db.execute(_ROOM)
        except REFUSALS as refused:
            self._unproven = f"{type(refused).__name__}: {refused}"
        else:
            self._unproven = None

    async def open_source(self, source: str) -> tuple[str, int, bool]:
        """Cursor, sequence and whether the source has ever caught up; creates its row."""
        async with self._pool.acquire() as db:
            await db.execute(
                "INSERT INTO source_state (source) VALUES ($1) ON CONFLICT DO NOTHING", source
            )
            row = await db.fetchrow(
                "SELECT cursor, seq, caught_up FROM source_state WHERE source = $1", source
            )
        return row["cursor"], row["seq"], row["caught_up"]

    async def commit(
        self, source: str, seq: int, page: Page, now_s: int, note: str | None = None
    ) -> None:
        """Store one page and move the cursor, or neither.

        ``seq`` is the page's own number; ``note`` what is odd about it, shown as the last error.
        """
        try:
            async with self._held[source]:
                await self._commit(source, seq, page, now_s, note)
        except REFUSALS as refused:
            self._refused[source] = self._unproven = f"{type(refused).__name__}: {refused}"
            raise
        self._refused.pop(source, None)
        self._bells[source].set()

    async def _commit(
        self, source: str, seq: int, page: Page, now_s: int, note: str | None
    ) -> None:
        judge = self._judges[source]
        async with self._pool.acquire() as db, db.transaction():
            packed = await store_records(db, source, seq, page.updates, judge)
            for rejected in page.rejected:
                await store_rejected(db, source, rejected, now_s)
            if page.rejected:
                await check_room(db, source)
            await write_page(db, source, seq, page, packed, judge.collector)
            moved = await db.execute(
                _ADVANCE,
                source,
                seq,
                page.cursor,
                page.up_to_s,
                not page.more,
                page.count - len(page.rejected),
                len(page.rejected),
                now_s,
                note,
            )
            if moved != "UPDATE 1":
                raise SecondWriter(f"{source}: page {seq} is not the next one; reading the cursor")

    async def rejected(self, source: str, reason: str, payload: bytes, now_s: int) -> None:
        """A page that could not be read at all: keep it, leave the cursor."""
        async with self._pool.acquire() as db, db.transaction():
            await store_rejected(db, source, Rejected(reason, payload), now_s, whole_page=True)
            await db.execute(
                "UPDATE source_state SET quarantined = quarantined + 1 WHERE source = $1", source
            )
            await forget_pages(db, source)

    async def failed(self, source: str, reason: str) -> None:
        async with self._pool.acquire() as db:
            await db.execute(
                "UPDATE source_state SET last_error = $2 WHERE source = $1", source, reason[:500]
            )

    async def pages_since(self, source: str, seq: int, limit: int) -> list[StoredPage]:
        """The next ones, at most so many, fewer where they are large; none when there is none."""
        async with self._pool.acquire() as db:
            rows = await db.fetch(_PAGES_SINCE, source, seq, limit, STEPS_AT_ONCE_BYTES)
        return [
            StoredPage(
                r["seq"], r["watermark_s"], r["more"], _decode_steps(zlib.decompress(r["steps"]))
            )
            for r in rows
        ]

    async def caught_up_at(self, source: str) -> int | None:
        """The first page with nothing behind it: what is up to there was loaded, not lived."""
        async with self._pool.acquire() as db:
            seq: int | None = await db.fetchval(
                "SELECT seq FROM page WHERE source = $1 AND NOT more ORDER BY seq LIMIT 1", source
            )
        return seq

    async def health(self, began_s: int) -> list[SourceHealth]:
        async with reader(self._pool) as db:
            rows = await db.fetch("SELECT * FROM source_state ORDER BY source")
        return [
            SourceHealth(
                r["source"],
                # What screens show rests on what is judged, not on what is merely stored.
                r["evaluated_s"],
                r["caught_up"] and r["seq"] - r["evaluated_seq"] <= JUDGED_BEHIND,
                r["records"],
                r["seq"],
                r["quarantined"],
                r["last_error"],
                r["last_success_s"],
                began_s,
            )
            for r in rows
        ]


async def write_page(
    db: asyncpg.Connection,
    source: str,
    seq: int,
    page: Page,
    packed: list[PackedStep],
    collector: str,
) -> None:
    await db.execute(
        _PAGE,
        source,
        seq,
        page.cursor,
        page.payload_sha256,
        page.count,
        len(page.rejected),
        page.up_to_s,
        page.more,
        zlib.compress(_encode(packed), 1),
        collector,
    )
