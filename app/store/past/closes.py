"""Closes: what a day ended with, as plain columns that anybody reads with SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import asyncpg

from app.domain.judged import GONE, Frame, Revised
from app.store.past.parts import Framed

_CLOSE = """
INSERT INTO reading_frame (source, indicator, period, at_s, watermark_s, period_s, closes_day,
                           subject, value, num, den, target, state, definition)
VALUES ($1, $2, $3, $4, $5, $6, true, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (source, indicator, period, at_s) DO NOTHING
"""


_NOW = """
SELECT at_s, coalesce(now_subject, subject) AS subject, coalesce(now_value, value) AS value,
       coalesce(now_num, num) AS num, coalesce(now_den, den) AS den,
       coalesce(now_target, target) AS target, coalesce(now_state, state) AS state
FROM reading_frame WHERE source = $1 AND indicator = $2 AND period = $3 AND at_s = ANY($4)
FOR UPDATE
"""
_CORRECT = """
UPDATE reading_frame SET now_watermark_s = $5, now_subject = $6, now_value = $7, now_num = $8,
    now_den = $9, now_target = $10, now_state = $11
WHERE source = $1 AND indicator = $2 AND period = $3 AND at_s = $4
"""
_Row = tuple[object, ...]


async def correct_closes(
    db: asyncpg.Connection, source: str, watermark_s: int, found: Sequence[Revised]
) -> None:
    """What days ended with as it is known now, beside what was judged when they ended."""
    of: defaultdict[tuple[str, str], dict[int, Frame]] = defaultdict(dict)
    for one in found:
        of[one.frame.head.indicator, one.frame.head.period][one.at_s] = one.frame
    rows: list[_Row] = []
    for (indicator, period), frames in of.items():
        for kept in await db.fetch(_NOW, source, indicator, period, list(frames)):
            columns = _corrected(kept, frames[kept["at_s"]])
            rows.append((source, indicator, period, kept["at_s"], watermark_s, *columns))
    if rows:
        await db.executemany(_CORRECT, rows)


def _corrected(kept: asyncpg.Record, frame: Frame) -> Iterable[list[object]]:
    targets = kept["target"] or [None] * len(kept["subject"])
    columns = (kept["value"], kept["num"], kept["den"], targets, kept["state"])
    figures: dict[str, _Row] = dict(zip(kept["subject"], zip(*columns, strict=True), strict=True))
    for subject, *figure in zip(
        frame.subjects, frame.values, frame.nums, frame.dens, frame.targets, frame.states,
        strict=True,
    ):  # fmt: skip
        figures[subject] = tuple(figure)
    left = sorted((s, *f) for s, f in figures.items() if f[-1] != GONE)
    return [list(column) for column in zip(*left, strict=True)] if left else [[]] * 6


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
