"""Partitions: one a month of buckets, made ahead of time and dropped when its time is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import asyncpg

# Another arrives at the same thought: one at a time, and the second finds it done.
_LOCK = "SELECT pg_advisory_xact_lock(4920)"
_THERE = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'series_chunk'::regclass
"""
AHEAD = 2


async def make_room(pool: asyncpg.Pool, days: Sequence[date]) -> list[str]:
    """The months of these days; returns the partitions made."""
    wanted = {month_of(d) for d in days}
    if not wanted:
        return []
    async with pool.acquire() as db:
        there = {r["relname"] for r in await db.fetch(_THERE)}
        missing = sorted(m for m in wanted if _name(m) not in there)
        made = []
        for month in missing:
            made += await _make(db, month)
    return made


async def make_ahead(pool: asyncpg.Pool, today: date) -> list[str]:
    """This month and the next ones, so that no seal has to wait for one."""
    months = [month_of(today)]
    for _ in range(AHEAD):
        months.append(_next(months[-1]))
    return await make_room(pool, months)


async def drop_before(pool: asyncpg.Pool, day: date) -> list[str]:
    """Retention: partitions that lie wholly before this day; returns what was dropped.

    A bucket is at most a month wide and lies in the partition of its first day, so a month is
    over once the month after it is.
    """
    async with pool.acquire() as db, db.transaction():
        await db.execute(_LOCK)
        names = sorted(r["relname"] for r in await db.fetch(_THERE))
        over = [n for n in names if _next(_next(_month(n))) <= day]
        if over:
            # Who holds sealed rows in memory tells by the marks that they are not the same now.
            await db.execute("UPDATE series_mark SET sealed_seq = sealed_seq")
        for name in over:
            await db.execute(f"DROP TABLE {name}")
    return over


def month_of(day: date) -> date:
    return day.replace(day=1)


async def _make(db: asyncpg.Connection, month: date) -> list[str]:
    name = _name(month)
    async with db.transaction():
        await db.execute(_LOCK)
        if name in {r["relname"] for r in await db.fetch(_THERE)}:
            return []
        # Made apart and attached: readers of the other months need not wait.
        await db.execute(f"CREATE TABLE {name} (LIKE series_chunk INCLUDING ALL)")
        await db.execute(
            f"ALTER TABLE series_chunk ATTACH PARTITION {name}"
            f" FOR VALUES FROM ('{month}') TO ('{_next(month)}')"
        )
    return [name]


def _name(month: date) -> str:
    return f"series_chunk_{month:%Y_%m}"


def _month(name: str) -> date:
    year, month = name.removeprefix("series_chunk_").split("_")
    return date(int(year), int(month), 1)


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
