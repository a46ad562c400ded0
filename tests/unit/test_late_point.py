"""A point sixty days late, on a real server: every query tells it, and nothing else moves."""

from __future__ import annotations

import random
from collections.abc import Sequence

import asyncpg
import pytest

from app.domain.access import EVERYTHING
from app.domain.feed import Page
from app.domain.judged import Frame
from app.domain.profile import Profile
from app.domain.reading import Reading
from app.domain.record import Event, RecordUpdate, Version
from app.evaluation.follow import Follower
from app.evaluation.source import Occasion, SourceEvaluation
from app.profile import load_profile, profile_folder
from app.store.pages import PgPages
from app.store.readings import PgReadings
from app.store.rebase import rebase
from app.store.sealing import SeriesKeeper
from tests.unit.store_stage import store_migrated, store_pool, store_postgres
from tests.unit.test_rebase import DAY, SOURCE, judge, only

__all__ = ["store_migrated", "store_pool", "store_postgres"]

WHOLE = load_profile(profile_folder("laocai"))
PROFILE = only(WHOLE, "inv.issued", "inv.rejected", "inv.enterprises")
GROUPS = sorted(s.partition(":")[2] for s in WHOLE.subjects if s.startswith("group:"))
BEGAN, DAYS = WHOLE.began_s, 75
Known = dict[tuple[str, str, int, str], tuple[object, ...]]


def hour(group: str, at_s: int, sent_s: int, issued: int) -> RecordUpdate:
    amounts = {"issued": issued, "value": issued * 1000, "gap": 0, "answered": 50, "rejected": 3,
               "sent": 9, "acknowledged": 9}  # fmt: skip
    version = Version(sent_s, at_s + 3599, amounts=amounts, events=(Event(at_s, "done"),))
    return RecordUpdate("invoice_hour", f"{group}@{at_s}", group, "", version)


def page(number: int, up_to_s: int, *updates: RecordUpdate) -> Page:
    return Page(updates, (), str(number), False, up_to_s, len(updates), f"{number:064d}")


def pages() -> list[Page]:
    """A page a day, some hours told anew some days later."""
    rng, found = random.Random(7), []
    for number in range(1, DAYS + 1):
        up_to_s = BEGAN + number * DAY + 600
        updates = [
            hour(g, BEGAN + (number - 1) * DAY + 3600 * h, up_to_s - 5, rng.randrange(90))
            for g in GROUPS[:3]
            for h in (8, 9)
        ]
        if number > 10 and number % 3 == 0:
            back = BEGAN + (number - rng.randrange(2, 9)) * DAY + 8 * 3600
            updates.append(hour(GROUPS[0], back, up_to_s - 4, rng.randrange(90)))
        found.append(page(number, up_to_s, *updates))
    return found


async def take(pool: asyncpg.Pool, given: Sequence[Page], first: int = 1) -> PgReadings:
    """As a worker does, from its start on."""
    stored, readings = PgPages(pool, {SOURCE: judge(PROFILE)}), PgReadings(pool)
    await rebase(pool, SOURCE, judge(PROFILE))
    await stored.open_source(SOURCE)
    follower = Follower(SOURCE, PROFILE, stored, readings)
    for seq, one in enumerate(given, first):
        await stored.commit(SOURCE, seq, one, one.up_to_s)
        while await follower.step():
            pass
    return readings


async def history(readings: PgReadings, as_of_s: int | None = None) -> list[Reading]:
    found = []
    for indicator in PROFILE.indicators.values():
        for period in indicator.periods:
            found += await readings.history(
                EVERYTHING, indicator=indicator.id, subjects=None, period=period,
                from_s=BEGAN, to_s=BEGAN + 2 * DAYS * DAY, as_of_s=as_of_s,
            )  # fmt: skip
    return found


def told(found: Sequence[Reading]) -> Known:
    """Zeros say the same as nothing: what was counted and taken back, and what never was."""
    return {
        (r.indicator, r.period, r.at_s, r.subject): (r.value, r.num, r.den, r.target, r.state)
        for r in found
        if r.num or r.den
    }


async def rebuilt(pool: asyncpg.Pool, profile: Profile, instants: set[int]) -> Known:
    """Judged anew with every page known before the first instant."""
    evaluation = SourceEvaluation(SOURCE, profile)
    evaluation.tally.start(profile.began_s, profile.began_s)
    for one in await PgPages(pool).pages_since(SOURCE, 0, 1000):
        evaluation.tally.add(one.steps)
    found: Known = {}
    for at_s in sorted(instants):
        evaluation.tally.advance(at_s)
        for frame in evaluation.judge(0, 0, Occasion(True, True, day=True)).frames:
            found |= _figures(at_s, frame)
    return found


def _figures(at_s: int, f: Frame) -> Known:
    columns = zip(f.subjects, f.values, f.nums, f.dens, f.targets, f.states, strict=True)
    name = (f.head.indicator, f.head.period, at_s)
    return {(*name, s): (v, n, d, t, x) for s, v, n, d, t, x in columns if n or d}


@pytest.mark.parametrize("sealed", [False, True])
async def test_a_point_sixty_days_late(pool: asyncpg.Pool, sealed: bool) -> None:
    readings = await take(pool, pages())
    keeper = SeriesKeeper(pool, readings.series_past.series, 100, lambda: 0)
    while sealed and await keeper.step():
        pass
    before = await history(readings)
    known_s = BEGAN + DAYS * DAY + 600
    late_s = BEGAN + (DAYS - 60) * DAY + 20 * 3600
    late = page(DAYS + 1, known_s + 60, hour(GROUPS[1], late_s, known_s + 50, 1000))
    readings = await take(pool, [late], DAYS + 1)

    after = await history(readings)
    was, now = told(before), told([r for r in after if r.at_s <= known_s])
    assert now == await rebuilt(pool, PROFILE, {r.at_s for r in before})
    moved = {k for k in was.keys() | now.keys() if was.get(k) != now.get(k)}
    issued = {k for k in moved if k[0] == "inv.issued"}
    assert issued
    assert all(k[2] >= late_s and k[3] in ("area:10", f"group:{GROUPS[1]}") for k in moved)
    assert {now[k][1] - was[k][1] if k in was else now[k][1] for k in issued} == {1000}
    # As of then, history is what it was, and of what is not moved nothing is written anew.
    assert told(await history(readings, known_s)) == was
    # Plain SQL tells the same as the series, and the newest figures count it too.
    daily = await pool.fetch(
        "SELECT indicator, period, subject, num, watermark_s, extract(epoch FROM"
        " (day + 1)::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh')::bigint - 1 AS at_s"
        " FROM reading_daily WHERE num <> 0"
    )
    closes = {(r["indicator"], r["period"], r["at_s"], r["subject"]): r["num"] for r in daily}
    assert closes == {k: n[1] for k, n in told(after).items() if k in closes}
    assert closes.keys() == {k for k in told(after) if (k[2] - BEGAN + 1) % DAY == 0 and
                             told(after)[k][1]}  # fmt: skip
    latest = {(r.indicator, r.period, r.subject): r.num for r in await readings.latest(EVERYTHING)}
    year = [k for k in issued if k[1] == "year" and k[3] == "area:10"]
    if year:
        assert latest["inv.issued", "year", "area:10"] == now[max(year, key=lambda k: k[2])][1]
    # Told again, it changes nothing at all.
    again = page(DAYS + 2, known_s + 90, hour(GROUPS[1], late_s, known_s + 50, 1000))
    readings = await take(pool, [again], DAYS + 2)
    assert [r for r in await history(readings) if r.at_s <= known_s + 60] == [
        r for r in after if r.at_s <= known_s + 60
    ]
