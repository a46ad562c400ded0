"""Give: the tables of an archive out of Postgres, all as of one instant, block by block."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg
import msgspec

from app.domain.record import Event, Record, Version
from app.store.archive.points import COUNT, give_points
from app.store.archive.shape import CASES, READINGS, Block, Cell, empty, height

ROWS = 100_000
_FRAMES_AT_ONCE, _CASES_AT_ONCE = 200, 5_000
_decode = msgspec.msgpack.Decoder(Record).decode
# Columns of a frame that hold one cell a subject, and where they go.
_WIDE = {
    "subject": "subject", "value": "value", "num": "num", "den": "den", "target": "target",
    "state": "state",
}  # fmt: skip

_COUNT_READINGS = """
SELECT coalesce(sum(cardinality(subject)), 0)::bigint FROM reading_frame
WHERE at_s >= $1 AND at_s < $2
"""
_READINGS = """
SELECT source, indicator, period, at_s, watermark_s, period_s, closes_day,
       subject, value, num, den, target, state
FROM reading_frame WHERE at_s >= $1 AND at_s < $2 ORDER BY source, indicator, period, at_s
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


async def _readings(db: asyncpg.Connection, window: tuple[int, int]) -> AsyncIterator[Block]:
    block = empty(READINGS)
    cursor = await db.cursor(_READINGS, *window)
    while frames := await cursor.fetch(_FRAMES_AT_ONCE):
        for frame in frames:
            wide = len(frame["subject"])
            for column, told in _narrow(frame).items():
                block[column] += [told] * wide
            for field, column in _WIDE.items():
                cells = frame[field]
                # The targets of frames written before they were kept are not known.
                block[column] += [None] * wide if cells is None else cells
        if height(block) >= ROWS:
            yield block
            block = empty(READINGS)
    if height(block):
        yield block


def _narrow(frame: Mapping[str, Any]) -> dict[str, Cell]:
    return {
        "source": frame["source"],
        "indicator": frame["indicator"],
        "period": frame["period"],
        "at": frame["at_s"] * 1000,
        "period_begins": frame["period_s"] * 1000,
        "watermark": frame["watermark_s"] * 1000,
        "closes_day": frame["closes_day"],
    }


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
    "readings": _readings,
    "cases": _cases,
    "series": partial(give_points, rows=ROWS),
}
