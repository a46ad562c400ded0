"""Take: the tables of an archive into Postgres; what is there already stays as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

import asyncpg
import msgspec

from app.domain.feed import Page
from app.domain.judged import Frame, Head
from app.domain.record import Record, RecordUpdate, merge
from app.store.archive.give import Life
from app.store.archive.past import missing
from app.store.archive.shape import Block, Cell
from app.store.pages import write_page
from app.store.past.closes import write_closes
from app.store.past.parts import Framed
from app.store.past.readings import PastReadings
from app.store.records import Judge, store_records

_decode = msgspec.msgpack.Decoder(Record).decode
_decode_life = msgspec.json.Decoder(Life).decode
_KNOWN = """
SELECT kind, code, body FROM record
WHERE source = $1 AND (kind, code) IN (SELECT * FROM unnest($2::text[], $3::text[]))
"""
_PLACE = "SELECT cursor, seq, watermark_s FROM source_state WHERE source = $1 FOR UPDATE"
_ADVANCE = "UPDATE source_state SET seq = $2, records = records + $3 WHERE source = $1"
_HEAD = ("source", "indicator", "period", "at", "period_begins", "watermark", "closes_day")
_WIDE = ("subject", "value", "num", "den", "target", "state")
_FRAMES_AT_ONCE, _CASES_AT_ONCE = 500, 2_000
Row = tuple[Cell, ...]
Told = Callable[[int], None]


async def take_readings(pool: asyncpg.Pool, blocks: Iterable[Block], told: Told) -> int:
    """Frames that were not there; one that is there was judged here and stays as it was."""
    past, new = PastReadings(pool), 0
    frames = _framed(_rows(blocks, (*_HEAD, *_WIDE)))
    while batch := list(islice(frames, _FRAMES_AT_ONCE)):
        for source, some in groupby(batch, key=lambda frame: str(frame[0][0])):
            new += await _take_frames(pool, past, source, list(some))
        told(sum(len(wide) for _, wide in batch))
    return new


async def _take_frames(
    pool: asyncpg.Pool, past: PastReadings, source: str, frames: Sequence[tuple[Row, list[Row]]]
) -> int:
    closes = {head[1:4] for head, _ in frames if head[-1]}  # indicator, period and instant
    fresh = await missing(past, source, [_stored(*frame) for frame in frames])
    packed = await past.pack(source, fresh)
    if packed is not None:
        async with pool.acquire() as db, db.transaction():
            await past.write(db, packed, "imported")
            await write_closes(db, source, [f for f in fresh if _named(f) in closes])
    return len(fresh)


def _named(framed: Framed) -> Row:
    head = framed.frame.head
    return head.indicator, head.period, framed.at_s * 1000


def _rows(blocks: Iterable[Block], columns: Sequence[str]) -> Iterator[Row]:
    for block in blocks:
        yield from zip(*(block[c] for c in columns), strict=True)


def _framed(rows: Iterator[Row]) -> Iterator[tuple[Row, list[Row]]]:
    """A frame is the rows that stand together and differ in their subject alone."""
    for head, group in groupby(rows, key=lambda row: row[: len(_HEAD)]):
        yield head, [row[len(_HEAD) :] for row in group]


def _stored(head: Row, wide: list[Row]) -> Framed:
    _, indicator, period, at, begins, watermark, _ = head
    at_s, begins_s, watermark_s = (int(ms or 0) // 1000 for ms in (at, begins, watermark))
    columns: list[list[Any]] = [list(column) for column in zip(*wide, strict=True)]
    frame = Frame(Head(str(indicator), str(period), begins_s), *columns)
    return Framed(at_s, watermark_s, frame)


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where the cases of a source go in: its judge, and how far the archive says it had come."""

    source: str
    judge: Judge
    watermark_s: int


async def take_cases(
    pool: asyncpg.Pool, way: Entrance, updates: Iterable[RecordUpdate], told: Told
) -> int:
    """Cases that were not there or became richer, through the door every page takes.

    They are merged, so that order and repetition mean nothing; cursor and watermark stay.
    """
    taken, given = 0, iter(updates)
    while batch := list(islice(given, _CASES_AT_ONCE)):
        async with pool.acquire() as db, db.transaction():
            taken += await _take(db, way, batch)
        told(len(batch))
    return taken


async def _take(db: asyncpg.Connection, way: Entrance, batch: Sequence[RecordUpdate]) -> int:
    place = await db.fetchrow(_PLACE, way.source)
    rows = await db.fetch(_KNOWN, way.source, [u.kind for u in batch], [u.code for u in batch])
    known = {(r["kind"], r["code"]): _decode(r["body"]) for r in rows}
    changed = [
        u for u in batch if merge(known.get((u.kind, u.code)), u) != known.get((u.kind, u.code))
    ]
    if not changed:
        return 0
    seq, up_to_s = place["seq"] + 1, place["watermark_s"] or way.watermark_s
    digest = hashlib.sha256(msgspec.msgpack.encode(changed)).hexdigest()
    page = Page(tuple(changed), (), place["cursor"], False, up_to_s, len(changed), digest)
    packed = await store_records(db, way.source, seq, changed, way.judge)
    await write_page(db, way.source, seq, page, packed, f"{way.judge.collector} (import)")
    await db.execute(_ADVANCE, way.source, seq, len(changed))
    return len(changed)


def updates_of(blocks: Iterable[Block]) -> Iterator[tuple[str, Iterator[RecordUpdate]]]:
    """The cases of one source after the other."""
    rows = _rows(blocks, ("source", "kind", "code", "agency", "sector", "life"))
    for source, group in groupby(rows, key=lambda row: str(row[0])):
        yield source, map(_update, group)


def _update(row: Row) -> RecordUpdate:
    _, kind, code, agency, sector, life = (str(cell) for cell in row)
    told = _decode_life(life)
    return RecordUpdate(kind, code, agency, sector, told.version, tuple(told.events))
