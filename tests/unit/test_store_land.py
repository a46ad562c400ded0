"""The land in the store: rows by date, and a database that refuses a unit standing twice."""

from __future__ import annotations

from datetime import date

import asyncpg
import pytest

from app.domain.land import held_on
from app.profile import load_profile, profile_folder
from app.store.land import agencies_on, areas_on, keep_land
from tests.unit.store_stage import store_migrated, store_pool, store_postgres

__all__ = ["store_migrated", "store_pool", "store_postgres"]

PROFILE = load_profile(profile_folder("laocai"))
DAYS = [date(2022, 10, 3), date(2024, 10, 31), date(2024, 11, 1), date(2025, 6, 30),
        date(2025, 7, 1), date(2031, 1, 1)]  # fmt: skip


async def test_the_rows_of_a_day_are_the_profiles_of_that_day(pool: asyncpg.Pool):
    for _ in range(2):  # a second start finds everything there
        await keep_land(pool, PROFILE)
    for day in DAYS:
        kept = await areas_on(pool, day)
        told = [(a.id, a.code, a.level, a.name_vi, a.parent) for a in PROFILE.areas.on(day)]
        assert sorted(kept) == sorted(told)
        members = PROFILE.members
        tree = members.tree_on(day)
        assert await agencies_on(pool, day) == {
            f"agency:{code}": members.place(code, tree)
            for code in PROFILE.agencies
            if members.stands(f"agency:{code}", tree)
        }


async def test_succession_centres_and_codes_are_there_with_their_days(pool: asyncpg.Pool):
    await keep_land(pool, PROFILE)
    told = await pool.fetch("SELECT effective, count(*) FROM area_succession GROUP BY 1 ORDER BY 1")
    assert [tuple(r) for r in told] == [(date(2024, 11, 1), 1), (date(2025, 7, 1), 151)]
    assert await pool.fetchval("SELECT count(*) FROM operation_centre") == len(PROFILE.centres)
    assert await pool.fetchval("SELECT count(*) FROM subject_code") == len(PROFILE.codes)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("INSERT INTO area SELECT number, code, level, name_vi, parent, origin, '2025-06-30', NULL"
         " FROM area JOIN subject_key USING (number) WHERE id = 'area:02641'", "area_stands_once"),
        ("INSERT INTO agency_area SELECT agency, area, tier, '2024-01-01', '2024-01-02'"
         " FROM agency_area LIMIT 1", "agency_in_one_area"),
        ("INSERT INTO operation_centre SELECT 'x', 'x', area, '2024-01-01', NULL, ''"
         " FROM operation_centre WHERE id = 'sapa' LIMIT 1", "area_in_one_centre"),
    ],
)  # fmt: skip
async def test_overlaps_are_refused_without_any_extension(pool, statement: str, constraint: str):
    await keep_land(pool, PROFILE)
    with pytest.raises(asyncpg.ExclusionViolationError, match=constraint):
        await pool.execute(statement)
    assert await pool.fetchval("SELECT count(*) FROM pg_extension WHERE extname <> 'plpgsql'") == 0


async def test_the_day_after_the_last_is_no_overlap(pool: asyncpg.Pool):
    await keep_land(pool, PROFILE)
    await pool.execute(
        "INSERT INTO area SELECT number, code, level, name_vi, parent, origin, '2025-07-01', NULL"
        " FROM area JOIN subject_key USING (number) WHERE id = 'area:02641'"
    )


def test_centres_and_codes_are_asked_by_date() -> None:
    before, after = date(2025, 6, 30), date(2025, 7, 1)
    assert {c.area for c in held_on(PROFILE.centres, before)} == {
        "area:10", "area:080", "area:088",
    }  # fmt: skip
    assert "area:15@2025" in {c.area for c in held_on(PROFILE.centres, after)}
    joint = {
        c.subject for c in held_on(PROFILE.codes, before) if (c.scheme, c.code) == ("tax", "1102")
    }
    assert joint == {"area:083", "group:1101-1102"}
    named = {
        c.subject for c in held_on(PROFILE.codes, after) if (c.scheme, c.code) == ("gso", "02647")
    }
    assert named == {"area:02647@2025"}
