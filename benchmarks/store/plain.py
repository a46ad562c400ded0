"""Plain rows: the simple way, one row a point under a primary key, written so that a repeat is
nothing; what the series store is compared with inside the same PostgreSQL.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

import asyncpg
import numpy as np

from benchmarks.store.dataset import Batch, Source
from benchmarks.store.questions import Question

_MADE = """
CREATE TABLE {name} (
    source_id integer NOT NULL, series_id integer NOT NULL, at timestamptz NOT NULL,
    value double precision NOT NULL
)
"""
_KEY = "ALTER TABLE {name} ADD PRIMARY KEY (source_id, series_id, at)"
_WRITE = """
INSERT INTO plain_grown (source_id, series_id, at, value)
SELECT $1, s, to_timestamp(a / 1000.0), v
FROM unnest($2::integer[], $3::bigint[], $4::double precision[]) AS p(s, a, v)
ON CONFLICT (source_id, series_id, at) DO NOTHING
"""
_LATEST = """
SELECT s.series_id, p.at, p.value FROM (SELECT DISTINCT source_id, series_id FROM plain_series) s,
LATERAL (SELECT at, value FROM plain_whole w WHERE w.source_id = s.source_id
         AND w.series_id = s.series_id ORDER BY at DESC LIMIT 1) p
"""
_RAW = """
SELECT extract(epoch FROM at)::float8, value FROM plain_whole
WHERE source_id = $1 AND series_id = $2 AND at >= to_timestamp($3) AND at < to_timestamp($4)
ORDER BY at
"""
_STEPS = """
SELECT series_id, floor(extract(epoch FROM at) / $5)::bigint AS bucket, count(*), sum(value),
       min(value), max(value)
FROM plain_whole
WHERE source_id = $1 AND series_id = ANY($2::integer[])
  AND at >= to_timestamp($3) AND at < to_timestamp($4)
GROUP BY 1, 2 ORDER BY 1, 2
"""


class PlainRows:
    """``plain_grown`` takes the timed inserts; ``plain_whole`` is filled in bulk, for queries."""

    def __init__(self, db: asyncpg.Connection) -> None:
        self._db = db
        self.rows = 0

    async def make(self) -> None:
        for name in ("plain_grown", "plain_whole"):
            await self._db.execute(_MADE.format(name=name))
        await self._db.execute(_KEY.format(name="plain_grown"))
        await self._db.execute("CREATE TABLE plain_series (source_id integer, series_id integer)")

    async def write(self, batch: Batch) -> None:
        await self._db.execute(
            _WRITE, batch.source.source_id, batch.series.tolist(), batch.at_ms.tolist(),
            batch.value.tolist(),
        )  # fmt: skip
        self.rows += len(batch)

    async def fill(self, whole: Iterable[Batch], sources: Iterable[Source]) -> None:
        """All points, without an index while they come: what queries meet is packed and fresh."""
        for batch in whole:
            await self._db.copy_to_table("plain_whole", source=_binary(batch), format="binary")
        await self._db.execute(_KEY.format(name="plain_whole"))
        await self._db.copy_records_to_table(
            "plain_series", records=[(s.source_id, i) for s in sources for i in s.series_ids]
        )
        await self._db.execute("VACUUM ANALYZE plain_whole")

    async def bytes_per_point(self) -> float:
        size = await self._db.fetchval("SELECT pg_total_relation_size('plain_grown')")
        return float(size) / self.rows

    async def ask(self, question: Question) -> int:
        """How many values came back."""
        if question.kind == "latest":
            return len(await self._db.fetch(_LATEST))
        if question.kind == "raw24h":
            rows = await self._db.fetch(
                _RAW, question.source.source_id, question.series[0], question.from_s, question.to_s
            )
            return len(rows)
        rows = await self._db.fetch(
            _STEPS, question.source.source_id, list(question.series), question.from_s,
            question.to_s, question.step_s,
        )  # fmt: skip
        return len(rows)


_PG_EPOCH_US = 946_684_800_000_000
_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("l1", ">i4"), ("source", ">i4"),
        ("l2", ">i4"), ("series", ">i4"),
        ("l3", ">i4"), ("at", ">i8"),
        ("l4", ">i4"), ("value", ">f8"),
    ]
)  # fmt: skip


def _binary(batch: Batch) -> io.BytesIO:
    """The points in COPY's binary format."""
    rows = np.empty(len(batch), _ROW)
    rows["fields"], rows["l1"], rows["l2"], rows["l3"], rows["l4"] = 4, 4, 4, 8, 8
    rows["source"], rows["series"] = batch.source.source_id, batch.series
    rows["at"] = batch.at_ms * 1000 - _PG_EPOCH_US
    rows["value"] = batch.value
    return io.BytesIO(_HEAD + rows.tobytes() + b"\xff\xff")
