"""Reads: columns out of chunks, pieces and the unsealed tail, as of now or of an earlier day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeVar

import numpy as np

from app.domain.series import DAY_MS, HOUR_MS, Buckets, Latest, Points
from app.store.series.aside import aside
from app.store.series.codec import Floats, Ints, Scaled, floats, scaled
from app.store.series.content import (
    EMPTY,
    NOTHING,
    Arrivals,
    as_of,
    joined,
    merge,
    told,
)
from app.store.series.head import Head
from app.store.series.packed import (
    Batches,
    Block,
    unpack_batch,
    unpack_chunk,
    unpack_piece,
)
from app.store.series.rollup import Rolled, regroup, roll
from app.store.series.rows import ChunkRow, Kept, PieceRow, RowStore, SeriesRow, Tail, Window
from app.store.series.shelf import Opener, Shelf
from app.store.series.table import Question, Table
from app.store.series.today import Segment, cut, straight
from app.store.series.together import rounded as each_rounded
from app.store.series.together import together

# So many buckets are looked through faster than the numbers of those that have points are found.
_FEW = 8
# So many points take longer to unpack than a loop should be held up by.
MANY = 200_000
R = TypeVar("R", ChunkRow, PieceRow)


@dataclass(frozen=True, slots=True)
class Part:
    """One bucket of one series: its chunk if it is sealed, and what arrived besides."""

    chunk: ChunkRow | None
    arrived: Arrivals


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that bears on a window, of one consistent look."""

    kept: Kept
    tail: list[Block]
    pieces: Mapping[int, list[PieceRow]]
    chunks: Mapping[int, list[ChunkRow]]
    points: int  # how many are to be unpacked
    opener: Opener

    @classmethod
    def of(cls, kept: Kept, tail: list[Block], shelf: Shelf) -> Found:
        points = sum(c.n for c in kept.chunks if c.body) + sum(p.n for p in kept.pieces)
        pieces, chunks = _by_series(kept.pieces), _by_series(kept.chunks)
        return cls(kept, tail, pieces, chunks, points, Opener(shelf, points))

    def straight(self, series_id: int, window: Window) -> Segment | None:
        """Of today, if everything came in order."""
        chunks, pieces = self.chunks.get(series_id, ()), self.pieces.get(series_id, ())
        return straight(chunks, pieces, self.tail, series_id, window, self.opener)

    def parts(self, series_id: int, width_days: int, window: Window) -> list[Part]:
        """The buckets of one series in the order of time."""
        arrived = [unpack_piece(p) for p in self.pieces.get(series_id, ())]
        for block in self.tail:
            part = block.of(series_id)
            if part.stop > part.start:
                arrived.append(block.arrivals(part))
        chunks = self.chunks.get(series_id, ())
        every = joined(arrived)
        if len(every):
            every = every.where((every.at >= window.from_ms) & (every.at < window.to_ms))
        if not len(every):
            return [Part(c, NOTHING) for c in chunks]
        buckets = every.at // (width_days * DAY_MS)
        sealed = {c.day // width_days: c for c in chunks}
        low, high = int(buckets.min()), int(buckets.max())
        there = range(low, high + 1) if high - low < _FEW else np.unique(buckets).tolist()
        parts = {b: Part(c, NOTHING) for b, c in sealed.items()}
        for b in there:
            among = every if low == high else every.where(buckets == b)
            if len(among):
                parts[b] = Part(sealed.get(b), among)
        return [parts[b] for b in sorted(parts)]


def _inside(kept: Kept, window: Window) -> Kept:
    """Without what lies beside the window."""

    def meant(row: ChunkRow | PieceRow) -> bool:
        return row.last_ms >= window.from_ms and row.first_ms < window.to_ms

    chunks, pieces = kept.chunks, kept.pieces
    return Kept(kept.sealed_seq, list(filter(meant, pieces)), list(filter(meant, chunks)))


def _by_series(rows: Iterable[R]) -> Mapping[int, list[R]]:
    found: dict[int, list[R]] = {}
    for row in rows:
        found.setdefault(row.series_id, []).append(row)
    return found


class Reads:
    """Questions to one store of rows and its head."""

    def __init__(self, rows: RowStore, head: Head, shelf: Shelf) -> None:
        self._rows, self._head, self._shelf = rows, head, shelf
        self._series: dict[int, Mapping[int, SeriesRow]] = {}

    async def latest(self, source_ids: Sequence[int]) -> dict[int, Latest]:
        found = await self._head.latest(source_ids)
        return {s: Latest(n.series, n.at, n.value) for s, n in found.items()}

    async def latest_of(self, source_id: int, series_ids: Sequence[int]) -> Latest:
        found = (await self._head.latest([source_id]))[source_id]
        wanted = np.flatnonzero(np.isin(found.series, np.asarray(series_ids)))
        return Latest(found.series[wanted], found.at[wanted], found.value[wanted])

    async def known(self, source_id: int, series_ids: Sequence[int]) -> Mapping[int, SeriesRow]:
        """What was declared of these series; asked for again when one is missing."""
        known = self._series.get(source_id, {})
        if any(s not in known for s in series_ids):
            known = {r.series_id: r for r in await self._rows.series(source_id)}
            self._series[source_id] = known
        missing = [s for s in series_ids if s not in known]
        if missing:
            raise LookupError(f"source {source_id} has no series {missing[0]}; declare it first")
        return known

    async def raw(self, window: Window, as_of_ms: int | None) -> dict[int, Points]:
        """Every series of a window, all of one look."""
        known = await self.known(window.source_id, window.series_ids)
        found = await self._find(window, points=True, past=as_of_ms is not None)
        ledger = None if as_of_ms is None else await self._ledger(window.source_id, found.kept)

        def points() -> dict[int, Points]:
            return {
                s: _points(found, s, window, known[s].width_days, ledger, as_of_ms)
                for s in window.series_ids
            }

        return await aside(found.points, points, MANY)

    async def steps(self, asked: Question) -> Buckets:
        window, back = asked.window, asked.as_of_ms
        known = await self.known(window.source_id, window.series_ids)
        found = await self._find(window, points=not asked.by_the_hour, past=back is not None)
        if asked.by_the_hour:
            hours = _by_the_hour(found, asked, known)
            if hours is None:
                found = await self._find(window, points=True, past=False)
                hours = _by_the_hour(found, asked, known)
            assert hours is not None
            return hours
        if back is None:
            return await aside(found.points, lambda: _now(found, asked, known), MANY)
        table = Table(asked)
        ledger = await self._ledger(window.source_id, found.kept)
        for row, series_id in enumerate(window.series_ids):
            parts = found.parts(series_id, known[series_id].width_days, window)
            rolled = _of_points(*_back_then(parts, ledger, back), asked)
            table.put(row, rolled, known[series_id].tick_ms)
        return table.buckets("raw")

    async def _find(self, window: Window, *, points: bool, past: bool) -> Found:
        """The tail and what is sealed, of one look; what is in both counts once.

        Others may have followed the journal further meanwhile: where the tail begins after more
        that is sealed than was found there, it is asked again.
        """
        while True:
            kept, tail = await self._look(window, points=points, past=past)
            head = self._head.follow(window.source_id, tail)
            floor, blocks = head.floor, head.since(kept.sealed_seq)
            if kept.sealed_seq >= floor:
                return Found.of(kept, blocks, self._shelf)
            between = await self._rows.journal(
                window.source_id, kept.sealed_seq, floor + 1, (window.from_ms, window.to_ms)
            )
            if between.sealed_seq == kept.sealed_seq:
                older = [unpack_batch(r) for r in between.rows]
                return Found.of(kept, [*older, *blocks], self._shelf)

    async def _look(self, window: Window, *, points: bool, past: bool) -> tuple[Kept, Tail]:
        """Rows from the shelf if they are still what is sealed: then the tail alone is asked."""
        source_id, most = window.source_id, self._head.most_points
        after = self._head.newest(source_id)
        looked = None if past else self._shelf.looked(window, points=points)
        if looked is not None:
            tail = (await self._rows.tails({source_id: after}, most))[source_id]
            if tail.version == looked.version:
                return _inside(looked.kept, window), tail
            self._shelf.outdated(window, points=points)
        if past or not self._shelf.most_bytes:
            return await self._rows.look(window, after, most, points=points, past=past)
        # The rest of the day too: who watches asks again a little later.
        wide = replace(window, to_ms=-(-window.to_ms // DAY_MS) * DAY_MS)
        kept, tail = await self._rows.look(wide, after, most, points=points, past=past)
        self._shelf.keep(wide, tail.version, kept, points=points)
        return _inside(kept, window), tail

    async def _ledger(self, source_id: int, kept: Kept) -> Batches:
        lows = [c.seq_lo for c in kept.chunks if c.seq_lo]
        if not lows:
            return Batches([])
        highest = max(c.seq_hi for c in kept.chunks)
        return Batches(await self._rows.ledger(source_id, min(lows), highest))


def _by_the_hour(found: Found, asked: Question, known: Mapping[int, SeriesRow]) -> Buckets | None:
    """From the hours of what is sealed; None when points are needed that were not asked for."""
    table, window = Table(asked), asked.window
    for row, series_id in enumerate(window.series_ids):
        one = known[series_id]
        rolled = _in_order(found, one, asked)
        if rolled is None:
            parts = found.parts(series_id, one.width_days, window)
            if any(_needs_points(p, window) for p in parts):
                return None
            rolled = _rolled(parts, asked, found.opener)
        table.put(row, rolled, one.tick_ms)
    return table.buckets("hour")


def _in_order(found: Found, series: SeriesRow, asked: Question) -> Rolled | None:
    """Whole hours, then what came in order after the last sealed bucket; None for all else."""
    window, chunks = asked.window, found.chunks.get(series.series_id, [])
    if not all(_by_hours(Part(c, NOTHING), window) for c in chunks):
        return None
    pieces = found.pieces.get(series.series_id, ())
    open_ones = straight((), pieces, found.tail, series.series_id, window, found.opener)
    if open_ones is None:
        return None
    at, _ = open_ones
    if chunks and len(at) and int(at[0]) < (chunks[-1].day + series.width_days) * DAY_MS:
        return None
    whole = [Part(c, NOTHING) for c in chunks]
    sealed = [_rolled(whole, asked, found.opener)] if chunks else []
    return regroup([*sealed, _of_points(*open_ones, asked)], 1, 0)


def _now(found: Found, asked: Question, known: Mapping[int, SeriesRow]) -> Buckets:
    """From the points that hold today."""
    table, window = Table(asked), asked.window
    every = together(found.chunks, found.pieces, found.tail, window, asked.step_ms, found.opener)
    ticks = [known[s].tick_ms for s in window.series_ids]
    table.put_all(every.row, every.rolled, each_rounded(every.rolled.sum, every.powers), ticks)
    for row in every.left:
        series_id = window.series_ids[row]
        parts = found.parts(series_id, known[series_id].width_days, window)
        table.put(row, _rolled(parts, asked, found.opener), ticks[row])
    return table.buckets("raw")


def _points(
    found: Found,
    series_id: int,
    window: Window,
    width_days: int,
    ledger: Batches | None,
    as_of_ms: int | None,
) -> Points:
    if as_of_ms is None and (now := found.straight(series_id, window)) is not None:
        return Points(now[0], floats(now[1]))
    parts = found.parts(series_id, width_days, window)
    if as_of_ms is not None and ledger is not None:
        at, value = _back_then(parts, ledger, as_of_ms)
    else:
        columns = [_today(p, found.opener) for p in parts]
        at = np.concatenate([NOTHING.at, *(c[0] for c in columns)])
        value = np.concatenate([NOTHING.value, *(floats(c[1]) for c in columns)])
    inside = slice(*np.searchsorted(at, [window.from_ms, window.to_ms]).tolist())
    return Points(at[inside], value[inside])


def _today(part: Part, opener: Opener) -> tuple[Ints, Scaled | Floats]:
    if part.chunk is not None and not len(part.arrived):
        return opener.columns(part.chunk.body)
    content = EMPTY if part.chunk is None else unpack_chunk(part.chunk)
    now = merge(content, part.arrived).now
    return now.at, now.value


def _back_then(parts: Sequence[Part], ledger: Batches, as_of_ms: int) -> tuple[Ints, Floats]:
    known = []
    for part in parts:
        content = EMPTY
        if part.chunk is not None:
            steps = ledger.steps(part.chunk.seq_lo, part.chunk.seq_hi)
            content = told(unpack_chunk(part.chunk), steps)
        known.append(as_of(merge(content, part.arrived), as_of_ms).now)
    every = joined(known)
    return every.at, every.value


def _needs_points(part: Part, window: Window) -> bool:
    """Whether the hours of a chunk will not do: something came besides, or the window cuts one."""
    return part.chunk is not None and not part.chunk.body and not _by_hours(part, window)


def _by_hours(part: Part, window: Window) -> bool:
    chunk = part.chunk
    if chunk is None or chunk.hours is None or len(part.arrived):
        return False
    return window.to_ms % HOUR_MS == 0 or chunk.last_ms < window.to_ms


def _rolled(parts: Sequence[Part], asked: Question, opener: Opener) -> Rolled:
    window, rolled = asked.window, []
    first = window.from_ms // HOUR_MS
    for whole, some in groupby(parts, lambda p: asked.by_the_hour and _by_hours(p, window)):
        if whole:
            every = opener.hours([p.chunk.hours for p in some if p.chunk and p.chunk.hours])
            hours = [h.cut(first, -(-window.to_ms // HOUR_MS)) for h in every]
            rolled.append(regroup(hours, asked.step_ms // HOUR_MS, first))
        else:
            rolled += [_of_points(*_today(p, opener), asked) for p in some]
    return regroup(rolled, 1, 0)


def _of_points(at: Ints, values: Scaled | Floats, asked: Question) -> Rolled:
    window = asked.window
    a, b = np.searchsorted(at, (window.from_ms, window.to_ms)).tolist()
    part = cut(values, a, b)
    if not isinstance(part, Scaled):
        part = scaled(part) or part
    return roll(at[a:b], part, window.from_ms, asked.step_ms)
