"""A changed definition makes stored steps anew, a new indicator gets its past; real Postgres."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from app.domain.access import EVERYTHING
from app.domain.feed import Page
from app.domain.measure import Measures
from app.domain.on_time import Rules
from app.domain.profile import Profile
from app.domain.record import Event, RecordUpdate, Version
from app.domain.recount import Anew, apart
from app.evaluation.follow import Follower
from app.evaluation.history import backfill
from app.evaluation.rebuild import Report, compare
from app.evaluation.rewalk import rewalk
from app.profile import load_profile, profile_folder
from app.store.embedded import EmbeddedPostgres
from app.store.kept import PgKept
from app.store.migrate import upgrade
from app.store.pages import PgPages
from app.store.readings import PgReadings
from app.store.rebase import rebase
from app.store.records import Dates, Judge
from app.store.recount import make_anew

SOURCE = "einvoice"
DAY = 86400


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="ioc-test-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder)
    try:
        yield postgres.start()
    finally:
        postgres.stop()
        shutil.rmtree(folder)


async def database(server: str, name: str) -> asyncpg.Pool:
    made = await asyncpg.connect(server)
    await made.execute(f"CREATE DATABASE {name}")
    await made.close()
    url = server.rsplit("/", 1)[0] + f"/{name}"
    await asyncio.to_thread(upgrade, url)
    return await asyncpg.create_pool(url, min_size=1, max_size=4)


def only(profile: Profile, *ids: str) -> Profile:
    return replace(profile, indicators={i: profile.indicators[i] for i in ids})


def judge(profile: Profile) -> Judge:
    measures = Measures(list(profile.indicators.values()), Rules(profile.holidays))
    nothing = Dates(None, None, None, None)
    return Judge(
        measures.fingerprint(), "einvoice@1", measures.steps, lambda _: nothing, apart(measures)
    )


def pages(began_s: int, groups: list[str]) -> list[Page]:
    """Six days of hours and enterprises, with corrections of earlier ones."""
    rng = random.Random(4)
    found = []
    for number in range(1, 25):
        up_to = began_s + number * DAY // 4 - 5
        updates = []
        for _ in range(15):
            group, hour = rng.choice(groups), began_s + rng.randrange(number * 6) * 3600
            sent, answered = up_to - rng.randrange(600), rng.randrange(5, 90)
            amounts = {
                "issued": rng.randrange(90), "value": rng.randrange(10**9), "gap": 0,
                "answered": answered, "rejected": rng.randrange(5), "sent": 9, "acknowledged": 9,
            }  # fmt: skip
            version = Version(sent, hour + 3599, amounts=amounts, events=(Event(hour, "done"),))
            updates.append(RecordUpdate("invoice_hour", f"{group}@{hour}", group, "", version))
            code = f"53{rng.randrange(40):08d}"
            flags = frozenset(("accepted", "invoiced") if rng.random() < 0.5 else ("accepted",))
            updates.append(
                RecordUpdate(
                    "enterprise", code, groups[int(code) % len(groups)], "",
                    Version(sent, flags=flags), (Event(sent - 5, "+active"),),
                )
            )  # fmt: skip
        found.append(
            Page(tuple(updates), (), str(number), number < 24, up_to, 30, f"{number:064d}")
        )
    return found


async def run(pool: asyncpg.Pool, profile: Profile, given: list[Page], first: int = 1) -> None:
    stored, readings = PgPages(pool, {SOURCE: judge(profile)}), PgReadings(pool)
    await stored.open_source(SOURCE)
    for seq, page in enumerate(given, first):
        await stored.commit(SOURCE, seq, page, page.up_to_s)
    follower = Follower(SOURCE, profile, stored, readings)
    while await follower.step():
        pass


async def closes(pool: asyncpg.Pool, indicator: str) -> list[tuple[object, ...]]:
    rows = await pool.fetch(
        "SELECT period, day, subject, value, num, den, target, state FROM reading_daily"
        " WHERE indicator = $1 ORDER BY 1, 2, 3",
        indicator,
    )
    return [tuple(r) for r in rows]


async def newest(pool: asyncpg.Pool) -> set[tuple[object, ...]]:
    # What was counted and corrected away says the same as what was never counted.
    found = [r for r in await PgReadings(pool).latest(EVERYTHING) if r.num or r.den]
    return {(r.indicator, r.subject, r.period, r.value, r.num, r.den, r.state) for r in found}


async def replayed(pool: asyncpg.Pool, profile: Profile) -> Report:
    return await compare(SOURCE, profile, PgPages(pool), PgKept(pool, PgReadings(pool)))


async def test_a_definition_added_later_ends_where_one_there_from_the_start_does(
    server: str,
) -> None:
    whole = load_profile(profile_folder("laocai"))
    groups = [s.partition(":")[2] for s in whole.subjects if s.startswith("group:")]
    given = pages(whole.began_s, groups)
    before = only(whole, "inv.issued")
    # The new one comes first, so that every number of before means another indicator now.
    after = only(whole, "inv.rejected", "inv.enterprises", "inv.issued")
    late, early = await database(server, "late"), await database(server, "early")
    try:
        assert not await rebase(late, SOURCE, judge(before))
        await run(late, before, given[:20])
        assert not await rebase(late, SOURCE, judge(before)), "nothing changed"
        heard: list[int] = []
        assert await rebase(late, SOURCE, judge(after), heard.append)
        assert heard
        stored, readings = PgPages(late, {SOURCE: judge(after)}), PgReadings(late)
        assert await backfill(SOURCE, after, stored, readings) == 4
        assert await backfill(SOURCE, after, stored, readings) == 0
        await run(late, after, given[20:], 21)
        # The other has seen the same 20 pages before a day of theirs was judged.
        assert not await rebase(early, SOURCE, judge(after))
        await run(early, after, given)
        assert await newest(late) == await newest(early) != set()
        report = await replayed(early, after)
        assert (report.differences, report.told) == (0, [])
        assert report.compared > 200
        assert report.passed_over == 0
        await early.execute("UPDATE reading_latest SET num = num + 1 WHERE subject = 'area:10'")
        assert (await replayed(early, after)).differences > 0
        assert (await closes(late, "inv.issued"))[-1] == (await closes(early, "inv.issued"))[-1]
        assert {c[1] for c in await closes(late, "inv.rejected")} == {
            c[1] for c in await closes(early, "inv.rejected")
        }
    finally:
        await late.close()
        await early.close()


async def test_readings_of_a_definition_taken_away_are_not_shown(server: str) -> None:
    whole = load_profile(profile_folder("laocai"))
    groups = [s.partition(":")[2] for s in whole.subjects if s.startswith("group:")]
    both, one = only(whole, "inv.issued", "inv.rejected"), only(whole, "inv.rejected")
    pool = await database(server, "away")
    try:
        await rebase(pool, SOURCE, judge(both))
        await run(pool, both, pages(whole.began_s, groups))
        assert await rebase(pool, SOURCE, judge(one))
        await PgReadings(pool).forget_others(SOURCE, list(one.indicators))
        shown = await PgReadings(pool).latest(EVERYTHING)
        assert {r.indicator for r in shown} == {"inv.rejected"}
        assert await closes(pool, "inv.issued"), "history is kept"
    finally:
        await pool.close()


async def stored_steps(pool: asyncpg.Pool) -> list[tuple[int, list[object]]]:
    found = await PgPages(pool).pages_since(SOURCE, 0, 1000)
    return [(p.seq, sorted(p.steps)) for p in found]


async def unrelated(pool: asyncpg.Pool, number: int) -> list[tuple[int, list[object]]]:
    return [(n, [s for s in told if s[2] != number]) for n, told in await stored_steps(pool)]  # type: ignore[index]


def remeasured(profile: Profile, name: str, *den: str) -> Profile:
    old = profile.indicators[name]
    new = replace(old, measure=replace(old.measure, den=den))
    return replace(profile, indicators=profile.indicators | {name: new})


async def test_an_edited_measure_is_counted_anew_alone_and_a_rebuild_agrees(server: str) -> None:
    whole = load_profile(profile_folder("laocai"))
    groups = [s.partition(":")[2] for s in whole.subjects if s.startswith("group:")]
    given = pages(whole.began_s, groups)
    before = only(whole, "inv.issued", "inv.rejected", "inv.enterprises")
    edited = remeasured(before, "inv.rejected", "issued")
    live, straight = await database(server, "live"), await database(server, "straight")
    try:
        stored, readings = PgPages(live, {SOURCE: judge(before)}), PgReadings(live)
        assert not await make_anew(live, SOURCE, judge(before))
        await stored.open_source(SOURCE)
        follower = Follower(SOURCE, before, stored, readings)
        for following, some in ((edited, given[:9]), (before, given[9:18]), (None, given[18:])):
            for page in some:
                await stored.commit(SOURCE, int(page.cursor), page, page.up_to_s)
            while await follower.step():
                pass
            if following is None:
                break
            others = await unrelated(live, 1)
            async with follower.still():
                anew = await make_anew(live, SOURCE, judge(following))
                assert anew == Anew(some=frozenset(("inv.rejected",)))
                assert await unrelated(live, 1) == others, "of others nothing moves"
                assert await rewalk(SOURCE, following, stored, readings) > 0
                stored.judge_by(SOURCE, judge(following))
                await follower.adopt(following, remade=anew.all, recounted=anew.some)
            report = await replayed(live, following)
            assert (report.differences, report.told) == (0, [])
            assert report.compared > 50
        for restart in (False, True):
            if restart:
                await Follower(SOURCE, before, stored, readings).adopt(before, remade=True)
            report = await replayed(live, before)
            assert (report.differences, report.told) == (0, [])
        # Edited and edited back: what screens show is as if nothing had been edited.
        await make_anew(straight, SOURCE, judge(before))
        await run(straight, before, given)
        assert await newest(live) == await newest(straight) != set()
    finally:
        await live.close()
        await straight.close()


async def test_a_definition_more_or_less_leaves_the_pages_of_all_others(server: str) -> None:
    whole = load_profile(profile_folder("laocai"))
    groups = [s.partition(":")[2] for s in whole.subjects if s.startswith("group:")]
    few = only(whole, "inv.issued", "inv.enterprises")
    more = only(whole, "inv.rejected", "inv.issued", "inv.enterprises")
    pool = await database(server, "renumbered")
    try:
        await make_anew(pool, SOURCE, judge(few))
        await run(pool, few, pages(whole.began_s, groups))
        was = await stored_steps(pool)
        for following in (more, few):
            anew = await make_anew(pool, SOURCE, judge(following))
            assert anew.all
            stored, readings = PgPages(pool, {SOURCE: judge(following)}), PgReadings(pool)
            await readings.forget_others(SOURCE, list(following.indicators))
            await backfill(SOURCE, following, stored, readings)
            await rewalk(SOURCE, following, stored, readings)
            await Follower(SOURCE, following, stored, readings).adopt(following, remade=True)
            report = await replayed(pool, following)
            assert (report.differences, report.told) == (0, [])
            assert report.compared > 100
        assert await stored_steps(pool) == was
    finally:
        await pool.close()


def test_the_fingerprint_follows_rules_and_definitions() -> None:
    whole = load_profile(profile_folder("laocai"))
    told = list(whole.indicators.values())
    base = Measures(told, Rules(whole.holidays)).fingerprint()
    assert base == Measures(told, Rules(whole.holidays)).fingerprint()
    assert base != Measures(told[::-1], Rules(whole.holidays)).fingerprint()
    assert base != Measures(told, Rules(whole.holidays, always_late=True)).fingerprint()
    assert base != Measures(told, Rules(frozenset(list(whole.holidays)[1:]))).fingerprint()
    wording = [replace(i, title_vi="Tên khác", targets=()) for i in told]
    assert base == Measures(wording, Rules(whole.holidays)).fingerprint()
