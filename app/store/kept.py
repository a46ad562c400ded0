"""Kept: what was judged of a source, read back whole, so that a rebuild can be held against it."""

from __future__ import annotations

import asyncpg

from app.domain.access import EVERYTHING
from app.domain.judged import Figure, KeptClose, Standing
from app.store.readings import PgReadings

_CLOSE = """
SELECT indicator, period, watermark_s, definition, subject, value, num, den, target, state
FROM reading_frame WHERE source = $1 AND at_s = $2 AND closes_day
"""
_STANDS = """
SELECT s.evaluated_seq, s.evaluated_s, s.remade_seq,
       bool_and(coalesce(h.at_s = s.evaluated_s, true)) AS shown
FROM source_state s LEFT JOIN reading_head h USING (source)
WHERE s.source = $1 GROUP BY s.source
"""


class PgKept:
    """Reads one source; nothing is written."""

    def __init__(self, pool: asyncpg.Pool, readings: PgReadings) -> None:
        self._pool = pool
        self._readings = readings

    async def standing(self, source: str, indicators: list[str]) -> Standing:
        """Place and newest readings of one instant: asked again while the worker goes on."""
        while True:
            before = await self._place(source)
            latest = await self._readings.latest(EVERYTHING, indicators=indicators)
            if before == await self._place(source):
                return Standing(*before, latest, await self._remade(source))

    async def _place(self, source: str) -> tuple[int, int | None, int, bool]:
        async with self._pool.acquire() as db:
            row = await db.fetchrow(_STANDS, source)
        if row is None:
            return 0, None, 0, True
        return row["evaluated_seq"], row["evaluated_s"], row["remade_seq"], row["shown"]

    async def _remade(self, source: str) -> dict[str, int]:
        rows = await self._pool.fetch(
            "SELECT indicator, remade_seq FROM measure_kept WHERE source = $1", source
        )
        return {r["indicator"]: r["remade_seq"] for r in rows}

    async def close(self, source: str, at_s: int) -> dict[tuple[str, str], KeptClose]:
        """The kept close of one day, by indicator and period."""
        async with self._pool.acquire() as db:
            rows = await db.fetch(_CLOSE, source, at_s)
        return {(r["indicator"], r["period"]): _close(r) for r in rows}


def _close(row: asyncpg.Record) -> KeptClose:
    targets = row["target"] or [None] * len(row["subject"])
    figures: zip[Figure] = zip(
        row["value"], row["num"], row["den"], targets, row["state"], strict=True
    )
    return KeptClose(
        row["watermark_s"], row["definition"], dict(zip(row["subject"], figures, strict=True))
    )
