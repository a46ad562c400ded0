"""Soundness: whether what is kept is what was written; looks at everything, changes nothing."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import asyncpg
import msgspec
import numpy as np

from app.domain.record import Record
from app.domain.series import DAY_MS
from app.store.records import PackedStep
from app.store.series.codec import Damaged
from app.store.series.packed import (
    Key,
    pack_chunk,
    unpack_batch,
    unpack_chunk,
    unpack_latest,
    unpack_piece,
)
from app.store.series.pg_sealing import SCALARS, day_number
from app.store.series.rollup import unpack_hours
from app.store.series.rows import ChunkRow, JournalRow, PieceRow

_AT_ONCE = 500
_WIDTHS = "SELECT series_id, width_days FROM series WHERE source_id = $1"
_LEDGERS = "SELECT seq_first, seq_last FROM series_ledger WHERE source_id = $1 ORDER BY 1"
_SCALARS = ("n", "first_ms", "last_ms", "v_first", "v_last", "v_min", "v_max", "v_sum")
_COLUMNS = ("cell", "count", "min", "max", "first", "last")
Told = Callable[[str, int], None]
_decode_record = msgspec.msgpack.Decoder(Record).decode
_decode_steps = msgspec.msgpack.Decoder(list[PackedStep]).decode


@dataclass(slots=True)
class Found:
    """What was looked at, and what is wrong with it."""

    looked_at: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def look(self, what: str, times: int = 1) -> None:
        self.looked_at[what] = self.looked_at.get(what, 0) + times


async def verify(pool: asyncpg.Pool) -> Found:
    """All in one view of the database, so that what is written meanwhile is no fault."""
    found = Found()
    async with (
        pool.acquire() as db,
        db.transaction(isolation="repeatable_read", readonly=True),
    ):
        await _pages(db, found)
        await _records(db, found)
        for source in await db.fetch("SELECT source_id, source FROM series_source ORDER BY 1"):
            await Series(db, found, source["source_id"], source["source"]).verify()
    return found


async def _pages(db: asyncpg.Connection, found: Found) -> None:
    """A source's pages are numbered without a gap up to its cursor, and their steps are whole."""
    states = await db.fetch("SELECT source, seq, cursor, evaluated_seq FROM source_state")
    for state in states:
        source, expected = state["source"], 1
        found.look("cursors")
        async for row in _rows(
            db, "SELECT seq, cursor, steps FROM page WHERE source = $1 ORDER BY seq", source
        ):
            found.look("pages")
            if row["seq"] != expected:
                found.faults.append(f"page {source} {expected}: missing; {row['seq']} is next")
            expected = row["seq"] + 1
            try:
                _decode_steps(zlib.decompress(row["steps"]))
            except (zlib.error, msgspec.DecodeError) as wrong:
                found.faults.append(f"page {source} {row['seq']}: its steps are damaged: {wrong}")
        if state["seq"] != expected - 1:
            found.faults.append(
                f"cursor {source}: stands at page {state['seq']}; the last page is {expected - 1}"
            )
        if state["evaluated_seq"] > state["seq"]:
            found.faults.append(
                f"cursor {source}: judged up to page {state['evaluated_seq']}, which is not stored"
            )


async def _records(db: asyncpg.Connection, found: Found) -> None:
    async for row in _rows(db, "SELECT source, kind, code, body FROM record"):
        found.look("cases")
        try:
            record = _decode_record(row["body"])
        except msgspec.DecodeError as wrong:
            found.faults.append(f"case {row['source']} {row['code']}: damaged: {wrong}")
            continue
        if (record.kind, record.code) != (row["kind"], row["code"]):
            found.faults.append(f"case {row['source']} {row['code']}: holds {record.code}")


class Series:
    """One source of the series store."""

    def __init__(self, db: asyncpg.Connection, found: Found, source_id: int, source: str) -> None:
        self._db, self._found, self._id, self._name = db, found, source_id, source
        self._newest: dict[int, tuple[int, float]] = {}

    async def verify(self) -> None:
        db, found = self._db, self._found
        widths: dict[int, int] = dict(await db.fetch(_WIDTHS, self._id))
        place = await db.fetchval("SELECT seq FROM series_place WHERE source_id = $1", self._id)
        mark = await db.fetchrow(
            "SELECT sealed_seq, latest FROM series_mark WHERE source_id = $1", self._id
        )
        if place is None or mark is None:
            self._fault("has no place or no mark")
            return
        found.look("cursors")
        await self._chunks(widths)
        await self._pieces(widths)
        self._snapshot(mark["latest"])
        await self._journal(mark["sealed_seq"], place)
        await self._ledger(mark["sealed_seq"])

    async def _chunks(self, widths: dict[int, int]) -> None:
        rows = _rows(
            self._db,
            f"SELECT {SCALARS}, hours, past, body FROM series_chunk WHERE source_id = $1"
            " ORDER BY series_id, day",
            self._id,
        )
        async for row in rows:
            chunk = ChunkRow(row[0], day_number(row[1]), *tuple(row)[2:])
            self._found.look("sealed buckets")
            self._found.look("sealed points", chunk.n)
            name = f"series {chunk.series_id}, bucket of {row[1]}"
            if chunk.series_id not in widths:
                self._fault(f"{name}: nobody declared this series")
                continue
            for fault in self._damage(partial(chunk_faults, chunk, widths[chunk.series_id])):
                self._fault(f"{name}: {fault}")
            self._see(chunk.series_id, chunk.last_ms, chunk.v_last)

    async def _pieces(self, widths: dict[int, int]) -> None:
        rows = _rows(
            self._db,
            "SELECT series_id, day, seq_lo, seq_hi, n, first_ms, last_ms, close_ms, body"
            " FROM series_piece WHERE source_id = $1 ORDER BY series_id, day, seq_lo",
            self._id,
        )
        async for row in rows:
            piece = PieceRow(row[0], day_number(row[1]), *tuple(row)[2:])
            self._found.look("open buckets' pieces")
            name = f"series {piece.series_id}, piece {piece.seq_lo} of {row[1]}"
            for fault in self._damage(partial(self._piece, piece)):
                self._fault(f"{name}: {fault}")

    def _piece(self, piece: PieceRow) -> Iterator[str]:
        arrived = unpack_piece(piece)
        told = (len(arrived), int(arrived.at.min()), int(arrived.at.max()))
        if told != (piece.n, piece.first_ms, piece.last_ms):
            yield f"holds {told}; its row says {(piece.n, piece.first_ms, piece.last_ms)}"
        last = np.flatnonzero(arrived.at == arrived.at.max())[-1]
        self._see(piece.series_id, int(arrived.at[last]), float(arrived.value[last]))

    def _snapshot(self, body: bytes | None) -> None:
        """The newest points kept beside the mark are those of the buckets."""

        def compare() -> Iterator[str]:
            kept = unpack_latest(body)
            at = dict(zip(kept.series.tolist(), kept.at.tolist(), strict=True))
            for series_id in sorted({*at, *self._newest}):
                self._found.look("newest points")
                newest = self._newest.get(series_id, (None, 0.0))[0]
                # What was dropped for its age is remembered as the newest there was.
                if newest is not None and at.get(series_id) != newest:
                    yield f"series {series_id}: newest {at.get(series_id)}; expected {newest}"

        for fault in self._damage(compare):
            self._fault(f"snapshot: {fault}")

    async def _journal(self, sealed_seq: int, place: int) -> None:
        expected = sealed_seq + 1
        rows = _rows(
            self._db,
            "SELECT seq, known_ms, first_ms, last_ms, n, body FROM series_journal"
            " WHERE source_id = $1 ORDER BY seq",
            self._id,
        )
        async for row in rows:
            batch = JournalRow(*row)
            self._found.look("unsealed batches")
            if batch.seq != expected:
                self._fault(f"batch {expected}: missing; {batch.seq} is next")
            expected = batch.seq + 1
            for fault in self._damage(partial(_batch, batch)):
                self._fault(f"batch {batch.seq}: {fault}")
        if place != expected - 1:
            self._fault(f"its cursor stands at batch {place}; the last batch is {expected - 1}")

    async def _ledger(self, sealed_seq: int) -> None:
        rows = await self._db.fetch(_LEDGERS, self._id)
        self._found.look("ledgers", len(rows))
        expected = rows[0][0] if rows else 1
        for first, last in rows:
            if first != expected:
                self._fault(f"ledger: batches {expected} to {first - 1} are missing")
            expected = last + 1
        if expected != sealed_seq + 1:
            self._fault(f"ledger: ends at batch {expected - 1}; sealed is up to {sealed_seq}")

    def _see(self, series_id: int, at_ms: int, value: float) -> None:
        if series_id not in self._newest or at_ms >= self._newest[series_id][0]:
            self._newest[series_id] = (at_ms, value)

    def _damage(self, look: Callable[[], Iterable[str]]) -> list[str]:
        try:
            return list(look())
        except (Damaged, ValueError, IndexError) as wrong:
            return [str(wrong) or repr(wrong)]

    def _fault(self, what: str) -> None:
        self._found.faults.append(f"series of {self._name}: {what}")


def chunk_faults(chunk: ChunkRow, width_days: int) -> Iterator[str]:
    """A sealed bucket against its own points: order, bounds, scalars and hours."""
    content = unpack_chunk(chunk)
    at = content.now.at
    begin = chunk.day * DAY_MS
    if not bool(np.all(at[1:] > at[:-1])):
        yield "its points are not in order"
    if int(at[0]) < begin or int(at[-1]) >= begin + width_days * DAY_MS:
        yield "a point lies outside the bucket"
    key = Key(chunk.series_id, chunk.day, width_days)
    again = pack_chunk(key, content, (chunk.seq_lo, chunk.seq_hi))
    for name in _SCALARS:
        kept, counted = getattr(chunk, name), getattr(again, name)
        if kept != counted and not (kept != kept and counted != counted):
            yield f"{name} is {kept}; its points make {counted}"
    if (chunk.hours is None) != (again.hours is None):
        yield "its hours are missing"
    elif chunk.hours is not None and again.hours is not None:
        kept_hours, made = unpack_hours(chunk.hours), unpack_hours(again.hours)
        same = all(
            np.array_equal(getattr(kept_hours, c), getattr(made, c), equal_nan=c in _COLUMNS[2:])
            for c in _COLUMNS
        )
        if not same or list(kept_hours.sum.as_decimals()) != list(made.sum.as_decimals()):
            yield "its hours are not the sums of its points"


def _batch(batch: JournalRow) -> Iterator[str]:
    block = unpack_batch(batch)
    at = block.at
    told = (len(block), int(at.min()), int(at.max())) if len(block) else (0, 0, 0)
    if told != (batch.n, batch.first_ms, batch.last_ms):
        yield f"holds {told}; its row says {(batch.n, batch.first_ms, batch.last_ms)}"


async def _rows(
    db: asyncpg.Connection, question: str, *given: object
) -> AsyncIterator[asyncpg.Record]:
    cursor = await db.cursor(question, *given)
    while rows := await cursor.fetch(_AT_ONCE):
        for row in rows:
            yield row
