"""Ours: the series store of the product, as the product uses it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import asyncpg
import numpy as np
from numpy.typing import NDArray

from app.domain.series import Batch as Known
from app.domain.series import SeriesDef
from app.store.series.engine import SeriesLimits, SeriesStore
from app.store.series.head import POINT_BYTES
from app.store.series.pg import PgRows
from benchmarks.store.dataset import Batch, Source
from benchmarks.store.questions import Question

_SIZES = """
SELECT c.relname, pg_total_relation_size(c.oid) AS bytes
FROM pg_class c WHERE c.relkind = 'r' AND (c.relname LIKE 'series\\_%' OR c.relname = 'series')
"""


@dataclass(frozen=True, slots=True)
class Numbered:
    """The numbers a source and its series go by here."""

    source_id: int
    series_ids: NDArray[np.int64]
    first: int

    def of(self, series: Sequence[int] | NDArray[np.int32]) -> NDArray[np.int64]:
        return self.series_ids[np.asarray(series, np.int64) - self.first]


class Ours:
    """What is timed is a batch as columns going in, and columns coming out."""

    def __init__(self, pool: asyncpg.Pool, limits: SeriesLimits) -> None:
        self._pool = pool
        self._limits = limits
        self.store = SeriesStore(PgRows(pool), limits)
        self._numbers: dict[int, Numbered] = {}
        self._unsealed: dict[int, int] = defaultdict(int)

    async def make(self, sources: Sequence[Source]) -> None:
        for source in sources:
            tick_ms = source.cadence.step_s * 1000
            declared = await self.store.declare(
                source.code, [SeriesDef(f"s{i}", tick_ms) for i in source.series_ids]
            )
            self._numbers[source.source_id] = Numbered(
                declared.source_id, np.array(declared.series_ids), source.series_ids[0]
            )

    def known(self, batch: Batch) -> Known:
        """The batch as the product's own type; it is known when its newest point is."""
        numbers = self._numbers[batch.source.source_id]
        return Known(
            numbers.source_id, batch.seq, int(batch.at_ms.max()), numbers.of(batch.series),
            batch.at_ms, batch.value, str(batch.seq),
        )  # fmt: skip

    async def write(self, batch: Known) -> None:
        assert await self.store.append(batch)
        self._unsealed[batch.source_id] += len(batch.value)

    async def seal_full(self) -> None:
        """As the product's keeper: as long as a source has as many points as one seal takes."""
        for source_id in [n.source_id for n in self._numbers.values()]:
            while self._unsealed[source_id] >= self._limits.seal.points:
                done = await self.store.seal_step(source_id)
                assert done is not None
                self._unsealed[source_id] -= done.points

    async def seal(self, *, everything: bool = False) -> None:
        """All that is there; ``everything``: open buckets too."""
        for numbers in self._numbers.values():
            await self.store.seal(numbers.source_id, everything=everything)
            self._unsealed[numbers.source_id] = 0

    async def ask(self, question: Question) -> int:
        """How many values came back."""
        if question.kind == "latest":
            return await self._latest()
        numbers = self._numbers[question.source.source_id]
        series = numbers.of(question.series).tolist()
        from_ms, to_ms = question.from_s * 1000, question.to_s * 1000
        if question.kind == "raw24h":
            points = await self.store.raw(numbers.source_id, series[0], from_ms, to_ms)
            return len(points.value)
        found = await self.store.steps(
            numbers.source_id, series, from_ms, to_ms, question.step_s * 1000
        )
        return int(np.count_nonzero(np.asarray(found.count)))

    async def _latest(self) -> int:
        found = await self.store.latest_of([n.source_id for n in self._numbers.values()])
        return sum(len(one.value) for one in found.values())

    def bare(self) -> Ours:
        """Beside it, the same store as it is when nothing of what is sealed is kept in memory."""
        other = Ours(self._pool, replace(self._limits, shelf_bytes=0))
        other._numbers = self._numbers
        return other

    async def sizes(self) -> Mapping[str, int]:
        """Bytes with indexes and TOAST, partitions put together."""
        found: dict[str, int] = {}
        for row in await self._pool.fetch(_SIZES):
            name = "series_chunk" if row["relname"].startswith("series_chunk") else row["relname"]
            found[name] = found.get(name, 0) + row["bytes"]
        return found

    async def vacuum(self) -> None:
        names = [r["relname"] for r in await self._pool.fetch(_SIZES)]
        async with self._pool.acquire() as db:
            for name in names:
                await db.execute(f"VACUUM ANALYZE {name}")

    def head_mb(self) -> tuple[float, float]:
        """What the unsealed tails take in memory, and what they may."""
        at_most = self._limits.head_points * POINT_BYTES
        return self.store.head.points() * POINT_BYTES / 1e6, at_most / 1e6

    def shelf_mb(self) -> tuple[float, float]:
        """What is kept of sealed history in memory, and what may be."""
        return self.store.shelf.bytes() / 1e6, self._limits.shelf_bytes / 1e6
