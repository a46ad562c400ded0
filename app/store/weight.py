"""Weight: how many points are kept, what each costs, and how far the sealer is behind."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

_POINTS = """
SELECT (SELECT coalesce(sum(n), 0) FROM series_chunk)::bigint AS sealed,
       (SELECT coalesce(sum(n), 0) FROM series_piece)::bigint AS open,
       (SELECT coalesce(sum(n), 0) FROM series_journal)::bigint AS unsealed,
       (SELECT count(*) FROM series)::bigint AS series
"""
# Partitions count with the table they are parts of; indexes and TOAST with theirs.
_BYTES = """
SELECT coalesce(p.relname, c.relname) AS name, sum(pg_total_relation_size(c.oid))::bigint AS bytes
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
LEFT JOIN pg_class p ON p.oid = i.inhparent
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1 ORDER BY 2 DESC
"""
_LAG = """
SELECT s.source, p.seq - m.sealed_seq AS batches, (p.known_ms - m.known_ms) / 1000.0 AS seconds,
       (SELECT coalesce(sum(n), 0) FROM series_journal j WHERE j.source_id = s.source_id)::bigint
           AS points
FROM series_source s JOIN series_place p USING (source_id) JOIN series_mark m USING (source_id)
ORDER BY s.source
"""


@dataclass(frozen=True, slots=True)
class Lag:
    """What of a source is not sealed: batches, points, and seconds of knowledge."""

    source: str
    batches: int
    points: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Weight:
    """Points by where they are, bytes by table."""

    series: int
    sealed: int
    open: int
    unsealed: int
    tables: dict[str, int]
    lags: tuple[Lag, ...]

    @property
    def points(self) -> int:
        return self.sealed + self.open + self.unsealed

    @property
    def bytes_per_point(self) -> float | None:
        size = sum(b for name, b in self.tables.items() if name.startswith("series"))
        return size / self.points if self.points else None


async def weigh(pool: asyncpg.Pool) -> Weight:
    async with (
        pool.acquire() as db,
        db.transaction(isolation="repeatable_read", readonly=True),
    ):
        points = await db.fetchrow(_POINTS)
        tables = {r["name"]: r["bytes"] for r in await db.fetch(_BYTES)}
        lags = [
            Lag(r["source"], r["batches"], r["points"], float(r["seconds"]) if r["batches"] else 0)
            for r in await db.fetch(_LAG)
        ]
    return Weight(
        points["series"], points["sealed"], points["open"], points["unsealed"], tables, tuple(lags)
    )
