"""Together: many series of one window in steps, in one go, as long as their points came in order.

A hundred series one by one are a thousand small operations on columns; here they lie one after the
other in one column, and each operation is done once. What is sealed is summed up once for as long
as it is the same: who watches asks again, and only the tail is new. Who came late or twice is left
to others.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from app.store.series.codec import Floats, Ints, Scaled
from app.store.series.packed import Block
from app.store.series.rollup import Rolled, Sums
from app.store.series.rows import ChunkRow, PieceRow, Window
from app.store.series.shelf import Opener

# Above that a sum of whole numbers, or one in finer digits, may not be one of 64 bits.
_SAFE = 2**62
_SURE = 10.0**15
_LEFT = -1
_BEFORE = np.iinfo(np.int64).min
_CELL_BYTES = 64


@dataclass(slots=True)
class Line:
    """What is sealed of one series; ``digits`` below zero: it has to be looked at alone."""

    digits: int
    at: list[Ints]
    ints: list[Ints]


@dataclass(frozen=True, slots=True)
class Steps:
    """Buckets that have points, of all series; ``row`` and ``cell`` say which each is."""

    row: Ints
    rolled: Rolled
    powers: Floats
    left: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Column:
    """Points of all rows, one after the other; those of a row begin at its bound."""

    at: Ints
    ints: Ints
    bounds: Ints

    def of(self, rows: NDArray[np.bool_]) -> _Column:
        """Without the points of the other rows."""
        counts = np.diff(self.bounds)
        there = np.repeat(rows, counts)
        bounds = np.concatenate([[0], np.cumsum(np.where(rows, counts, 0))])
        return _Column(self.at[there], self.ints[there], bounds)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Buckets by row and cell, ascending; totals are whole numbers of their row's digits."""

    row: Ints
    cell: Ints
    count: Ints
    total: Ints
    low: Floats
    high: Floats
    first: Floats
    last: Floats

    def of(self, rows: NDArray[np.bool_]) -> _Cells:
        """Without those of the other rows."""
        there = rows[self.row]
        return _Cells(
            self.row[there], self.cell[there], self.count[there], self.total[there],
            self.low[there], self.high[there], self.first[there], self.last[there],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Sealed:
    """What is sealed, in steps; of each series its digits, and where the last of its points is."""

    cells: _Cells
    digits: Ints
    edge: Ints


def together(
    chunks: Mapping[int, Sequence[ChunkRow]],
    pieces: Mapping[int, Sequence[PieceRow]],
    tail: Sequence[Block],
    window: Window,
    step_ms: int,
    opener: Opener,
) -> Steps:
    """Sums are whole numbers, of which ``powers`` says what they count; ``left`` are not told."""
    key = _key(chunks, pieces, window, step_ms)
    sealed = opener.kept(key, _Sealed)
    if sealed is None:
        lines = [
            _line(chunks.get(s, ()), pieces.get(s, ()), window, opener) for s in window.series_ids
        ]
        sealed = _sealed(lines, window, step_ms)
        opener.keep(key, sealed, _CELL_BYTES * len(sealed.cells.row))
    powers = 10.0 ** np.maximum(sealed.digits, 0)
    fresh, fits = _fresh(tail, window, powers)
    good = fits & (sealed.digits != _LEFT)
    good[_out_of_order(fresh)] = False
    good[_before(fresh, sealed.edge)] = False
    cells = sealed.cells
    if not good.all():
        fresh, cells = fresh.of(good), cells.of(good)
    added = _cells(fresh, powers, window, step_ms)
    if added is None:
        good[:] = False
        cells = added = cells.of(good)
    found = _merged(cells, added, _width(window, step_ms))
    edges = (found.low, found.high, found.first, found.last)
    rolled = Rolled(found.cell, found.count, Sums(0, found.total), *edges)
    return Steps(found.row, rolled, powers[found.row], np.flatnonzero(~good).tolist())


def _key(
    chunks: Mapping[int, Sequence[ChunkRow]],
    pieces: Mapping[int, Sequence[PieceRow]],
    window: Window,
    step_ms: int,
) -> Hashable:
    """What decides the sums of what is sealed: its very bytes, and how the window cuts it."""
    end, bodies = _BEFORE, []
    for series_id in window.series_ids:
        sealed, open_ones = chunks.get(series_id, ()), pieces.get(series_id, ())
        bodies.append((*(c.body for c in sealed), None, *(p.body for p in open_ones)))
        end = max(end, *(c.last_ms for c in sealed), *(p.last_ms for p in open_ones), end)
    # A window that ends behind all of it may end anywhere.
    return "steps", window.from_ms, min(window.to_ms, end + 1), step_ms, tuple(bodies)


def _sealed(lines: Sequence[Line], window: Window, step_ms: int) -> _Sealed:
    column = _column(lines)
    digits = np.array([line.digits for line in lines], np.int64)
    digits[_out_of_order(column)] = _LEFT
    good = digits != _LEFT
    if not good.all():
        column = column.of(good)
    edge = np.full(len(lines), _BEFORE)
    there = np.diff(column.bounds) > 0
    edge[there] = column.at[column.bounds[1:][there] - 1]
    cells = _cells(column, 10.0 ** np.maximum(digits, 0), window, step_ms)
    if cells is None:
        digits[:] = _LEFT
        cells = _no_cells()
    return _Sealed(cells, digits, edge)


def _line(
    chunks: Sequence[ChunkRow], pieces: Sequence[PieceRow], window: Window, opener: Opener
) -> Line:
    """Columns inside the window, as they lie there."""
    line = Line(_LEFT, [], [])
    found = [(True, *opener.columns(c.body), c.first_ms, c.last_ms) for c in chunks]
    found += [(False, *opener.columns(p.body), p.first_ms, p.last_ms) for p in pieces]
    scaled = [v for _, _, v, _, _ in found if isinstance(v, Scaled)]
    if not scaled or len(scaled) < len(found):
        return line
    digits = max(v.digits for v in scaled)
    for (ordered, at, _, first_ms, last_ms), value in zip(found, scaled, strict=True):
        ints = value.ints
        if value.digits != digits:
            power = 10 ** (digits - value.digits)
            if int(np.abs(ints).max()) * power >= _SAFE:
                return Line(_LEFT, [], [])
            ints = ints * power
        if first_ms < window.from_ms or last_ms >= window.to_ms:
            if not ordered and not bool((at[1:] > at[:-1]).all()):
                return Line(_LEFT, [], [])
            a, b = at.searchsorted((window.from_ms, window.to_ms)).tolist()
            at, ints = at[a:b], ints[a:b]
        line.at.append(at)
        line.ints.append(ints)
    line.digits = digits
    return line


def _fresh(
    tail: Sequence[Block], window: Window, powers: Floats
) -> tuple[_Column, NDArray[np.bool_]]:
    """What is not sealed, in the digits of what is; and which series it fits so."""
    ids = np.asarray(window.series_ids, np.int64)
    fits, none = np.ones(len(ids), bool), np.zeros(0, np.int64)
    rows, ats, wholes = [none], [none], [none]
    for block in tail:
        lows, highs = block.series.searchsorted(ids), block.series.searchsorted(ids, "right")
        counts = highs - lows
        ends = np.cumsum(counts)
        taken = np.arange(counts.sum()) + np.repeat(lows - (ends - counts), counts)
        of = np.repeat(np.arange(len(ids)), counts)
        at = block.at[taken]
        inside = (at >= window.from_ms) & (at < window.to_ms)
        if not inside.all():
            taken, of, at = taken[inside], of[inside], at[inside]
        value, power = block.value[taken], powers[of]
        with np.errstate(over="ignore"):
            ints = np.rint(value * power)
        same = (ints / power == value) & (np.abs(ints) < _SURE)
        same &= ~(np.signbit(value) & (value == 0.0))
        fits[of[~same]] = False
        rows.append(of)
        ats.append(at)
        wholes.append(np.where(same, ints, 0.0).astype(np.int64))
    row, at, whole = (np.concatenate(columns) for columns in (rows, ats, wholes))
    bounds = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(ids)))])
    if len(tail) > 1:
        order = np.argsort(row, kind="stable")
        at, whole = at[order], whole[order]
    return _Column(at, whole, bounds), fits


def _before(column: _Column, edge: Ints) -> Ints:
    """The rows that begin no later than where what is sealed of them ends."""
    there = np.flatnonzero(np.diff(column.bounds) > 0)
    return there[column.at[column.bounds[there]] <= edge[there]]


def _column(lines: Sequence[Line]) -> _Column:
    none = np.zeros(0, np.int64)
    counts = [sum(map(len, line.at)) for line in lines]
    return _Column(
        np.concatenate([none, *(a for line in lines for a in line.at)]),
        np.concatenate([none, *(i for line in lines for i in line.ints)]),
        np.concatenate([none, [0], np.cumsum(counts)]),
    )


def _out_of_order(column: _Column) -> Ints:
    """The rows in which a point does not come after the one before it."""
    at, bounds = column.at, column.bounds
    wrong = np.flatnonzero(at[1:] <= at[:-1]) + 1
    wrong = wrong[~np.isin(wrong, bounds)]
    return np.unique(np.searchsorted(bounds, wrong, "right") - 1)


def _cells(column: _Column, powers: Floats, window: Window, step_ms: int) -> _Cells | None:
    """None when a sum might not be a whole number of 64 bits."""
    ints = column.ints
    row, cell, starts = _starts(column, window, step_ms)
    if not len(starts):
        return _no_cells()
    ends = np.append(starts[1:], len(ints))
    count = ends - starts
    if max(int(ints.max()), -int(ints.min())) * int(count.max()) >= _SAFE:
        return None
    low = high = total = ints
    if len(starts) < len(ints):  # else every bucket is its one point
        low, high = np.minimum.reduceat(ints, starts), np.maximum.reduceat(ints, starts)
        total = np.add.reduceat(ints, starts)
    power = powers[row]
    edges = (low, high, ints[starts], ints[ends - 1])
    return _Cells(row, cell, count, total, *(e / power for e in edges))


def _starts(column: _Column, window: Window, step_ms: int) -> tuple[Ints, Ints, Ints]:
    """Row and cell of every bucket that has points, and where it begins."""
    at, bounds = column.at, column.bounds
    rows, cells = len(bounds) - 1, _width(window, step_ms)
    if rows * cells * 8 < len(at):
        # Few buckets of many points: to look for their edges is faster than to divide instants.
        edges = window.from_ms + np.arange(cells) * step_ms
        ends = bounds.tolist()
        starts = np.concatenate([at[a:b].searchsorted(edges) + a for a, b in pairwise(ends)])
        full = np.flatnonzero(np.diff(starts, append=len(at)) > 0)
        return full // cells, full % cells, starts[full]
    cell = (at - window.from_ms) // step_ms
    begins = np.append(True, cell[1:] != cell[:-1]) if len(cell) else np.zeros(0, bool)
    begins[bounds[:-1][bounds[:-1] < len(at)]] = True
    starts = np.flatnonzero(begins)
    return np.searchsorted(bounds, starts, "right") - 1, cell[starts], starts


def _width(window: Window, step_ms: int) -> int:
    return -(-(window.to_ms - window.from_ms) // step_ms)


def _merged(older: _Cells, newer: _Cells, width: int) -> _Cells:
    """Both, where ``newer`` follows in every row; a bucket may have points of each."""
    if not len(newer.row) or not len(older.row):
        return older if len(older.row) else newer
    pairs = [(getattr(older, f.name), getattr(newer, f.name)) for f in fields(_Cells)]
    row, cell, count, total, low, high, first, last = map(np.concatenate, pairs)
    place = row * width + cell
    order = np.argsort(place, kind="stable")
    place = place[order]
    starts = np.flatnonzero(np.append(True, place[1:] != place[:-1]))
    ends = np.append(starts[1:], len(place)) - 1
    # Both sums are below 2^62, so their sum is one of 64 bits.
    return _Cells(
        row[order[starts]], cell[order[starts]],
        np.add.reduceat(count[order], starts), np.add.reduceat(total[order], starts),
        np.minimum.reduceat(low[order], starts), np.maximum.reduceat(high[order], starts),
        first[order[starts]], last[order[ends]],
    )  # fmt: skip


def _no_cells() -> _Cells:
    none, nothing = np.zeros(0), np.zeros(0, np.int64)
    return _Cells(nothing, nothing, nothing, nothing, none, none, none, none)


def rounded(sums: Sums, powers: Floats) -> Floats:
    """Each sum, counted in its own power, as the double next to it."""
    found = sums.ints / powers
    for at in np.flatnonzero(np.abs(sums.ints) >= 2**53).tolist():
        found[at] = int(sums.ints[at]) / int(powers[at])
    return found
