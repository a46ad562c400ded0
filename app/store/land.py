"""The land as plain rows: areas, succession, memberships, centres and codes, by date."""

from __future__ import annotations

from datetime import date, timedelta

import asyncpg

from app.domain.profile import Profile

_TABLES = ("subject_code", "operation_centre", "agency_area", "area_succession", "area")
_ON = """
SELECT k.id, a.code, a.level, a.name_vi, p.id AS parent
FROM area a JOIN subject_key k USING (number) LEFT JOIN subject_key p ON p.number = a.parent
WHERE daterange(a.valid_from, a.valid_to, '[]') @> $1::date ORDER BY k.number
"""
_AGENCIES_ON = """
SELECT g.id AS agency, k.id AS area
FROM agency_area m JOIN subject_key g ON g.number = m.agency JOIN subject_key k ON k.number = m.area
WHERE daterange(m.valid_from, m.valid_to, '[]') @> $1::date ORDER BY g.number
"""


async def keep_land(pool: asyncpg.Pool, profile: Profile) -> None:
    """Make the tables say what the profile says; two processes that start at once wait in turn."""
    async with pool.acquire() as db, db.transaction():
        await db.execute("LOCK TABLE subject_key IN SHARE ROW EXCLUSIVE MODE")
        for table in _TABLES:
            await db.execute(f"DELETE FROM {table}")
        wanted = [s.id for s in profile.subjects.values()]
        await db.execute(
            "INSERT INTO subject_key (id) SELECT * FROM unnest($1::text[])"
            " ON CONFLICT (id) DO NOTHING",
            wanted,
        )
        rows = await db.fetch("SELECT id, number FROM subject_key")
        await _write(db, profile, {r["id"]: r["number"] for r in rows})


async def areas_on(pool: asyncpg.Pool, on: date) -> list[tuple[str, str, str, str, str | None]]:
    """Id, code, level, name and parent of every unit of a day."""
    return [tuple(r) for r in await pool.fetch(_ON, on)]


async def agencies_on(pool: asyncpg.Pool, on: date) -> dict[str, str]:
    """The smallest area each agency counts for on a day."""
    return {r["agency"]: r["area"] for r in await pool.fetch(_AGENCIES_ON, on)}


async def _write(db: asyncpg.Connection, profile: Profile, number: dict[str, int]) -> None:
    areas = profile.areas.units
    await db.executemany(
        "INSERT INTO area VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            (
                number[a.id], a.code, a.level, a.name_vi,
                number[a.parent] if a.parent is not None else None,
                a.origin, a.valid_from, a.valid_to,
            )
            for a in areas
        ],
    )  # fmt: skip
    ends = {a.id: a.valid_to for a in areas}
    await db.executemany(
        "INSERT INTO area_succession VALUES ($1, $2, $3)",
        [
            (number[old], number[a.id], _day_after(ends[old]) or a.valid_from)
            for a in areas
            for old in a.predecessors
        ],
    )
    await db.executemany(
        "INSERT INTO agency_area VALUES ($1, $2, $3, $4, $5)",
        [
            (number[f"agency:{code}"], number[area], tier, begins, until)
            for code, area, tier, begins, until in profile.members.places()
        ],
    )
    await db.executemany(
        "INSERT INTO operation_centre VALUES ($1, $2, $3, $4, $5, $6)",
        [
            (c.id, c.name_vi, number[c.area], c.valid_from, c.valid_to, c.assumption)
            for c in profile.centres
        ],
    )
    await db.executemany(
        "INSERT INTO subject_code VALUES ($1, $2, $3, $4, $5)",
        [(c.scheme, c.code, number[c.subject], c.valid_from, c.valid_to) for c in profile.codes],
    )


def _day_after(last: date | None) -> date | None:
    return last + timedelta(days=1) if last is not None else None
