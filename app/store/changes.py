"""The change log read since a cursor, with NOTIFY as its doorbell.

A small change comes with its bell, so a screen does not wait for one more way to the database and
back. What was heard is only believed where it follows, without a gap, on what is known; everything
else is read from the table, which alone is the log.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import asyncpg
import msgspec

from app.domain.reading import Change, Changes, Reading
from app.store import pace as kept_pace
from app.store.pool import AWAY
from app.store.still import reader, still

_decode = msgspec.json.Decoder().decode

BELL = "ioc_change"
_BELL_BYTES = 7_900  # PostgreSQL takes less than 8000, with epoch and offset before it
HEARD_AT_MOST = 128
# What is read at once of the log, as it is stored: a day of a fill can be a megabyte of readings.
AT_ONCE_BYTES = 256 * 1024
# One statement is one snapshot of the database, and one way there and back.
_SINCE = """
WITH edge AS (
    SELECT (SELECT id FROM epoch) AS epoch, coalesce(min("offset"), 0) AS first,
           coalesce(max("offset"), 0) AS last FROM change
)
SELECT edge.epoch, edge.first, edge.last,
       c."offset", c.kind, c.source, c.at_s, c.watermark_s, c.filling,
       CASE WHEN c.told THEN c.payload ELSE '{}' END AS payload
FROM edge LEFT JOIN LATERAL (
    SELECT "offset", kind, source, at_s, watermark_s, filling, told, payload,
           sum(size) OVER (ORDER BY "offset") - size AS before
    FROM (
        SELECT *, CASE WHEN told THEN pg_column_size(payload) ELSE 0 END AS size
        FROM (
            SELECT *, $4 OR NOT filling AS told
            FROM change WHERE "offset" > $1 ORDER BY "offset" LIMIT $2
        ) AS next
    ) AS sized
) AS c ON edge.epoch = $3 AND c.before < $5
ORDER BY c."offset"
"""


class PgChanges:
    """Rows become readable in the order of their offsets (see the trigger of table ``change``)."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._bell = asyncio.Event()
        # Offset and text of changes in a row, of ``_epoch``; nothing came between or after them.
        self._heard: deque[tuple[int, str]] = deque(maxlen=HEARD_AT_MOST)
        self._epoch = ""

    def still(self) -> AbstractAsyncContextManager[None]:
        return still(self._pool)

    async def position(self) -> tuple[str, int]:
        async with reader(self._pool) as db:
            row = await db.fetchrow(
                'SELECT (SELECT id FROM epoch), coalesce(max("offset"), 0) FROM change'
            )
        return row[0], row[1]

    async def since(
        self, epoch: str, offset: int, limit: int = 500, *, filled: bool = True
    ) -> Changes:
        heard = self._heard
        if heard and epoch == self._epoch and heard[0][0] - 1 <= offset <= heard[-1][0]:
            told = [_told(number, text) for number, text in heard if number > offset][:limit]
            return Changes(epoch, told[-1].offset if told else offset, tuple(told), False)
        async with self._pool.acquire() as db:
            rows = await db.fetch(_SINCE, offset, limit, epoch, filled, AT_ONCE_BYTES)
        known, first, last = rows[0]["epoch"], rows[0]["first"], rows[0]["last"]
        gone = known != epoch or offset > last or (first > 1 and offset < first - 1)
        changes = () if gone else tuple(_change(r) for r in rows if r["offset"] is not None)
        return Changes(known, changes[-1].offset if changes else last, changes, gone)

    async def wait(self, timeout_s: float) -> None:
        try:
            await asyncio.wait_for(self._bell.wait(), timeout_s)
        except TimeoutError:
            self._heard.clear()  # a bell can be lost: the table is asked
        self._bell.clear()

    async def listen(self, stop: asyncio.Event) -> None:
        """Keep a connection that rings the bell; lost connections are taken up again."""
        while not stop.is_set():
            try:
                async with self._pool.acquire() as db:
                    self._heard.clear()  # nobody listened until now
                    await db.add_listener(BELL, self._ring)
                    try:
                        while not stop.is_set() and not db.is_closed():
                            await asyncio.sleep(0.5)
                    finally:  # also when this task is ended: whoever has it next hears no bell
                        await self._leave(db)
            except AWAY:
                await asyncio.sleep(1)

    async def _leave(self, db: asyncpg.Connection) -> None:
        if not db.is_closed():
            with suppress(*AWAY):
                async with asyncio.timeout(1):
                    await db.remove_listener(BELL, self._ring)

    def _ring(self, _db: object, _pid: object, _channel: object, text: object) -> None:
        epoch, _, rest = str(text).partition(" ")
        if not rest:
            self._heard.clear()
        else:
            number, _, told = rest.partition(" ")
            if epoch != self._epoch or (self._heard and self._heard[-1][0] != int(number) - 1):
                self._heard.clear()
            self._epoch = epoch
            self._heard.append((int(number), told))
        self._bell.set()


def in_a_bell(source: str, at_s: int, watermark_s: int, payload: str) -> str:
    """A change of readings as its bell carries it, behind epoch and offset; empty: too large."""
    text = f"{at_s} {watermark_s} {source} {payload}"
    return text if len(text.encode()) <= _BELL_BYTES else ""


def _told(offset: int, text: str) -> Change:
    at_s, watermark_s, source, payload = text.split(" ", 3)
    readings = tuple(_reading(r) for r in _decode(payload)["readings"])
    return Change(offset, "readings", source, int(at_s), int(watermark_s), False, readings)


def _change(row: asyncpg.Record) -> Change:
    payload = _decode(row["payload"])
    return Change(
        row["offset"],
        row["kind"],
        row["source"],
        row["at_s"],
        row["watermark_s"],
        row["filling"],
        tuple(_reading(r) for r in payload.get("readings", ())),
        tuple(payload.get("alerts", ())),
    )


def _reading(row: list[Any]) -> Reading:
    """Rows written before there was a pace are one field shorter."""
    told = row[13] if len(row) > 13 else None
    return Reading(*(*row[:13], kept_pace.read(told)))
