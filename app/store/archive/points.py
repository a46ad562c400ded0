"""Points: every series of the store into an archive, and back without doubling any."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any

import asyncpg
import numpy as np

from app.domain.series import Batch, OutOfOrder, SeriesDef
from app.store.archive.shape import SERIES, Block, empty, height
from app.store.series.engine import SeriesStore
from app.store.series.pg import PgRows

# Readings are series too, and a table of the archive for themselves.
COUNT = """
WITH own AS (SELECT source_id FROM series_source WHERE NOT starts_with(source, 'readings:'))
SELECT (SELECT coalesce(sum(n), 0) FROM series_chunk JOIN own USING (source_id)
        WHERE last_ms >= $1 * 1000::bigint AND first_ms < $2 * 1000::bigint)
     + (SELECT coalesce(sum(n), 0) FROM series_piece JOIN own USING (source_id)
        WHERE last_ms >= $1 * 1000::bigint AND first_ms < $2 * 1000::bigint)
     + (SELECT coalesce(sum(n), 0) FROM series_journal j JOIN series_mark m USING (source_id)
        JOIN own USING (source_id)
        WHERE j.seq > m.sealed_seq AND j.last_ms >= $1 * 1000::bigint
          AND j.first_ms < $2 * 1000::bigint)
"""
_DECLARED = """
SELECT s.source_id, s.source, r.series_id, r.code, r.unit, r.tick_ms
FROM series_source s JOIN series r USING (source_id)
WHERE NOT starts_with(s.source, 'readings:') ORDER BY s.source, r.code
"""
_TRIES = 5


class OneConnection:
    """Looks like a pool and is one connection, so that every question sees the same view."""

    def __init__(self, db: asyncpg.Connection) -> None:
        self._db = db
        self.fetch, self.fetchrow, self.fetchval = db.fetch, db.fetchrow, db.fetchval

    def get_max_size(self) -> int:
        return 1

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        yield self._db


async def give_points(
    db: asyncpg.Connection, window: tuple[int, int], rows: int
) -> AsyncIterator[Block]:
    """By source and series, oldest first; what holds today."""
    store = SeriesStore(PgRows(OneConnection(db)))
    block = empty(SERIES)
    for source_id, source, series_id, code, unit, tick_ms in await db.fetch(_DECLARED):
        found = await store.raw(source_id, series_id, window[0] * 1000, window[1] * 1000)
        n = len(found.at_ms)
        block["source"] += [source] * n
        block["series"] += [code] * n
        block["unit"] += [unit] * n
        block["tick_ms"] += [tick_ms] * n
        block["at"] += found.at_ms.tolist()
        block["value"] += found.value.tolist()
        if height(block) >= rows:
            yield block
            block = empty(SERIES)
    if height(block):
        yield block


async def take_points(
    pool: asyncpg.Pool, blocks: Iterable[Block], told: Callable[[int], None], known_ms: int
) -> int:
    """Points whose instant has none yet; one that is known here stays as it is."""
    store, new = SeriesStore(PgRows(pool)), 0
    for block in blocks:
        rows = zip(*(block[c] for c in SERIES.columns), strict=True)
        for source, of_source in groupby(rows, key=lambda row: row[0]):
            new += await _take(store, str(source), list(of_source), known_ms)
        told(height(block))
    return new


async def _take(store: SeriesStore, source: str, rows: list[Any], known_ms: int) -> int:
    found = {key: list(part) for key, part in groupby(rows, key=lambda row: row[1:4])}
    declared = await store.declare(
        source, [SeriesDef(code, tick_ms or 0, unit) for code, unit, tick_ms in found]
    )
    series, at, value = [], [], []
    for series_id, part in zip(declared.series_ids, found.values(), strict=True):
        told_at = np.array([row[4] for row in part], np.int64)
        there = await store.raw(
            declared.source_id, series_id, int(told_at.min()), int(told_at.max()) + 1
        )
        missing = ~np.isin(told_at, np.asarray(there.at_ms))
        series.append(np.full(int(missing.sum()), series_id))
        at.append(told_at[missing])
        value.append(np.array([row[5] for row in part], np.float64)[missing])
    columns = np.concatenate(series), np.concatenate(at), np.concatenate(value)
    if len(columns[0]):
        await _append(store, declared.source_id, columns, known_ms)
    return len(columns[0])


async def _append(store: SeriesStore, source_id: int, columns: Any, known_ms: int) -> None:  # noqa: ANN401
    """As the source's next batch; its feed may be writing too, and then the next is another."""
    series, at, value = columns
    for _ in range(_TRIES):
        place = await store.place(source_id)
        known = max(place.known_ms, known_ms)
        batch = Batch(source_id, place.seq + 1, known, series, at, value, place.cursor)
        try:
            if await store.append(batch):
                return
        except OutOfOrder:
            continue
    raise LookupError(
        f"source {source_id} is being written all the time; stop the installation and import again"
    )
