"""Head: the unsealed tail of each source in memory, bounded; the rest stays in its rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import numpy as np

from app.store.series.packed import Block, Newest, newest, stacked, unpack_batch, unpack_latest
from app.store.series.rows import RowStore, Tail

# A point in memory: series, instant, value, knowledge and batch, eight bytes each.
POINT_BYTES = 40


@dataclass(slots=True)
class Layer:
    """Consecutive batches, put together."""

    seq_lo: int
    seq_hi: int
    rows: Block


@dataclass(slots=True)
class SourceHead:
    """The newest batches of one source; ``floor`` is the newest batch that is not in memory."""

    layers: list[Layer] = field(default_factory=list)
    floor: int = 0
    newest: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    snapshot: tuple[int, Newest] | None = None

    def points(self) -> int:
        return sum(len(b.rows) for b in self.layers)

    def since(self, seq: int) -> list[Block]:
        """What arrived after this batch, as far as it is in memory, oldest first."""
        found = []
        for layer in self.layers:
            if layer.seq_lo > seq:
                found.append(layer.rows)
            elif layer.seq_hi > seq:
                found.append(_after(layer.rows, seq))
        return found


class Head:
    """Follows the journal whenever somebody asks: whoever has committed is seen by the next."""

    def __init__(self, rows: RowStore, most_points: int) -> None:
        self._rows, self.most_points = rows, most_points
        self._sources: dict[int, SourceHead] = {}
        self._points = 0

    def points(self) -> int:
        """How many points are in memory, of all sources."""
        return self._points

    async def fresh(self, source_ids: Sequence[int]) -> list[SourceHead]:
        """The heads of sources with everything committed until now, within their bound."""
        heads = [self._sources.setdefault(s, SourceHead()) for s in source_ids]
        async with AsyncExitStack() as turns:
            # In one order, so that two who ask for the same never wait for each other.
            for source_id in sorted(set(source_ids)):
                await turns.enter_async_context(self._sources[source_id].turn)
            after = {s: self._sources[s].newest for s in source_ids}
            for source_id, tail in (await self._rows.tails(after, self.most_points)).items():
                self._take(self._sources[source_id], tail)
        return heads

    def newest(self, source_id: int) -> int:
        """The newest batch followed so far."""
        head = self._sources.get(source_id)
        return 0 if head is None else head.newest

    def follow(self, source_id: int, tail: Tail) -> SourceHead:
        """The head of a source with a tail that was asked for after its newest batch."""
        head = self._sources.setdefault(source_id, SourceHead())
        self._take(head, tail)
        return head

    def _take(self, head: SourceHead, tail: Tail) -> None:
        if not tail.rows and tail.sealed_seq <= head.floor and tail.newest_seq <= head.newest:
            return
        before = head.points()
        self._forget(head, tail.sealed_seq)
        # Somebody else may have followed the journal meanwhile.
        rows = sorted((r for r in tail.rows if r.seq > head.newest), key=lambda r: r.seq)
        if tail.newest_seq > head.newest and (not rows or rows[0].seq != head.newest + 1):
            # More came than fits: what is older stays where it is.
            head.layers.clear()
            head.floor = rows[0].seq - 1 if rows else tail.newest_seq
        for row in rows:
            _push(head, Layer(row.seq, row.seq, unpack_batch(row)))
        head.newest = max(head.newest, tail.newest_seq)
        self._points += head.points() - before
        self._bound(head)

    async def latest(self, source_ids: Sequence[int]) -> dict[int, Newest]:
        """The newest point of every series of these sources."""
        heads = await self.fresh(source_ids)
        return {
            source_id: await self._latest(source_id, head)
            for source_id, head in zip(source_ids, heads, strict=True)
        }

    async def _latest(self, source_id: int, head: SourceHead) -> Newest:
        while (snapshot := head.snapshot) is None or snapshot[0] < head.floor:
            head.snapshot = await self._snapshot(source_id, head.floor)
        seq, found = snapshot
        if seq < head.newest:
            for part in head.since(seq):
                found = newest(found, part)
            # Kept for the next question: a few bytes a series, and only what is new is added.
            head.snapshot = (head.newest, found)
        return found

    async def _snapshot(self, source_id: int, floor: int) -> tuple[int, Newest]:
        """The newest points up to batch ``floor`` at least: what is sealed or does not fit."""
        while True:
            seq, body = await self._rows.latest(source_id)
            found = unpack_latest(body)
            if seq >= floor:
                return seq, found
            between = await self._rows.journal(source_id, seq, floor + 1)
            if between.sealed_seq > seq:
                continue  # sealed meanwhile: the snapshot has it by now
            for row in between.rows:
                found = newest(found, unpack_batch(row))
            return floor, found

    def _forget(self, head: SourceHead, sealed_seq: int) -> None:
        head.floor = max(head.floor, sealed_seq)
        head.layers = [b for b in head.layers if b.seq_hi > sealed_seq]

    def _bound(self, head: SourceHead) -> None:
        while self._points > self.most_points and head.layers:
            head.floor = max(head.floor, head.layers[0].seq_hi)
            self._points -= len(head.layers.pop(0).rows)


def _push(head: SourceHead, layer: Layer) -> None:
    """Blocks double in size towards the older end, so that a point is moved a few times only."""
    head.layers.append(layer)
    while len(head.layers) > 1 and len(head.layers[-2].rows) < 2 * len(head.layers[-1].rows):
        one, other = head.layers[-2:]
        head.layers[-2:] = [Layer(one.seq_lo, other.seq_hi, stacked([one.rows, other.rows]))]


def _after(rows: Block, seq: int) -> Block:
    kept = np.flatnonzero(rows.seq > seq)
    return Block(*(getattr(rows, f)[kept] for f in ("series", "at", "value", "known", "seq")))
