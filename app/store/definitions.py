"""Definitions: every version of every indicator that ever judged, numbered as they came."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

import asyncpg

from app.domain.indicator import Indicator
from app.domain.why import version_of

_RECORD = """
INSERT INTO definition_version (indicator, version, number, from_s, body)
SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4::jsonb FROM definition_version
WHERE indicator = $1
HAVING NOT coalesce(bool_or(version = $2), false)
"""


class PgDefinitions:
    """Writes them down; a version that comes back keeps its number."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def record(self, indicators: Iterable[Indicator], at_s: int) -> None:
        """Note what is defined now; ``at_s`` is data time."""
        rows = [
            (i.id, version_of(i), at_s, json.dumps(asdict(i), ensure_ascii=False))
            for i in indicators
        ]
        async with self._pool.acquire() as db, db.transaction():
            await db.execute("LOCK TABLE definition_version IN SHARE ROW EXCLUSIVE MODE")
            await db.executemany(_RECORD, rows)
