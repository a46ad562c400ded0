"""Packed: batches, pieces, chunks, ledgers and snapshots as the bodies of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.series import DAY_MS
from app.store.series.codec import (
    FAST,
    Floats,
    Ints,
    Scaled,
    exact_sum,
    floats,
    pack_ints,
    pack_scaled,
    pack_times,
    pack_values,
    scaled,
    seal,
    unpack_ints,
    unpack_times,
    unpack_values,
    unseal,
    unseal_two,
)
from app.store.series.content import IN_STEP, NOTHING, Arrivals, Content, Steps
from app.store.series.rollup import hours, pack_hours
from app.store.series.rows import ChunkRow, JournalRow, LedgerRow, PieceRow

# Fewer points an hour are summed up from the points themselves, as fast and for nothing.
ROLLED_FROM = 30


@dataclass(frozen=True, slots=True)
class Key:
    """One series in one bucket of so many days from epoch day ``day`` on."""

    series_id: int
    day: int
    width_days: int

    @property
    def end_ms(self) -> int:
        return (self.day + self.width_days) * DAY_MS


@dataclass(frozen=True, slots=True)
class Block:
    """Points of many series, ascending by series; within one in the order they arrived."""

    series: Ints
    at: Ints
    value: Floats
    known: Ints
    seq: Ints

    def __len__(self) -> int:
        return len(self.series)

    def of(self, series_id: int) -> slice:
        lo, hi = np.searchsorted(self.series, [series_id, series_id + 1])
        return slice(int(lo), int(hi))

    def arrivals(self, part: slice | Ints) -> Arrivals:
        return Arrivals(self.at[part], self.value[part], self.known[part])


def by_series(series: Ints) -> Ints:
    """The order that puts series together and leaves each in the order it arrived."""
    # As numbers without a sign, negative ones are beyond every bound.
    if len(series) and int(series.view(np.uint64).max()) < 2**16:
        return np.argsort(series.astype(np.uint16), kind="stable")  # radix: five times as fast
    return np.argsort(series, kind="stable")


def stacked(parts: list[Block]) -> Block:
    """One block of several, the older first."""
    if len(parts) == 1:
        return parts[0]
    series = np.concatenate([p.series for p in parts]) if parts else np.zeros(0, np.int64)
    order = by_series(series)

    def column(name: str) -> NDArray[Any]:
        return np.concatenate([series[:0], *(getattr(p, name) for p in parts)])[order]

    value = np.concatenate([np.zeros(0), *(p.value for p in parts)])[order]
    return Block(series[order], column("at"), value, column("known"), column("seq"))


def pack_batch(seq: int, known_ms: int, series: Ints, at: Ints, value: Floats) -> JournalRow:
    order = by_series(series)
    series, at, value = series[order], at[order], value[order]
    starts = np.flatnonzero(np.append(True, series[1:] != series[:-1])[: len(series)])
    body = seal(
        pack_ints(series[starts], level=FAST),
        pack_ints(at, level=FAST),
        pack_values(value, level=FAST),
        pack_ints(np.diff(starts, append=len(series)), level=FAST),
    )
    low, high = (int(at.min()), int(at.max())) if len(at) else (0, 0)
    return JournalRow(seq, known_ms, low, high, len(at), body)


def unpack_batch(row: JournalRow) -> Block:
    series, at, value, *counts = unseal(row.body)
    ids = unpack_ints(series)
    return Block(
        # Each series with its number of points; older batches name it for every point.
        np.repeat(ids, unpack_ints(counts[0])) if counts else ids,
        unpack_ints(at),
        floats(unpack_values(value)),
        np.full(row.n, row.known_ms),
        np.full(row.n, row.seq),
    )


def pack_piece(key: Key, part: Arrivals, seq: tuple[int, int], close_ms: int) -> PieceRow:
    body = seal(
        pack_times(part.at, level=FAST),
        pack_values(part.value, level=FAST),
        pack_ints(part.known, level=FAST),
    )
    low, high = int(part.at.min()), int(part.at.max())
    return PieceRow(key.series_id, key.day, *seq, len(part), low, high, close_ms, body)


def unpack_piece(row: PieceRow) -> Arrivals:
    at, value, known = unseal(row.body)
    return Arrivals(unpack_times(at), floats(unpack_values(value)), unpack_ints(known))


def unpack_columns(body: bytes) -> tuple[Ints, Scaled | Floats]:
    """The points of a piece or a chunk alone, and nothing of when each was known."""
    at, value = unseal_two(body)
    return unpack_times(at), unpack_values(value)


def pack_chunk(key: Key, content: Content, seq: tuple[int, int]) -> ChunkRow:
    """A pure function of the content: sealed again it is the same to the bit."""
    now = content.now
    values = scaled(now.value) or now.value
    rolled = hours(now.at, values)
    late = np.flatnonzero(now.known != IN_STEP)
    packed = [pack_times(now.at), pack_scaled(values)]
    if len(late):
        packed += [pack_ints(late), pack_ints(now.known[late])]
    past = content.past
    return ChunkRow(
        key.series_id, key.day, len(now), int(now.at[0]), int(now.at[-1]),
        float(now.value[0]), float(now.value[-1]),
        float(rolled.min.min()), float(rolled.max.max()), _total(values),
        *seq,
        pack_hours(rolled) if len(now) >= ROLLED_FROM * len(rolled) else None,
        seal(pack_times(past.at), pack_values(past.value), pack_ints(past.known))
        if len(past) else None,
        seal(*packed),
    )  # fmt: skip


def unpack_chunk(row: ChunkRow) -> Content:
    at, value, *late = unseal(row.body)
    known = np.full(row.n, IN_STEP)
    if late:
        known[unpack_ints(late[0])] = unpack_ints(late[1])
    past = NOTHING
    if row.past is not None:
        old_at, old_value, old_known = unseal(row.past)
        past = Arrivals(
            unpack_times(old_at), floats(unpack_values(old_value)), unpack_ints(old_known)
        )
    return Content(Arrivals(unpack_times(at), floats(unpack_values(value)), known), past)


def pack_ledger(rows: list[JournalRow]) -> LedgerRow:
    known = np.array([r.known_ms for r in rows], np.int64)
    reach = np.array([r.last_ms if r.n else IN_STEP for r in rows], np.int64)
    return LedgerRow(rows[0].seq, rows[-1].seq, seal(pack_times(known), pack_ints(reach)))


class Batches:
    """Consecutive batches of a source, as its ledger tells them."""

    def __init__(self, rows: list[LedgerRow]) -> None:
        rows = sorted(rows, key=lambda r: r.seq_first)
        parts = [unseal(r.body) for r in rows]
        nothing = np.zeros(0, np.int64)
        self._first = rows[0].seq_first if rows else 0
        self._known = np.concatenate([nothing, *(unpack_times(p[0]) for p in parts)])
        self._reach = np.concatenate([nothing, *(unpack_ints(p[1]) for p in parts)])
        self._steps: dict[tuple[int, int], Steps] = {}

    def steps(self, seq_lo: int, seq_hi: int) -> Steps:
        """From one batch to another, both included; none when nothing came in step."""
        found = self._steps.get((seq_lo, seq_hi))
        if found is None:
            wanted = slice(seq_lo - self._first, seq_hi - self._first + 1) if seq_lo else slice(0)
            reach = np.maximum.accumulate(self._reach[wanted])
            found = self._steps[seq_lo, seq_hi] = Steps(self._known[wanted], reach)
        return found


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest point of each series, ascending by series."""

    series: Ints
    at: Ints
    value: Floats


def pack_latest(newest: Newest) -> bytes:
    return seal(
        pack_ints(newest.series), pack_ints(newest.at), pack_values(newest.value, level=FAST)
    )


def unpack_latest(body: bytes | None) -> Newest:
    if body is None:
        return Newest(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    series, at, value = unseal(body)
    return Newest(unpack_ints(series), unpack_ints(at), floats(unpack_values(value)))


def newest(before: Newest, block: Block) -> Newest:
    """After these points too; of two of one instant the one that arrived later is meant."""
    if not len(block):
        return before
    starts = np.flatnonzero(np.append(True, block.series[1:] != block.series[:-1]))
    ends = np.append(starts[1:], len(block))
    top = np.repeat(np.maximum.reduceat(block.at, starts), ends - starts)
    hits = np.flatnonzero(block.at == top)
    hits = hits[np.searchsorted(hits, ends) - 1]
    series = np.concatenate([before.series, block.series[hits]])
    at = np.concatenate([before.at, block.at[hits]])
    value = np.concatenate([before.value, block.value[hits]])
    order = np.lexsort((at, series))
    order = order[np.append(np.diff(series[order]) != 0, True)]
    return Newest(series[order], at[order], value[order])


def _total(values: Scaled | Floats) -> float:
    if isinstance(values, Scaled):
        top = int(np.abs(values.ints).max()) * len(values.ints)
        if top < 2**53:
            return float(Scaled(values.digits, np.array([values.ints.sum()])).floats()[0])
        return float(int(sum(values.ints.tolist())) / 10**values.digits)
    return float(exact_sum(values))
