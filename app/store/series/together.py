"""Together: many series of one window in steps, in one go, as long as their points came in order.

A hundred series one by one are a thousand small operations on columns; here they lie one after the
other in one column, and each operation is done once. Who came late or twice is left to others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


def together(
    chunks: Mapping[int, Sequence[ChunkRow]],
    pieces: Mapping[int, Sequence[PieceRow]],
    tail: Sequence[Block],
    window: Window,
    step_ms: int,
    opener: Opener,
) -> Steps:
    """Sums are whole numbers, of which ``powers`` says what they count; ``left`` are not told."""
    if not window.series_ids:
        return Steps(np.zeros(0, np.int64), _nothing(), np.zeros(0), ())
    lines = [_line(chunks.get(s, ()), pieces.get(s, ()), window, opener) for s in window.series_ids]
    _add_tail(lines, tail, window)
    column = _column(lines)
    good = np.array([line.digits != _LEFT for line in lines], bool)
    good[_out_of_order(column)] = False
    if not good.all():
        column = column.of(good)
    row, cell, starts = _cells(column, window, step_ms)
    powers = np.array([10.0 ** max(line.digits, 0) for line in lines])[row]
    rolled = _rolled(column.ints, cell, starts, powers)
    if rolled is None:
        return Steps(row[:0], _nothing(), powers[:0], range(len(lines)))
    return Steps(row, rolled, powers, np.flatnonzero(~good).tolist())


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


def _add_tail(lines: Sequence[Line], tail: Sequence[Block], window: Window) -> None:
    """What is not sealed, in the digits of what is."""
    ids = np.asarray(window.series_ids, np.int64)
    powers = np.array([10.0 ** max(line.digits, 0) for line in lines])
    for block in tail:
        lows, highs = block.series.searchsorted(ids), block.series.searchsorted(ids, "right")
        counts = highs - lows
        ends = np.cumsum(counts)
        taken = np.arange(ends[-1]) + np.repeat(lows - (ends - counts), counts)
        of = np.repeat(np.arange(len(ids)), counts)
        at = block.at[taken]
        inside = (at >= window.from_ms) & (at < window.to_ms)
        if not inside.all():
            taken, of, at = taken[inside], of[inside], at[inside]
            ends = np.cumsum(np.bincount(of, minlength=len(ids)))
        value, power = block.value[taken], powers[of]
        with np.errstate(over="ignore"):
            ints = np.rint(value * power)
        same = (ints / power == value) & (np.abs(ints) < _SURE)
        same &= ~(np.signbit(value) & (value == 0.0))
        for row in np.unique(of[~same]).tolist():
            lines[row].digits = _LEFT
        whole = np.where(same, ints, 0.0).astype(np.int64)
        begin = 0
        for line, end in zip(lines, ends.tolist(), strict=True):
            if end > begin:
                line.at.append(at[begin:end])
                line.ints.append(whole[begin:end])
            begin = end


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


def _cells(column: _Column, window: Window, step_ms: int) -> tuple[Ints, Ints, Ints]:
    """Row and cell of every bucket that has points, and where it begins."""
    at, bounds = column.at, column.bounds
    rows, cells = len(bounds) - 1, -(-(window.to_ms - window.from_ms) // step_ms)
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


def _rolled(ints: Ints, cell: Ints, starts: Ints, powers: Floats) -> Rolled | None:
    """None when a sum might not be a whole number of 64 bits."""
    if not len(starts):
        return _nothing()
    ends = np.append(starts[1:], len(ints))
    count = ends - starts
    if max(int(ints.max()), -int(ints.min())) * int(count.max()) >= _SAFE:
        return None
    low = high = total = ints
    if len(starts) < len(ints):  # else every bucket is its one point
        low, high = np.minimum.reduceat(ints, starts), np.maximum.reduceat(ints, starts)
        total = np.add.reduceat(ints, starts)
    sums = Sums(0, total)
    edges = (low, high, ints[starts], ints[ends - 1])
    return Rolled(cell, count, sums, *(column / powers for column in edges))


def _nothing() -> Rolled:
    none, nothing = np.zeros(0), np.zeros(0, np.int64)
    return Rolled(nothing, nothing, Sums(0, nothing), none, none, none, none)


def rounded(sums: Sums, powers: Floats) -> Floats:
    """Each sum, counted in its own power, as the double next to it."""
    found = sums.ints / powers
    for at in np.flatnonzero(np.abs(sums.ints) >= 2**53).tolist():
        found[at] = int(sums.ints[at]) / int(powers[at])
    return found
