"""Sealing: turns what was written into sealed buckets, in the background and a bit at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import asyncpg
import structlog

from app.store.pulse import REFUSALS
from app.store.series.engine import SeriesStore
from app.store.series.partitions import drop_before, make_ahead

log = structlog.get_logger("store")
EVERY_S = 5.0
# A piece of a bucket should hold some points, or there are more pieces than points: what is not
# many points waits for six hours of knowledge. Until then it lies in the journal, packed as well.
WAITS_MS = 6 * 3_600_000
# While a source loads years of history, its journal may hold so many times what a seal may.
WHILE_LOADING = 4
_DUE = """
SELECT p.source_id FROM series_place p JOIN series_mark m USING (source_id)
JOIN series_source s USING (source_id)
LEFT JOIN source_state f ON 'readings:' || f.source = s.source
CROSS JOIN LATERAL (
    SELECT coalesce(sum(j.n), 0) AS points, min(j.known_ms) AS oldest_ms FROM series_journal j
    WHERE j.source_id = p.source_id AND j.seq > m.sealed_seq
) tail
WHERE tail.points >= CASE WHEN coalesce(f.caught_up, true) THEN $1::bigint ELSE $1 * $2 END
   OR (coalesce(f.caught_up, true) AND tail.oldest_ms <= p.known_ms - $3::bigint)
ORDER BY p.source_id
"""
_NEWEST = "SELECT max(known_ms) FROM series_place WHERE seq > 0"


class SeriesKeeper:
    """Seals, makes months ahead of time and drops those whose time is over."""

    def __init__(
        self, pool: asyncpg.Pool, series: SeriesStore, points: int, days: Callable[[], int]
    ) -> None:
        """``points``: how many are sealed at once; ``days`` history is kept, 0: for ever."""
        self._pool, self._series, self._points, self._days = pool, series, points, days
        self._refused: str | None = None
        self._day: date | None = None

    def refusal(self) -> str | None:
        """Why the server takes nothing that is sealed, though it answers."""
        return self._refused

    async def prove_room(self) -> None:
        """The next seal proves it."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; a server that is lost or full is tried again, and nobody waits."""
        while not stop.is_set():
            try:
                await self.step()
                self._refused = None
            except REFUSALS as refused:
                self._refused = f"{type(refused).__name__}: {refused}"
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("sealing waits", error=repr(error))
            try:
                await asyncio.wait_for(stop.wait(), EVERY_S)
            except TimeoutError:
                continue

    async def step(self) -> int:
        """One seal of each source that is due; gives how many points were sealed."""
        await self._months()
        due = await self._pool.fetch(_DUE, self._points, WHILE_LOADING, WAITS_MS)
        points = 0
        for row in due:
            done = await self._series.seal_step(row["source_id"])
            points += done.points if done is not None else 0
        return points

    async def _months(self) -> None:
        """Once a day of knowledge."""
        newest_ms = await self._pool.fetchval(_NEWEST)
        if newest_ms is None:
            return
        today = datetime.fromtimestamp(newest_ms / 1000, UTC).date()
        if today == self._day:
            return
        await make_ahead(self._pool, today)
        if days := self._days():
            dropped = await drop_before(self._pool, today - timedelta(days))
            if dropped:
                log.info("history dropped: its time is over", months=dropped)
        self._day = today
