"""Sealer: turns journal batches into pieces and chunks, one source and one transaction at a time.

A chunk is a pure function of the batches, whenever they are sealed: a version is *in step* if it
was known before its bucket closed (its end + grace) and *late* afterwards; a bucket is sealed once
its source knows a batch from after its close.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from app.domain.series import DAY_MS
from app.store.series.aside import aside
from app.store.series.codec import Ints
from app.store.series.content import EMPTY, Arrivals, in_step, joined, merge, told
from app.store.series.packed import (
    Batches,
    Block,
    Key,
    newest,
    pack_chunk,
    pack_latest,
    pack_ledger,
    pack_piece,
    stacked,
    unpack_batch,
    unpack_chunk,
    unpack_latest,
    unpack_piece,
)
from app.store.series.rows import (
    ChunkRow,
    JournalRow,
    LedgerRow,
    Mark,
    PieceRow,
    RowStore,
    Sealing,
    Work,
)

FOR_EVER = 2**62
Keyed = tuple[int, int]
T = TypeVar("T")
# So many points are packed in some twenty milliseconds; in a thread, beside a busy loop, in more.
FEW = 200_000


@dataclass(frozen=True, slots=True)
class SealLimits:
    """``points`` bounds what a seal holds in memory; up to ``grace_ms`` late is in step."""

    points: int = 1_000_000
    grace_ms: int = 3_600_000


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one seal did, and up to which batch."""

    sealed_seq: int
    batches: int
    points: int
    pieces: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Group:
    """What arrived of one series in one bucket, in order, and with which batches."""

    key: Key
    arrived: Arrivals
    seq: Ints


@dataclass(slots=True)
class Job:
    """Everything that goes into one chunk."""

    key: Key
    close_ms: int
    before: ChunkRow | None = None
    pieces: list[PieceRow] = field(default_factory=list)
    group: Group | None = None

    def came_in_step(self) -> tuple[int, int]:
        """The batches that brought what is new and in step; 0 when nothing is."""
        lows, highs = [p.seq_lo for p in self.pieces], [p.seq_hi for p in self.pieces]
        if self.group is not None:
            seq = self.group.seq[self.group.arrived.known < self.close_ms]
            if len(seq):
                lows.append(int(seq[0]))
                highs.append(int(seq[-1]))
        return (min(lows), max(highs)) if lows else (0, 0)


@dataclass(frozen=True, slots=True)
class Step:
    """What one seal has before it."""

    batches: list[JournalRow]
    due: list[PieceRow]
    until: int
    widths: Mapping[int, int]


class Sealer:
    """Any number may run; a source is held by one at a time."""

    def __init__(self, rows: RowStore, limits: SealLimits) -> None:
        self._rows, self._limits = rows, limits

    async def seal(self, source_id: int, *, everything: bool = False) -> Sealed | None:
        """One step; None when there is nothing to do or another sealer is at it.

        ``everything`` seals open buckets too: before a backup, or to see how small it gets.
        """
        async with self._rows.sealing(source_id) as tx:
            if tx is None:
                return None
            batches = await tx.journal(self._limits.points)
            known = batches[-1].known_ms if batches else tx.mark.known_ms
            until = FOR_EVER if everything else known
            waits = tx.mark.next_close_ms is not None and tx.mark.next_close_ms <= until
            if not batches and not waits:
                return None
            due = await tx.due(until) if waits else []
            widths = {r.series_id: r.width_days for r in await self._rows.series(source_id)}
            return await self._seal(source_id, tx, Step(batches, due, until, widths))

    async def _seal(self, source_id: int, tx: Sealing, step: Step) -> Sealed:
        grace_ms, batches, before = self._limits.grace_ms, step.batches, await tx.latest()
        points = sum(b.n for b in batches)
        latest, groups = await aside(points, lambda: _looked_at(batches, before, step.widths), FEW)
        still_open = [g for g in groups if g.key.end_ms + grace_ms > step.until]
        jobs = _jobs(step, [g for g in groups if g.key.end_ms + grace_ms <= step.until], grace_ms)
        await self._rows.make_room(sorted({j.key.day for j in jobs.values()}))
        for chunk in await tx.chunks(list(jobs)):
            jobs[chunk.series_id, chunk.day].before = chunk
        ledger = pack_ledger(batches) if batches else None
        known = await self._ledger(source_id, jobs.values(), ledger)

        def pack() -> tuple[list[PieceRow], list[ChunkRow]]:
            pieces = [piece(g, g.key.end_ms + grace_ms) for g in still_open]
            return pieces, [sealed(j, known) for j in jobs.values()]

        points += sum(p.n for p in step.due)
        pieces, chunks = await aside(points, pack, FEW)
        last = (batches[-1].seq, batches[-1].known_ms) if batches else (
            tx.mark.sealed_seq, tx.mark.known_ms
        )  # fmt: skip
        closed = sorted({(p.series_id, p.day) for p in step.due})
        replaced = {k for k, j in jobs.items() if j.before is not None}
        await tx.write(
            Work(Mark(*last, None), ledger, latest, pieces, chunks, sorted(replaced), closed)
        )
        sizes = (len(batches), sum(b.n for b in batches), len(pieces), len(chunks))
        return Sealed(last[0], *sizes)

    async def _ledger(self, source_id: int, jobs: Iterable[Job], new: LedgerRow | None) -> Batches:
        """The batches from the oldest on that any chunk with news in step refers to."""
        ranges = [r for j in jobs if (r := j.came_in_step())[0]]
        ranges += [
            (j.before.seq_lo, j.before.seq_hi)
            for j in jobs
            if j.before is not None and j.before.seq_lo and j.came_in_step()[0]
        ]
        fresh = [new] if new is not None else []
        lowest = min((lo for lo, _ in ranges), default=FOR_EVER)
        highest = new.seq_first - 1 if new is not None else max((h for _, h in ranges), default=0)
        if lowest > highest:
            return Batches(fresh)
        return Batches([*await self._rows.ledger(source_id, lowest, highest), *fresh])


def _looked_at(
    batches: list[JournalRow], before: bytes | None, widths: Mapping[int, int]
) -> tuple[bytes, list[Group]]:
    block = stacked([unpack_batch(b) for b in batches])
    return pack_latest(newest(unpack_latest(before), block)), list(groups_of(block, widths))


def groups_of(block: Block, widths: Mapping[int, int]) -> Iterator[Group]:
    """The points of a block parted by series and bucket, each part in the order it arrived."""
    if not len(block):
        return
    starts = np.flatnonzero(np.append(True, block.series[1:] != block.series[:-1])).tolist()
    for start, end in zip(starts, [*starts[1:], len(block)], strict=True):
        series_id = int(block.series[start])
        width = widths[series_id]
        buckets = block.at[start:end] // (width * DAY_MS)
        low, high = int(buckets.min()), int(buckets.max())
        for bucket in range(low, high + 1) if high - low < 64 else np.unique(buckets).tolist():
            if low == high:
                part: slice | Ints = slice(start, end)
            else:
                part = start + np.flatnonzero(buckets == bucket)
                if not len(part):
                    continue
            key = Key(series_id, bucket * width, width)
            yield Group(key, block.arrivals(part), block.seq[part])


def piece(group: Group, close_ms: int) -> PieceRow:
    """What an open bucket got with these batches."""
    return pack_piece(group.key, group.arrived, (int(group.seq[0]), int(group.seq[-1])), close_ms)


def sealed(job: Job, known: Batches) -> ChunkRow:
    """The chunk after everything that came."""
    content, seq = EMPTY, (0, 0)
    if job.before is not None:
        content, seq = unpack_chunk(job.before), (job.before.seq_lo, job.before.seq_hi)
    parts = [unpack_piece(p) for p in job.pieces]
    if job.group is not None:
        parts.append(job.group.arrived)
    arrived, came = joined(parts), job.came_in_step()
    if not came[0]:
        return pack_chunk(job.key, merge(content, arrived), seq)
    # What the batches tell by themselves depends on which batches: written out, and left out anew.
    if seq[0]:
        content = told(content, known.steps(*seq))
        came = (min(came[0], seq[0]), max(came[1], seq[1]))
    return pack_chunk(job.key, in_step(merge(content, arrived), known.steps(*came)), came)


def _jobs(step: Step, shut: Sequence[Group], grace_ms: int) -> dict[Keyed, Job]:
    jobs: dict[Keyed, Job] = {}

    def job(series_id: int, day: int) -> Job:
        key = Key(series_id, day, step.widths[series_id])
        return jobs.setdefault((series_id, day), Job(key, key.end_ms + grace_ms))

    for row in step.due:
        job(row.series_id, row.day).pieces.append(row)
    for group in shut:
        job(group.key.series_id, group.key.day).group = group
    return dict(sorted(jobs.items()))
