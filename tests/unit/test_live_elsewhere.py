"""Who comes from another process: what that one may not have told is not left out."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from app.live.elsewhere import LATEST_S, Elsewhere
from tests.unit.in_memory import NOW_S, PROFILE, Database, StillClock, health_of, reading_of
from tests.unit.test_live_channel import frame, serving


def test_around_what_is_not_sent_as_it_is_a_place_is_doubtful():
    here = Elsewhere()
    here.reached(90, 0.0)
    assert not here.doubtful(90)
    here.unsent(100, 1.0)
    assert not here.doubtful(99)  # it is told of 100 by what follows
    assert here.doubtful(100)
    assert here.doubtful(10**9)
    here.reached(140, 1.0 + LATEST_S - 0.1)
    assert here.doubtful(150)
    here.reached(150, 1.0 + LATEST_S)
    assert here.doubtful(150)
    assert not here.doubtful(151)


def test_one_after_the_other_keeps_it_open():
    here = Elsewhere()
    here.unsent(100, 0.0)
    here.unsent(120, LATEST_S - 1)
    here.reached(130, LATEST_S + 1)
    assert here.doubtful(131)
    here.reached(140, 2 * LATEST_S)
    assert not here.doubtful(141)
    here.begin()
    assert not here.doubtful(120)


def test_two_processes_that_lag_by_less_than_the_time_leave_nobody_out():
    """Both follow one log; each makes up for an unsent change when it comes to it."""
    rng = random.Random(766)
    doubted = 0
    for _ in range(2000):
        one, unsent = Elsewhere(), rng.randrange(100, 200)
        speed, lag_s = rng.uniform(0.5, 20), rng.uniform(0, LATEST_S)
        one.unsent(unsent, 0.0)
        for second in range(120):
            one.reached(unsent + int(second * speed), float(second))
        # A client of the other, which made up for it ``lag_s`` later, was cut off just before.
        place = unsent + int(rng.uniform(0, lag_s) * speed)
        doubted += 1
        assert one.doubtful(place)
    assert doubted == 2000


@pytest.mark.parametrize("refreshed", [False, True])
async def test_who_is_ahead_of_this_process_is_never_taken_back(refreshed):
    """A place of another process, told here of sources and refreshed figures of before it."""
    db = Database()
    db.healths = {s: health_of(s) for s in PROFILE.sources}
    db.commit(reading_of(0.1))
    async with serving(db, StillClock(NOW_S)) as stage:
        async with stage.connect() as first:
            await frame(first, "snapshot")
        let_on, since = asyncio.Event(), db.since

        async def lagging(*told, **options):
            await let_on.wait()
            return await since(*told, **options)

        db.since = lagging
        async with asyncio.timeout(5):
            while not (db.commit(reading_of(0.2)) and stage.hub.offset < db.offset - 1):
                await asyncio.sleep(0.02)
        ahead = db.offset
        async with stage.connect(f"?epoch=e1&offset={ahead}") as socket:
            await frame(socket, "hello")
            if refreshed:
                stage.hub._announce(stage.hub.offset, [reading_of(0.1)], [], repeats=True)
            db.healths["einvoice"] = health_of("einvoice", NOW_S - 50_000)
            told = []
            async with asyncio.timeout(8):
                while not any(s["id"] == "einvoice" for t in told for s in t.get("sources", ())):
                    one = json.loads(await socket.recv())
                    told += [one] if one["t"] == "delta" else []
                    told += [{**one, **one["data"]}] if one["t"] == "snapshot" else []
                assert {t["offset"] for t in told} == {ahead}
                assert not [r for t in told for r in t["readings"] if r["value"] == 0.1]
                assert any(t["t"] == "snapshot" for t in told) is refreshed
                let_on.set()
                db.commit(reading_of(0.3))
                one = {"readings": []}
                while not one["readings"]:
                    one = await frame(socket, "delta")
                assert (one["offset"], one["readings"][0]["value"]) == (ahead + 1, 0.3)
