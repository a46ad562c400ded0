"""The series store: what the domain's port promises, over rows, head and sealer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.domain.series import (
    Batch,
    Buckets,
    Declared,
    Latest,
    OutOfOrder,
    Place,
    Points,
    SeriesDef,
)
from app.store.series.head import POINT_BYTES, Head
from app.store.series.packed import pack_batch
from app.store.series.reads import Reads
from app.store.series.rows import JournalRow, RowStore, Window
from app.store.series.sealer import Sealed, Sealer, SealLimits
from app.store.series.shelf import Shelf
from app.store.series.table import Question

# A chunk of some ten thousand points packs well and is opened in a tenth of a millisecond.
_WIDTHS = ((15_000, 2), (120_000, 8))
_WIDEST = 32
# The instants a calendar has: 1970 to 9998.
_LAST_MS = 253_370_764_800_000


@dataclass(frozen=True, slots=True)
class SeriesLimits:
    """What the store may hold in memory: points of all tails, of one seal, and the shelf."""

    head_points: int = 1_000_000
    seal: SealLimits = field(default_factory=SealLimits)
    shelf_bytes: int = 0


def bounded(head_mb: float, seal_points: int, shelf_mb: float) -> SeriesLimits:
    """Limits as settings tell them."""
    head_points = int(head_mb * 1e6 / POINT_BYTES)
    return SeriesLimits(head_points, SealLimits(seal_points), int(shelf_mb * 1e6))


class SeriesStore:
    """Keeps points of series and gives them back; see ``app.domain.series``."""

    def __init__(self, rows: RowStore, limits: SeriesLimits | None = None) -> None:
        limits = limits or SeriesLimits()
        self._rows = rows
        self.head = Head(rows, limits.head_points)
        self.shelf = Shelf(limits.shelf_bytes)
        self._reads = Reads(rows, self.head, self.shelf)
        self._sealer = Sealer(rows, limits.seal)

    async def declare(self, source: str, series: Sequence[SeriesDef]) -> Declared:
        """Make a source and its series known; what is known already keeps its number."""
        return await self._rows.declare(source, [(d, width_days(d.tick_ms)) for d in series])

    async def place(self, source_id: int) -> Place:
        return await self._rows.place(source_id)

    async def append(self, batch: Batch) -> bool:
        """Durable when it returns; False when this seq was there already (nothing changes)."""
        row = await self.prepare(batch)
        if await self._rows.append(batch.source_id, row, batch.cursor):
            return True
        place = await self._rows.place(batch.source_id)
        if batch.seq <= place.seq:
            return False
        if batch.seq > place.seq + 1:
            raise OutOfOrder(
                f"source {batch.source_id}: batch {batch.seq} after {place.seq};"
                f" expected {place.seq + 1}: ask for the place and go on from there"
            )
        raise OutOfOrder(
            f"source {batch.source_id}: batch {batch.seq} is known at {batch.known_ms}, before the"
            f" one it follows ({place.known_ms}); knowledge never goes back"
        )

    async def prepare(self, batch: Batch) -> JournalRow:
        """A batch as the row it will be; raises before anything is written."""
        series = np.asarray(batch.series, np.int64)
        at, value = np.asarray(batch.at_ms, np.int64), np.asarray(batch.value, np.float64)
        if not len(series) == len(at) == len(value):
            raise ValueError(
                f"a batch has {len(series)} series, {len(at)} instants and {len(value)} values;"
                " expected as many of each"
            )
        if len(series):
            ends = (int(series.min()), int(series.max()))
            await self._reads.known(batch.source_id, ends)
        row = pack_batch(batch.seq, batch.known_ms, series, at, value)
        if not (row.first_ms >= 0 and row.last_ms <= _LAST_MS):
            raise ValueError("an instant of a batch is not between 1970 and 9998; expected ms")
        return row

    async def latest(self, source_id: int, series_ids: Sequence[int] | None = None) -> Latest:
        if series_ids is not None:
            return await self._reads.latest_of(source_id, series_ids)
        return (await self._reads.latest([source_id]))[source_id]

    async def latest_of(self, source_ids: Sequence[int]) -> Mapping[int, Latest]:
        return await self._reads.latest(source_ids)

    async def raw(
        self,
        source_id: int,
        series_id: int,
        from_ms: int,
        to_ms: int,
        as_of_ms: int | None = None,
    ) -> Points:
        window = await self._window(source_id, [series_id], from_ms, to_ms)
        return (await self._reads.raw(window, as_of_ms))[series_id]

    async def raw_of(
        self,
        source_id: int,
        series_ids: Sequence[int],
        from_ms: int,
        to_ms: int,
        as_of_ms: int | None = None,
    ) -> Mapping[int, Points]:
        window = await self._window(source_id, series_ids, from_ms, to_ms)
        return await self._reads.raw(window, as_of_ms)

    async def steps(
        self,
        source_id: int,
        series_ids: Sequence[int],
        from_ms: int,
        to_ms: int,
        step_ms: int,
        as_of_ms: int | None = None,
    ) -> Buckets:
        if step_ms < 1:
            raise ValueError(f"a step of {step_ms} ms; expected at least 1")
        window = await self._window(source_id, series_ids, from_ms, to_ms)
        return await self._reads.steps(Question(window, step_ms, as_of_ms))

    async def seal_step(self, source_id: int) -> Sealed | None:
        """As much as one seal may hold; None when there is nothing to do."""
        return await self._sealer.seal(source_id)

    async def seal(self, source_id: int, *, everything: bool = False) -> list[Sealed]:
        """Seal what is there by now, step by step; ``everything``: open buckets too.

        What arrives meanwhile is left to the next time, or a busy writer would never let it end.
        """
        newest = (await self._rows.place(source_id)).seq
        done: list[Sealed] = []
        while not done or done[-1].sealed_seq < newest:
            one = await self._sealer.seal(source_id, everything=everything)
            if one is None:
                break
            done.append(one)
        return done

    async def _window(
        self, source_id: int, series_ids: Sequence[int], from_ms: int, to_ms: int
    ) -> Window:
        known = await self._reads.known(source_id, series_ids)
        width = max((known[s].width_days for s in series_ids), default=1)
        if not 0 <= from_ms < to_ms:
            raise ValueError(f"the window {from_ms} to {to_ms}; expected 0 <= from < to")
        return Window(source_id, series_ids, from_ms, to_ms, width)


def width_days(tick_ms: int) -> int:
    """How many days of a series go into one chunk."""
    if tick_ms <= 0:
        return _WIDTHS[-1][1]
    return next((days for tick, days in _WIDTHS if tick_ms <= tick), _WIDEST)
