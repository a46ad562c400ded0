"""Change log, readings, alerts and outbox on every supported server."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace

import asyncpg
import pytest

from app.domain.access import EVERYTHING, Visible
from app.domain.alerting import AlertStep, Cursor, Episode, Notice, OtherFollower, Transition
from app.domain.judged import Frame, Head, Judged
from app.domain.reading import Reading
from app.store import changes as log
from app.store.alerts import PgAlerts
from app.store.changes import PgChanges
from app.store.readings import PgReadings
from tests.unit.store_stage import store_migrated, store_pool, store_postgres

__all__ = ["store_migrated", "store_pool", "store_postgres"]

S = "public_service"
NOW_S = 1_664_757_000  # 2022-10-03 07:30
_PUT = (
    "INSERT INTO change (kind, source, at_s, watermark_s, filling, payload)"
    """ VALUES ('readings', $1, $2, $2, false, '{"readings": []}')"""
)


async def test_a_follower_sees_every_change_once_in_order_whoever_writes(pool: asyncpg.Pool):
    """Transactions overlap, dawdle and roll back; nothing appears behind a place already read."""
    changes, rng = PgChanges(pool), random.Random(5)
    written: list[tuple[str, int]] = []

    async def write(name: str) -> None:
        for number in range(40):
            async with pool.acquire() as db:
                work = db.transaction()
                await work.start()
                await db.execute(_PUT, name, number)
                await asyncio.sleep(rng.random() * 0.004)
                if rng.random() < 0.2:
                    await work.rollback()
                else:
                    written.append((name, number))
                    await work.commit()

    writers = asyncio.gather(*(write(f"w{n}") for n in range(5)))
    epoch, offset = await changes.position()
    seen: list[tuple[int, str, int]] = []
    while True:
        ended = writers.done()
        found = await changes.since(epoch, offset, 7)
        assert not found.reset
        seen += [(c.offset, c.source, c.at_s) for c in found.changes]
        offset = found.offset
        if ended and not found.changes:
            break
    await writers
    assert sorted(o for o, *_ in seen) == [o for o, *_ in seen]
    assert len({o for o, *_ in seen}) == len(seen)
    assert sorted((s, a) for _, s, a in seen) == sorted(written)
    assert len(written) > 100


async def test_a_follower_is_given_no_more_at_once_than_it_can_hold(pool, monkeypatch):
    """A day of a fill is large: many of them are read one after the other, never together."""
    monkeypatch.setattr(log, "AT_ONCE_BYTES", 1000)
    changes = PgChanges(pool)
    epoch, begin = await changes.position()
    large = json.dumps({"alerts": random.Random(1).sample(range(10**9), 400)})
    for number in range(6):
        await pool.execute(_PUT.replace("false, '{\"readings\": []}'", "$3, $4"),
                           "a", number, number % 2 == 0, large)  # fmt: skip
    offset, steps = begin, []
    while (found := await changes.since(epoch, offset)).changes:
        steps.append([len(c.alert_ids) for c in found.changes])
        offset = found.offset
    assert steps == [[400]] * 6, "one at a time, and each whole"
    offset, steps = begin, []
    while (found := await changes.since(epoch, offset, filled=False)).changes:
        steps.append([len(c.alert_ids) for c in found.changes])
        offset = found.offset
    assert steps == [[0, 400]] * 3, "a fill is told of, not told"


async def test_history_that_is_gone_is_said_so(pool: asyncpg.Pool):
    changes = PgChanges(pool)
    for number in range(10):
        await pool.execute(_PUT, S, number)
    epoch, last = await changes.position()
    await pool.execute('DELETE FROM change WHERE "offset" <= $1', last - 3)
    assert (await changes.since(epoch, 1)).reset
    assert (await changes.since("another epoch", last)).reset
    assert (await changes.since(epoch, last + 1)).reset
    kept = await changes.since(epoch, last - 3)
    assert not kept.reset
    assert [c.at_s for c in kept.changes] == [7, 8, 9]


async def test_the_doorbell_rings_through_the_database(pool: asyncpg.Pool):
    changes, stop = PgChanges(pool), asyncio.Event()
    listening = asyncio.create_task(changes.listen(stop))
    try:
        ringing = asyncio.create_task(changes.wait(20))
        while not ringing.done():
            await pool.execute("NOTIFY ioc_change")
            await asyncio.wait([ringing], timeout=0.05)
        await ringing
    finally:
        stop.set()
        await listening


def reading(subject: str, num: int, at_s: int = NOW_S, state: str = "met") -> Reading:
    return Reading(
        "ps.on_time", subject, "month", 1_664_557_200, at_s, at_s, S, num / 10, num, 10, 0.95,
        state, "vì sao",
    )  # fmt: skip


def judged(seq: int, *readings: Reading, day: bool = False) -> Judged:
    head = Head("ps.on_time", "month", 1_664_557_200)
    frame = Frame(
        head, [r.subject for r in readings], [r.value for r in readings],
        [r.num for r in readings], [r.den for r in readings], [r.target for r in readings],
        [r.state for r in readings],
    )  # fmt: skip
    at_s = readings[0].at_s
    return Judged(S, seq, at_s, at_s, False, (head,), readings, readings, (frame,), day, True)


async def test_the_newest_readings_carry_the_instant_of_their_head(pool: asyncpg.Pool):
    store, changes = PgReadings(pool), PgChanges(pool)
    await pool.execute("INSERT INTO source_state (source, seq) VALUES ($1, 9)", S)
    await store.commit([judged(1, reading("area:10", 5), reading("area:080", 9))])
    later = NOW_S + 60
    await store.commit([judged(2, reading("area:10", 6, later, "lagging"))])
    # Only what moved is written again; what did not move was judged anew and is as it was.
    found = {r.subject: r for r in await store.latest(EVERYTHING)}
    assert found["area:10"] == reading("area:10", 6, later, "lagging")
    assert found["area:080"] == reading("area:080", 9, later)
    assert await store.place(S) == (2, later)
    told = (await changes.since((await changes.position())[0], 0)).changes
    assert [[r.subject for r in c.readings] for c in told] == [["area:10", "area:080"], ["area:10"]]
    assert told[1].readings[0] == reading("area:10", 6, later, "lagging")
    scoped = Visible(frozenset(("area:080",)))
    assert [r.subject for r in await store.latest(scoped)] == ["area:080"]
    past = await store.history(
        EVERYTHING, indicator="ps.on_time", subjects=None, period="month", from_s=NOW_S, to_s=NOW_S
    )
    assert [(r.subject, r.num, r.target) for r in past] == [
        ("area:080", 9, 0.95), ("area:10", 5, 0.95)
    ]  # fmt: skip


async def test_an_evaluation_that_fails_moves_neither_place_nor_readings(pool: asyncpg.Pool):
    store = PgReadings(pool)
    await pool.execute("INSERT INTO source_state (source, seq) VALUES ($1, 9)", S)
    good, broken = judged(1, reading("area:10", 5)), judged(2, reading("area:10", 2**63))
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OverflowError, ValueError)):
        await store.commit([good, broken])
    assert await store.latest(EVERYTHING) == []
    assert await store.place(S) == (0, None)
    assert await pool.fetchval("SELECT count(*) FROM change") == 0


NOTICE = Notice(
    "Chậm", "Hồ sơ đúng hạn dưới chỉ tiêu", "raised", "ps.on_time", "province", "area:10",
    "lagging", 0.5, 0.95, "2022-10-03T07:30:00+07:00", "2022-10-03T07:30:00+07:00", (), True,
)  # fmt: skip


def episode(id_: int | None, state: str = "active") -> Episode:
    return Episode(
        id_, "ps.on_time", "province", "area:10", state, "lagging", NOW_S, NOW_S,
        NOW_S + 60 if state == "resolved" else None, False,
    )  # fmt: skip


async def test_an_episode_its_message_and_the_place_come_together_and_once(pool: asyncpg.Pool):
    store = PgAlerts(pool)
    epoch = (await PgChanges(pool).position())[0]
    first, second = Cursor(epoch, 1), Cursor(epoch, 2)
    rise = Transition("raise", episode(None), 0.5, 0.95, notice=NOTICE)
    await store.commit(AlertStep(None, first, S, NOW_S, NOW_S, False, (rise,), ("mail", "hook")))
    assert await store.cursor() == first
    (kept,) = await store.open_episodes()
    for before in (None, second):
        with pytest.raises(OtherFollower):
            await store.commit(
                AlertStep(before, second, S, NOW_S, NOW_S, False, (rise,), ("mail",))
            )
    assert len(await store.open_episodes()) == 1

    leased = await asyncio.gather(*(store.lease("mail", 60) for _ in range(4)))
    (mine,) = [one for one in leased if one is not None]
    assert (mine.notice.title, mine.attempts) == ("Chậm", 1)
    await store.later(mine, 0, "451")
    again = await store.lease("mail", 60)
    assert again is not None
    assert (again.key, again.attempts) == (mine.key, 2)
    # An attempt whose lease was taken over no longer decides.
    await store.dead(mine, "too late")
    await store.sent(again)
    assert await store.lease("mail", 60) is None
    assert (await store.alerts(EVERYTHING, None, 10))[0].sent

    # Nobody was told by hook: raise and resolve fold into one message.
    good = replace(NOTICE, reason="resolved")
    end = Transition("resolve", episode(kept.id, "resolved"), 0.97, 0.95, notice=good)
    await store.commit(AlertStep(first, second, S, NOW_S, NOW_S, False, (end,), ("mail", "hook")))
    hook = await store.lease("hook", 60)
    assert hook is not None
    assert hook.notice.reason == "raised_resolved"
    assert await store.lease("hook", 60) is None
    assert await store.open_episodes() == []
    states = await pool.fetch("SELECT receiver, state FROM outbox ORDER BY id")
    assert [tuple(r) for r in states] == [
        ("mail", "sent"), ("hook", "superseded"), ("mail", "queued"), ("hook", "queued"),
    ]  # fmt: skip


async def test_a_lease_that_ran_out_is_given_to_the_next(pool: asyncpg.Pool):
    store = PgAlerts(pool)
    epoch = (await PgChanges(pool).position())[0]
    rise = Transition("raise", episode(None), 0.5, 0.95, notice=NOTICE)
    await store.commit(
        AlertStep(None, Cursor(epoch, 1), S, NOW_S, NOW_S, False, (rise,), ("mail",))
    )
    first = await store.lease("mail", 0.0)
    second = await store.lease("mail", 0.0)
    assert first is not None
    assert second is not None
    assert first.key == second.key
    assert await store.expire(0.0) == [second.key]
    assert await store.lease("mail", 60) is None


async def test_what_a_bell_carries_is_what_the_log_says(pool: asyncpg.Pool):
    """Small and large, filled and rolled back, with and without a bell, lost bells: one log."""
    rng, stop = random.Random(11), asyncio.Event()
    store, changes = PgReadings(pool), PgChanges(pool)
    await pool.execute("INSERT INTO source_state (source, seq) VALUES ($1, 9)", S)
    listening = asyncio.create_task(changes.listen(stop))
    epoch, offset = await changes.position()
    begun, seen, by_bell = offset, [], 0
    try:
        for number in range(1, 200):
            many = 60 if rng.random() < 0.1 else rng.randint(1, 3)
            rows = [reading(f"area:{n}", rng.randint(0, 10), NOW_S + number) for n in range(many)]
            chance = rng.random()
            if chance < 0.1:
                await pool.execute(_PUT, S, number)  # nobody rings for it
            elif chance < 0.2:
                await pool.execute("SELECT nextval(pg_get_serial_sequence('change', 'offset'))")
            else:
                made = judged(number, *rows)
                await store.commit([replace(made, filling=chance < 0.3)])
            if chance > 0.9:
                await pool.execute("NOTIFY ioc_change")
            await changes.wait(0.01 if chance < 0.2 else 5)
            got = await changes.since(epoch, offset, rng.choice((1, 3, 500)))
            by_bell += bool(got.changes) and bool(changes._heard)
            seen += got.changes
            offset = got.offset
        await changes.wait(0.01)
        seen += (await changes.since(epoch, offset)).changes
    finally:
        stop.set()
        await listening
    told: list[object] = []
    while found := (await PgChanges(pool).since(epoch, begun)).changes:
        told += found
        begun = found[-1].offset
    assert seen == told
    assert by_bell > 50


@pytest.mark.filterwarnings("error")
async def test_a_connection_is_given_back_without_its_listener(pool):
    changes = PgChanges(pool)
    listening = asyncio.create_task(changes.listen(asyncio.Event()))
    heard = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    while not await pool.fetchval(heard):
        await asyncio.sleep(0.02)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):  # and no warning of the library in its place
        await listening
    async with pool.acquire() as one, pool.acquire() as other:
        for db in (one, other):
            assert await db.fetch("SELECT pg_listening_channels()") == []
