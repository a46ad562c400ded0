"""The rows of the series store in memory: the engine's tests run thousands of histories on it."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from app.domain.series import Declared, Place, SeriesDef
from app.store.series.rows import (
    ChunkRow,
    JournalRow,
    Kept,
    LedgerRow,
    Mark,
    PieceRow,
    SeriesRow,
    Tail,
    Window,
    Work,
)


@dataclass
class MemoryRows:
    """One source, the same promises as Postgres."""

    declared: list[SeriesRow] = field(default_factory=list)
    at: Place = field(default_factory=lambda: Place(0, "", 0))
    mark: Mark = field(default_factory=lambda: Mark(0, 0, None))
    snapshot: bytes | None = None
    batches: dict[int, JournalRow] = field(default_factory=dict)
    pieces: dict[tuple[int, int, int], PieceRow] = field(default_factory=dict)
    chunks: dict[tuple[int, int], ChunkRow] = field(default_factory=dict)
    ledgers: list[LedgerRow] = field(default_factory=list)
    seals: int = 0

    async def declare(self, source: str, series: Sequence[tuple[SeriesDef, int]]) -> Declared:
        for one, width in series:
            if one.code not in {r.code for r in self.declared}:
                row = SeriesRow(len(self.declared) + 1, one.code, one.tick_ms, width)
                self.declared.append(row)
        ids = {r.code: r.series_id for r in self.declared}
        return Declared(1, tuple(ids[d.code] for d, _ in series))

    async def series(self, source_id: int) -> list[SeriesRow]:
        return list(self.declared)

    async def place(self, source_id: int) -> Place:
        return self.at

    async def append(self, source_id: int, row: JournalRow, cursor: str) -> bool:
        if row.seq != self.at.seq + 1 or row.known_ms < self.at.known_ms:
            return False
        self.batches[row.seq] = row
        self.at = Place(row.seq, cursor, row.known_ms)
        return True

    async def tails(self, after: Mapping[int, int], most_points: int) -> Mapping[int, Tail]:
        rows, points = [], 0
        for row in sorted(self.batches.values(), key=lambda r: -r.seq):
            points += row.n
            if row.seq <= max(after[1], self.mark.sealed_seq) or points > most_points:
                break
            rows.append(row)
        return {1: Tail(self.mark.sealed_seq, self.at.seq, rows, (self.seals, 0))}

    async def journal(
        self,
        source_id: int,
        after_seq: int,
        before_seq: int,
        reach: tuple[int, int] | None = None,
    ) -> Tail:
        low, high = reach or (-(2**62), 2**62)
        rows = [
            r
            for r in sorted(self.batches.values(), key=lambda r: r.seq)
            if after_seq < r.seq < before_seq and r.last_ms >= low and r.first_ms < high
        ]
        return Tail(self.mark.sealed_seq, self.at.seq, rows)

    async def look(
        self, window: Window, after_seq: int, most_points: int, *, points: bool, past: bool
    ) -> tuple[Kept, Tail]:
        tail = await self.tails({1: after_seq}, most_points)
        return self._kept(window, points=points, past=past), tail[1]

    def _kept(self, window: Window, *, points: bool, past: bool) -> Kept:
        def meant(row: PieceRow | ChunkRow) -> bool:
            return (
                row.series_id in window.series_ids
                and row.last_ms >= window.from_ms
                and row.first_ms < window.to_ms
            )

        chunks = [
            replace(
                c,
                past=c.past if past else None,
                body=c.body if points or c.hours is None else b"",
            )
            for c in sorted(self.chunks.values(), key=lambda c: c.day)
            if meant(c)
        ]
        pieces = sorted(filter(meant, self.pieces.values()), key=lambda p: p.seq_lo)
        return Kept(self.mark.sealed_seq, pieces, chunks)

    async def ledger(self, source_id: int, seq_lo: int, seq_hi: int) -> list[LedgerRow]:
        return [r for r in self.ledgers if r.seq_last >= seq_lo and r.seq_first <= seq_hi]

    async def latest(self, source_id: int) -> tuple[int, bytes | None]:
        return self.mark.sealed_seq, self.snapshot

    @asynccontextmanager
    async def sealing(self, source_id: int) -> AsyncIterator[MemorySealing | None]:
        yield MemorySealing(self)

    async def make_room(self, days: Sequence[int]) -> None:
        """There is room."""

    def copied(self) -> MemoryRows:
        return copy.deepcopy(self)


class MemorySealing:
    def __init__(self, rows: MemoryRows) -> None:
        self._rows, self.mark = rows, rows.mark

    async def journal(self, most_points: int) -> list[JournalRow]:
        rows, points = [], 0
        for seq in sorted(self._rows.batches):
            points += self._rows.batches[seq].n
            if rows and points > most_points:
                break
            rows.append(self._rows.batches[seq])
        return rows

    async def due(self, close_ms: int) -> list[PieceRow]:
        return [p for _, p in sorted(self._rows.pieces.items()) if p.close_ms <= close_ms]

    async def chunks(self, keys: Sequence[tuple[int, int]]) -> list[ChunkRow]:
        return [self._rows.chunks[k] for k in keys if k in self._rows.chunks]

    async def latest(self) -> bytes | None:
        return self._rows.snapshot

    async def write(self, work: Work) -> None:
        rows = self._rows
        rows.seals += 1
        for key in list(rows.pieces):
            if key[:2] in set(work.closed):
                del rows.pieces[key]
        for key in work.replaced:
            del rows.chunks[key]
        for piece in work.pieces:
            key = (piece.series_id, piece.day, piece.seq_lo)
            assert key not in rows.pieces
            rows.pieces[key] = piece
        for chunk in work.chunks:
            assert (chunk.series_id, chunk.day) not in rows.chunks
            rows.chunks[chunk.series_id, chunk.day] = chunk
        if work.ledger is not None:
            rows.ledgers.append(work.ledger)
        rows.batches = {s: b for s, b in rows.batches.items() if s > work.mark.sealed_seq}
        rows.snapshot = work.latest
        closes = [p.close_ms for p in rows.pieces.values()]
        rows.mark = replace(work.mark, next_close_ms=min(closes, default=None))
