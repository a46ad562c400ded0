"""Rollup: points summed up by the hour or by any step, exactly, and the hours as bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.series import HOUR_MS
from app.store.series.codec import (
    EXACT,
    Floats,
    Ints,
    Scaled,
    add,
    exact_sum,
    floats,
    pack_ints,
    pack_values,
    seal,
    unpack_ints,
    unpack_values,
    unseal,
)

_DIGITS = struct.Struct("<b")
_AS_TEXT = -1
# Sums of this size are still whole numbers of 64 bits when a day's worth of them is added.
_SAFE = 2**62


@dataclass(frozen=True, slots=True)
class Sums:
    """Exact sums: whole numbers of 10^-digits, or decimals where those would not do."""

    digits: int
    ints: Ints
    decimals: tuple[Decimal, ...] = ()

    def as_decimals(self) -> Sequence[Decimal]:
        if self.digits == _AS_TEXT:
            return self.decimals
        return [Decimal(i).scaleb(-self.digits, EXACT) for i in self.ints.tolist()]


@dataclass(frozen=True, slots=True)
class Rolled:
    """One row a bucket that has points, ascending; ``cell`` is the bucket's number."""

    cell: Ints
    count: Ints
    sum: Sums
    min: Floats
    max: Floats
    first: Floats
    last: Floats

    def __len__(self) -> int:
        return len(self.cell)

    def cut(self, low: int, high: int) -> Rolled:
        """The rows of the cells from one to another, the latter not included."""
        a, b = np.searchsorted(self.cell, [low, high]).tolist()
        if (a, b) == (0, len(self.cell)):
            return self
        sums = Sums(self.sum.digits, self.sum.ints[a:b], self.sum.decimals[a:b])
        return Rolled(
            self.cell[a:b], self.count[a:b], sums, self.min[a:b], self.max[a:b],
            self.first[a:b], self.last[a:b],
        )  # fmt: skip


def roll(at: Ints, values: Scaled | Floats, origin_ms: int, step_ms: int) -> Rolled:
    """Points of one series, ascending, in buckets of ``step_ms`` from ``origin_ms`` on."""
    if not len(at):
        none, nothing = np.zeros(0), np.zeros(0, np.int64)
        return Rolled(nothing, nothing, Sums(0, nothing), none, none, none, none)
    cells, starts = _cells(at, origin_ms, step_ms)
    ends = np.append(starts[1:], len(at))
    column: NDArray[Any] = values.ints if isinstance(values, Scaled) else values
    low, high = np.minimum.reduceat(column, starts), np.maximum.reduceat(column, starts)
    first, last = column[starts], column[ends - 1]
    sums = _sums(values, starts, ends)
    if isinstance(values, Scaled):
        low, high, first, last = (
            Scaled(values.digits, c).floats() for c in (low, high, first, last)
        )
    return Rolled(cells, ends - starts, sums, low, high, first, last)


def _cells(at: Ints, origin_ms: int, step_ms: int) -> tuple[Ints, Ints]:
    """The buckets that have points, and where each begins."""
    low, high = (int(at[0]) - origin_ms) // step_ms, (int(at[-1]) - origin_ms) // step_ms
    if (high - low + 1) * 8 > len(at):
        cells = (at - origin_ms) // step_ms
        starts = _starts(cells)
        return cells[starts], starts
    # Few buckets of many points: to look for their edges is faster than to divide each instant.
    every = np.arange(low, high + 1)
    starts = np.searchsorted(at, origin_ms + every * step_ms)
    full = np.diff(np.append(starts, len(at))) > 0
    return every[full], starts[full]


def regroup(rolled: Sequence[Rolled], per_cell: int, shift: int) -> Rolled:
    """Rows of several parts, oldest first, in coarser buckets of ``per_cell`` cells."""
    parts = [r for r in rolled if len(r)]
    if not parts:
        return roll(np.zeros(0, np.int64), np.zeros(0), 0, 1)
    if len(parts) == 1 and per_cell == 1 and shift == 0:
        return parts[0]
    cells = (np.concatenate([p.cell for p in parts]) - shift) // per_cell
    starts = _starts(cells)
    ends = np.append(starts[1:], len(cells))
    return Rolled(
        cells[starts],
        np.add.reduceat(np.concatenate([p.count for p in parts]), starts),
        _sums_of_sums([p.sum for p in parts], starts, ends),
        np.minimum.reduceat(np.concatenate([p.min for p in parts]), starts),
        np.maximum.reduceat(np.concatenate([p.max for p in parts]), starts),
        np.concatenate([p.first for p in parts])[starts],
        np.concatenate([p.last for p in parts])[ends - 1],
    )


def rounded(sums: Sums) -> Floats:
    """Each sum as the double next to it."""
    if sums.digits != _AS_TEXT:
        if not len(sums.ints) or int(np.abs(sums.ints).max()) < 2**53:
            return Scaled(sums.digits, sums.ints).floats()
        power = 10**sums.digits
        return np.array([i / power for i in sums.ints.tolist()])
    return np.array([float(d) for d in sums.decimals])


def pack_hours(rolled: Rolled) -> bytes:
    """Six small columns: what can be guessed from its neighbour is stored as the difference."""
    if rolled.sum.digits == _AS_TEXT:
        text = "\n".join(map(str, rolled.sum.decimals)).encode()
        values = [pack_values(c) for c in (rolled.first, rolled.last, rolled.min, rolled.max)]
        return seal(_DIGITS.pack(_AS_TEXT), _counts(rolled), text, *values)
    power = 10.0**rolled.sum.digits
    first, last, low, high = (
        np.rint(c * power).astype(np.int64)
        for c in (rolled.first, rolled.last, rolled.min, rolled.max)
    )
    opening = np.concatenate([first[:1], first[1:] - last[:-1]])
    middle = rolled.count * (low + high) // 2
    columns = [
        opening,
        last - first,
        np.minimum(first, last) - low,
        high - np.maximum(first, last),
        rolled.sum.ints - middle,
    ]
    return seal(
        _DIGITS.pack(rolled.sum.digits), _counts(rolled), pack_ints(np.concatenate(columns))
    )


def unpack_hours(body: bytes) -> Rolled:
    return unpack_hours_of([body])[0]


def unpack_hours_of(bodies: Sequence[bytes]) -> list[Rolled]:
    """Consecutive buckets; those of one number of digits at once, as one."""
    parts = [unseal(body) for body in bodies]
    digits = [_DIGITS.unpack(p[0])[0] for p in parts]
    found: list[Rolled] = []
    for told, some in groupby(zip(digits, parts, strict=True), key=lambda pair: pair[0]):
        rest = [p[1:] for _, p in some]
        found += [_as_text(*p) for p in rest] if told == _AS_TEXT else [_whole(told, rest)]
    return found


def _as_text(counts_part: bytes, text: bytes, *columns: bytes) -> Rolled:
    counts = unpack_ints(counts_part)
    cell, count = np.cumsum(counts[: len(counts) // 2]), counts[len(counts) // 2 :]
    decimals = tuple(map(Decimal, text.decode().split("\n")))
    first, last, low, high = (floats(unpack_values(part)) for part in columns)
    return Rolled(cell, count, Sums(_AS_TEXT, cell[:0], decimals), low, high, first, last)


def _whole(digits: int, parts: Sequence[Sequence[bytes]]) -> Rolled:
    counts = [unpack_ints(p[0]).reshape(2, -1) for p in parts]
    columns = [unpack_ints(p[1]).reshape(5, -1) for p in parts]
    steps, count = np.concatenate(counts, axis=1) if len(parts) > 1 else counts[0]
    told = np.concatenate(columns, axis=1) if len(parts) > 1 else columns[0]
    opening, move, below, above, extra = told
    starts = np.cumsum([0, *(c.shape[1] for c in counts[:-1])])
    last = _runs(opening + move, starts)
    first = last - move
    low, high = np.minimum(first, last) - below, np.maximum(first, last) + above
    sums = Sums(digits, extra + count * (low + high) // 2)
    four = Scaled(digits, np.stack((low, high, first, last))).floats()
    return Rolled(_runs(steps, starts), count, sums, four[0], four[1], four[2], four[3])


def _runs(steps: Ints, starts: Ints) -> Ints:
    """Sums that begin anew at each start."""
    every = np.cumsum(steps)
    if len(starts) == 1:
        return every
    before = every[starts] - steps[starts]
    return every - np.repeat(before, np.diff(starts, append=len(steps)))


def hours(at: Ints, values: Scaled | Floats) -> Rolled:
    return roll(at, values, 0, HOUR_MS)


def _counts(rolled: Rolled) -> bytes:
    return pack_ints(np.concatenate([rolled.cell[:1], np.diff(rolled.cell), rolled.count]))


def _starts(cells: Ints) -> Ints:
    if not len(cells):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate([[True], cells[1:] != cells[:-1]]))


def _sums(values: Scaled | Floats, starts: Ints, ends: Ints) -> Sums:
    if isinstance(values, Scaled):
        top = int(np.abs(values.ints).max())
        if top * int((ends - starts).max()) < _SAFE:
            return Sums(values.digits, np.add.reduceat(values.ints, starts))
        values = values.floats()
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return Sums(_AS_TEXT, starts[:0], tuple(exact_sum(values[a:b]) for a, b in pairs))


def _sums_of_sums(parts: Sequence[Sums], starts: Ints, ends: Ints) -> Sums:
    if all(p.digits != _AS_TEXT for p in parts):
        digits = max(p.digits for p in parts)
        top = max(int(np.abs(p.ints).max()) * 10 ** (digits - p.digits) for p in parts)
        if top * int((ends - starts).max()) < _SAFE:
            ints = np.concatenate([p.ints * 10 ** (digits - p.digits) for p in parts])
            return Sums(digits, np.add.reduceat(ints, starts))
    decimals = [d for p in parts for d in p.as_decimals()]
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return Sums(_AS_TEXT, starts[:0], tuple(add(decimals[a:b]) for a, b in pairs))
