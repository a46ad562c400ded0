"""Lists of cases, quarantined payloads and source health, as screens read them."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from app.domain.access import Visible
from app.domain.ports import CaseRow, QuarantineRow
from app.domain.quality_alert import Drift
from app.domain.source import Pulse, SourceHealth
from app.store.pages import PgPages
from app.store.pulse import read_pulse

# What was overdue at an instant, and since when: one that was not always so has its runs.
_WHERE = """
FROM record LEFT JOIN LATERAL (
    SELECT lower(run) AS since FROM unnest(overdue) AS run
    WHERE run @> to_timestamp($2) AND NOT upper_inf(run)
) AS over ON true
WHERE kind = $1
  AND (overdue IS NULL AND ended IS NULL AND late <= to_timestamp($2)
       OR overdue @> to_timestamp($2))
  AND ($3::text[] IS NULL OR owner = ANY($3)) AND ($4::text IS NULL OR sector = $4)
  AND ($5::text[] IS NULL OR 'agency:' || owner = ANY($5) OR 'group:' || owner = ANY($5)
       OR 'sector:' || sector = ANY($5))
"""
_DRIFTS = """
SELECT source, min(known_s) AS since_s, sum(count)::bigint AS count,
       (array_agg(reason ORDER BY id DESC))[1] AS reason
FROM quarantine WHERE replayed IS NULL AND NOT whole_page GROUP BY source ORDER BY source
"""


def _epoch(value: object) -> int | None:
    return None if value is None else int(value.timestamp())  # type: ignore[attr-defined]


class PgCases:
    """Overdue cases straight from the typed columns of table ``record``."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def overdue(
        self,
        visible: Visible,
        *,
        kind: str,
        owners: Sequence[str] | None,
        sector: str | None,
        at_s: int,
        limit: int,
        after: str | None,
    ) -> tuple[int, list[CaseRow]]:
        seen = None if visible.subjects is None else sorted(visible.subjects)
        skip = int(after) if after and after.isdigit() else 0
        async with self._pool.acquire() as db:
            total = await db.fetchval(f"SELECT count(*) {_WHERE}", kind, at_s, owners, sector, seen)
            rows = await db.fetch(
                f"SELECT kind, code, owner, sector, received, due, coalesce(since, late) AS late"
                f" {_WHERE}"
                " ORDER BY late, code LIMIT $6 OFFSET $7",
                kind, at_s, owners, sector, seen, limit, skip,
            )  # fmt: skip
        return total, [
            CaseRow(
                r["code"], r["kind"], r["owner"], r["sector"],
                _epoch(r["received"]) or 0, _epoch(r["due"]), _epoch(r["late"]),
            )
            for r in rows
        ]  # fmt: skip


class PgSources:
    """Health of every source, and what was set aside."""

    def __init__(self, pool: asyncpg.Pool, began_s: int) -> None:
        self._pool = pool
        self._pages = PgPages(pool)
        self._began_s = began_s

    async def health(self) -> list[SourceHealth]:
        return await self._pages.health(self._began_s)

    async def drifts(self) -> list[Drift]:
        async with self._pool.acquire() as db:
            rows = await db.fetch(_DRIFTS)
        return [Drift(r["source"], r["since_s"], r["count"], r["reason"]) for r in rows]

    async def pulse(self) -> Pulse:
        return await read_pulse(self._pool)

    async def quarantine(
        self, visible: Visible, source: str | None, limit: int, before: int | None = None
    ) -> list[QuarantineRow]:
        if visible.subjects is not None:
            return []  # a payload nobody could read is of no subject
        async with self._pool.acquire() as db:
            rows = await db.fetch(
                "SELECT * FROM quarantine WHERE ($1::text IS NULL OR source = $1)"
                " AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $2",
                source,
                limit,
                before,
            )
        return [
            QuarantineRow(
                r["id"], r["source"], r["known_s"], r["reason"],
                r["payload"][:4000].decode("utf-8", "replace"), r["count"],
                r["whole_page"], r["replayed"] is not None,
            )
            for r in rows
        ]  # fmt: skip
