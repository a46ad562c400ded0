"""Rows: what the engine keeps, and what it asks of whoever keeps it (Postgres; in tests, memory).

A batch is one row of the journal; the points of a series in a bucket are one chunk. Between the
two lie pieces: what a bucket that is still open has got so far, one row a seal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from app.domain.series import Declared, Place, SeriesDef

# Of what a source has sealed: as long as it is the same, so is every piece and every chunk. The
# transaction that wrote the source's mark last, and the server's life that its number is of.
Version = tuple[int, int]
UNKNOWN: Version = (0, 0)


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series as declared; its points lie in buckets of so many days."""

    series_id: int
    code: str
    tick_ms: int
    width_days: int


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One batch."""

    seq: int
    known_ms: int
    first_ms: int
    last_ms: int
    n: int
    body: bytes


@dataclass(frozen=True, slots=True)
class PieceRow:
    """Points of one series in one open bucket, as they arrived with batches ``seq_lo … seq_hi``."""

    series_id: int
    day: int
    seq_lo: int
    seq_hi: int
    n: int
    first_ms: int
    last_ms: int
    close_ms: int
    body: bytes


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """One series in one bucket, sealed; the scalars are those of the points that hold today.

    ``seq_lo … seq_hi`` are the batches that brought what came in step; 0 when nothing did.
    """

    series_id: int
    day: int
    n: int
    first_ms: int
    last_ms: int
    v_first: float
    v_last: float
    v_min: float
    v_max: float
    v_sum: float
    seq_lo: int
    seq_hi: int
    hours: bytes | None
    past: bytes | None
    body: bytes


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """When the batches ``seq_first … seq_last`` were known and how far their points went."""

    seq_first: int
    seq_last: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a source is sealed, and the earliest close of its open buckets."""

    sealed_seq: int
    known_ms: int
    next_close_ms: int | None


@dataclass(frozen=True, slots=True)
class Window:
    """What a question is about: series, an instant's range, and the widest bucket among them."""

    source_id: int
    series_ids: Sequence[int]
    from_ms: int
    to_ms: int
    width_days: int


@dataclass(frozen=True, slots=True)
class Kept:
    """One consistent look: everything up to batch ``sealed_seq``, and nothing after it."""

    sealed_seq: int
    pieces: Sequence[PieceRow]
    chunks: Sequence[ChunkRow]


@dataclass(frozen=True, slots=True)
class Tail:
    """What is not sealed, as far as it was asked for; ``newest_seq`` is the newest batch of all.

    ``version``: of what is sealed, at the very instant the tail is of.
    """

    sealed_seq: int
    newest_seq: int
    rows: Sequence[JournalRow]
    version: Version = UNKNOWN


@dataclass(frozen=True, slots=True)
class Work:
    """What one seal writes, all or nothing."""

    mark: Mark
    ledger: LedgerRow | None
    latest: bytes
    pieces: Sequence[PieceRow]
    chunks: Sequence[ChunkRow]
    replaced: Sequence[tuple[int, int]]  # (series, day) of the chunks that were there before
    closed: Sequence[tuple[int, int]]  # (series, day) whose pieces went into a chunk


class Sealing(Protocol):
    """A source held by one sealer until the end of the transaction."""

    mark: Mark

    async def journal(self, most_points: int) -> list[JournalRow]:
        """The oldest unsealed batches, at least one if there is any."""
        ...

    async def due(self, close_ms: int) -> list[PieceRow]:
        """Pieces of buckets that close by then, by series, day and batch."""
        ...

    async def chunks(self, keys: Sequence[tuple[int, int]]) -> list[ChunkRow]: ...

    async def latest(self) -> bytes | None: ...

    async def write(self, work: Work) -> None: ...


class RowStore(Protocol):
    """Everything the engine asks of the store of its rows."""

    async def declare(self, source: str, series: Sequence[tuple[SeriesDef, int]]) -> Declared: ...

    async def series(self, source_id: int) -> list[SeriesRow]: ...

    async def place(self, source_id: int) -> Place: ...

    async def append(self, source_id: int, row: JournalRow, cursor: str) -> bool:
        """The batch and the source's place in one transaction; False when it is not the next."""
        ...

    async def tails(self, after: Mapping[int, int], most_points: int) -> Mapping[int, Tail]:
        """Of each source its newest unsealed batches after one, as many points as asked."""
        ...

    async def journal(
        self,
        source_id: int,
        after_seq: int,
        before_seq: int,
        reach: tuple[int, int] | None = None,
    ) -> Tail:
        """Batches after one and before another, oldest first; of a range of instants if given."""
        ...

    async def look(
        self, window: Window, after_seq: int, most_points: int, *, points: bool, past: bool
    ) -> tuple[Kept, Tail]:
        """Pieces and chunks of a window, and the tail after a batch as ``tails`` tells it.

        Both are of one instant. Without ``points``, a chunk that has hours has no body.
        """
        ...

    async def ledger(self, source_id: int, seq_lo: int, seq_hi: int) -> list[LedgerRow]: ...

    async def latest(self, source_id: int) -> tuple[int, bytes | None]:
        """The snapshot and the batch it is of."""
        ...

    def sealing(self, source_id: int) -> AbstractAsyncContextManager[Sealing | None]:
        """None when another sealer holds the source."""
        ...

    async def make_room(self, days: Sequence[int]) -> None:
        """Partitions for buckets of these days."""
        ...
