"""Series: what the engine of packed points promises; whoever keeps or asks for points sees this.

Instants are epoch milliseconds of data time, windows half-open ``[from_ms, to_ms)``. A point is
(series, at) with a value; a batch known later replaces what an earlier one said of the same
instant, and ``as_of_ms`` reads what was known at an earlier knowledge time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Column(Protocol):
    """A typed array: in the engine a numpy array, elsewhere an ``array.array`` does as well."""

    def __len__(self) -> int: ...

    def tolist(self) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class SeriesDef:
    """A series as its source declares it; ``tick_ms`` is the spacing expected, 0 = irregular."""

    code: str
    tick_ms: int = 0
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Declared:
    """The numbers a source and its series go by, in the order they were declared."""

    source_id: int
    series_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """How far a source has come: its newest batch, its feed's cursor, when that was known."""

    seq: int
    cursor: str
    known_ms: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Points of one source that became known together; stored as one row with the cursor.

    ``seq`` counts from 1 without gaps and ``known_ms`` never goes back. Of two points of one
    batch with the same (series, at) the one further down is meant.
    """

    source_id: int
    seq: int
    known_ms: int
    series: Column  # int32
    at_ms: Column  # int64
    value: Column  # float64
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Points:
    """One series, oldest first."""

    at_ms: Column
    value: Column


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest point of each series that has one, ascending by series."""

    series: Column
    at_ms: Column
    value: Column


@dataclass(frozen=True, slots=True)
class Buckets:
    """Several series at one step: row after row, one row a series, one cell a bucket.

    ``count`` 0 is a gap and its other cells are NaN. ``sum`` is exact: the decimals as written
    are added, and the total is rounded once. ``coverage`` is the share of expected points
    (``tick_ms``) that are there; of an irregular series 1 where there is any point.
    """

    series: tuple[int, ...]
    start_ms: Column
    count: Column
    sum: Column
    min: Column
    max: Column
    first: Column
    last: Column
    coverage: Column
    level: str  # the coarsest level it could be read from exactly: "hour" or "raw"

    def row(self, column: Column, series_id: int) -> list[Any]:
        """One series of one column: ``b.row(b.sum, 7)``."""
        width, at = len(self.start_ms), self.series.index(series_id)
        return column.tolist()[at * width : (at + 1) * width]


class OutOfOrder(Exception):
    """A batch is not the next of its source: ask for the place and begin again from there."""


class SeriesWriter(Protocol):
    """Keeps points; idempotent on (source, seq)."""

    async def declare(self, source: str, series: Sequence[SeriesDef]) -> Declared: ...

    async def place(self, source_id: int) -> Place: ...

    async def append(self, batch: Batch) -> bool:
        """Durable when it returns; False when this seq was there already (nothing changes)."""
        ...


class SeriesReader(Protocol):
    """Gives points back, the unsealed tail included."""

    async def latest(self, source_id: int, series_ids: Sequence[int] | None = None) -> Latest: ...

    async def latest_of(self, source_ids: Sequence[int]) -> Mapping[int, Latest]:
        """Of several sources at once: one round trip, however many."""
        ...

    async def raw(
        self,
        source_id: int,
        series_id: int,
        from_ms: int,
        to_ms: int,
        as_of_ms: int | None = None,
    ) -> Points: ...

    async def raw_of(
        self,
        source_id: int,
        series_ids: Sequence[int],
        from_ms: int,
        to_ms: int,
        as_of_ms: int | None = None,
    ) -> Mapping[int, Points]:
        """Several series of a source at once, all of one look."""
        ...

    async def steps(
        self,
        source_id: int,
        series_ids: Sequence[int],
        from_ms: int,
        to_ms: int,
        step_ms: int,
        as_of_ms: int | None = None,
    ) -> Buckets:
        """Buckets begin at ``from_ms``; the last one is cut at ``to_ms``."""
        ...


def step_for(from_ms: int, to_ms: int, points: int) -> int:
    """The smallest readable step that gives at most so many buckets: 90 days, 400 → 6 hours."""
    width = max(1, -(-(to_ms - from_ms) // points))
    steps = [1_000, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, HOUR_MS]
    steps += [HOUR_MS * hours for hours in (2, 3, 6, 12)]
    return next((s for s in steps if s >= width), -(-width // DAY_MS) * DAY_MS)
