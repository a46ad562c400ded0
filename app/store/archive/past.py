"""Past: the full history of readings into an archive, and frames of an archive into history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

import asyncpg

from app.store.archive.points import OneConnection
from app.store.archive.shape import READINGS, Block, empty, height
from app.store.past.parts import Figures, Framed
from app.store.past.readings import Asked, PastReadings

_SPAN = """
SELECT least((SELECT min(first_ms) FROM series_chunk WHERE source_id = $1),
             (SELECT min(first_ms) FROM series_piece WHERE source_id = $1),
             (SELECT min(first_ms) FROM series_journal WHERE source_id = $1)) / 1000,
       greatest((SELECT max(last_ms) FROM series_chunk WHERE source_id = $1),
                (SELECT max(last_ms) FROM series_piece WHERE source_id = $1),
                (SELECT max(last_ms) FROM series_journal WHERE source_id = $1)) / 1000
"""
_CLOSES = """
SELECT at_s FROM reading_frame
WHERE source = $1 AND indicator = $2 AND period = $3 AND at_s BETWEEN $4 AND $5 AND closes_day
"""
# As many days as lie in one bucket: more at once would not be read any faster.
_AT_ONCE_S = 8 * 86400


async def give_readings(
    db: asyncpg.Connection, window: tuple[int, int], rows: int
) -> AsyncIterator[Block]:
    """By source, indicator, period and instant; what holds today."""
    past, block = PastReadings(OneConnection(db)), empty(READINGS)
    for source, source_id, indicator, period in await past.keys():
        first_s, last_s = await db.fetchrow(_SPAN, source_id)
        if first_s is None:
            continue
        begin, end = max(first_s, window[0]), min(last_s, window[1] - 1)
        while begin <= end:
            until = min(end, begin - begin % _AT_ONCE_S + _AT_ONCE_S - 1)
            asked = Asked(indicator, period, None, begin, until)
            ends = await db.fetch(_CLOSES, source, indicator, period, begin, until)
            closes = {r[0] for r in ends}
            async for _, figures, who in past.figures(asked, source):
                _put(block, (source, indicator, period), figures, who, closes)
            if height(block) >= rows:
                yield block
                block = empty(READINGS)
            begin = until + 1
    if height(block):
        yield block


def _put(
    block: Block, name: tuple[str, str, str], f: Figures, who: dict[int, str], closes: set[int]
) -> None:
    order = sorted(range(len(f.at_s)), key=lambda n: (f.at_s[n], who[f.number[n]]))
    for column, told in zip(("source", "indicator", "period"), name, strict=True):
        block[column] += [told] * len(order)
    for column, given in (
        ("value", f.value), ("num", f.num), ("den", f.den), ("target", f.target),
        ("state", f.state),
    ):  # fmt: skip
        block[column] += [given[n] for n in order]
    for column, instants in (
        ("at", f.at_s), ("period_begins", f.period_s), ("watermark", f.watermark_s)
    ):  # fmt: skip
        block[column] += [instants[n] * 1000 for n in order]
    block["subject"] += [who[f.number[n]] for n in order]
    block["closes_day"] += [f.at_s[n] in closes for n in order]


async def missing(past: PastReadings, source: str, framed: Sequence[Framed]) -> list[Framed]:
    """Those of which nothing is known at their instant."""
    of: defaultdict[tuple[str, str], list[Framed]] = defaultdict(list)
    for one in framed:
        of[one.frame.head.indicator, one.frame.head.period].append(one)
    found = []
    for (indicator, period), some in of.items():
        first, last = min(f.at_s for f in some), max(f.at_s for f in some)
        there = await past.instants(source, Asked(indicator, period, None, first, last))
        found += [f for f in some if f.at_s not in there]
    return sorted(found, key=lambda f: f.watermark_s)
