"""Closes: what a day ended with, as plain columns that anybody reads with SQL."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from app.store.past.parts import Framed

_CLOSE = """
INSERT INTO reading_frame (source, indicator, period, at_s, watermark_s, period_s, closes_day,
                           subject, value, num, den, target, state, definition)
VALUES ($1, $2, $3, $4, $5, $6, true, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (source, indicator, period, at_s) DO NOTHING
"""


async def write_closes(db: asyncpg.Connection, source: str, framed: Sequence[Framed]) -> None:
    """Beside the series, whose points hold every other instant too."""
    rows = [
        (
            source, f.frame.head.indicator, f.frame.head.period, f.at_s, f.watermark_s,
            f.frame.head.period_s, f.frame.subjects, f.frame.values, f.frame.nums, f.frame.dens,
            f.frame.targets, f.frame.states, f.frame.head.definition or None,
        )
        for f in framed
    ]  # fmt: skip
    if rows:
        await db.executemany(_CLOSE, rows)
