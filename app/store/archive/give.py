"""Give: the tables of an archive out of Postgres, all as of one instant, block by block."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import asyncpg
import msgspec

from app.domain.record import Event, Record, Version
from app.store.archive.past import give_readings
from app.store.archive.points import COUNT, give_points
from app.store.archive.shape import CASES, Block, empty, height

ROWS = 100_000
_CASES_AT_ONCE = 5_000
_decode = msgspec.msgpack.Decoder(Record).decode
# Of what is not sealed it is not told which part of a figure a point is; most have four.
_COUNT_READINGS = """
WITH states AS (
    SELECT source_id, series_id FROM series JOIN series_source s USING (source_id)
    WHERE starts_with(s.source, 'readings:') AND code LIKE '%/state/%'
), inside AS (
    SELECT n FROM series_chunk JOIN states USING (source_id, series_id)
    WHERE last_ms >= $1 * 1000::bigint AND first_ms < $2 * 1000::bigint
    UNION ALL
    SELECT n FROM series_piece JOIN states USING (source_id, series_id)
    WHERE last_ms >= $1 * 1000::bigint AND first_ms < $2 * 1000::bigint
    UNION ALL
    SELECT n / 4 FROM series_journal
    WHERE source_id IN (SELECT source_id FROM states)
      AND last_ms >= $1 * 1000::bigint AND first_ms < $2 * 1000::bigint
)
SELECT coalesce(sum(n), 0)::bigint FROM inside
"""
# What was alive in the window; what has no such date, as an entry of a register, always counts.
_ALIVE = """
WHERE (received IS NULL OR received < to_timestamp($2))
  AND (ended IS NULL OR ended >= to_timestamp($1))
"""
_COUNT_CASES = f"SELECT count(*) FROM record {_ALIVE}"
_CASES = f"""
SELECT source, kind, code, owner, sector, received, due, ended, late, body FROM record {_ALIVE}
ORDER BY source, kind, code
"""


class Life(msgspec.Struct, frozen=True):
    """A case as its feed told it, for the column ``life``: its newest version and its events."""

    version: Version | None
    events: list[Event]


@dataclass(frozen=True, slots=True)
class Window:
    """Instants from the first up to the second, without it; epoch seconds."""

    from_s: int = 0
    to_s: int = 2**36


class Given:
    """One view of the database: what commits meanwhile is not seen."""

    def __init__(self, db: asyncpg.Connection, window: Window) -> None:
        self._db = db
        self._window = (window.from_s, window.to_s)

    async def count(self, table: str) -> int:
        rows: int = await self._db.fetchval(_COUNTS[table], *self._window)
        return rows

    async def blocks(self, table: str) -> AsyncIterator[Block]:
        """Whole, in the order of the table's key."""
        async for block in _GIVES[table](self._db, self._window):
            yield block

    async def watermarks(self) -> dict[str, int]:
        """How far each source had given everything."""
        rows = await self._db.fetch(
            "SELECT source, watermark_s FROM source_state WHERE watermark_s IS NOT NULL"
        )
        return {r["source"]: r["watermark_s"] for r in rows}


@asynccontextmanager
async def giving(pool: asyncpg.Pool, window: Window) -> AsyncIterator[Given]:
    """Open the view."""
    async with (
        pool.acquire() as db,
        db.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield Given(db, window)


async def _cases(db: asyncpg.Connection, window: tuple[int, int]) -> AsyncIterator[Block]:
    block = empty(CASES)
    cursor = await db.cursor(_CASES, *window)
    while rows := await cursor.fetch(_CASES_AT_ONCE):
        for row in rows:
            block["agency"].append(row["owner"])
            block["life"].append(life_of(_decode(row["body"])))
            for column in ("source", "kind", "code", "sector"):
                block[column].append(row[column])
            for column in ("received", "due", "ended", "late"):
                at = row[column]
                block[column].append(None if at is None else round(at.timestamp() * 1000))
        if height(block) >= ROWS:
            yield block
            block = empty(CASES)
    if height(block):
        yield block


def life_of(record: Record) -> str:
    """JSON that says the same for the same record."""
    told = Life(record.version, sorted(record.events))
    return msgspec.json.encode(told, order="sorted").decode()


_COUNTS = {"readings": _COUNT_READINGS, "cases": _COUNT_CASES, "series": COUNT}
_Gives = Callable[[asyncpg.Connection, tuple[int, int]], AsyncIterator[Block]]
_GIVES: Mapping[str, _Gives] = {
    "readings": partial(give_readings, rows=ROWS),
    "cases": _cases,
    "series": partial(give_points, rows=ROWS),
}
