"""One worker at a time; one that was replaced without knowing it can write nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import asyncpg
import pytest

from app.domain.alerting import AlertStep, Cursor, Leased, Notice
from app.domain.judged import Frame, Head, Judged
from app.profile import load_profile, profile_folder
from app.store import lease as leases
from app.store.alerts import PgAlerts
from app.store.definitions import PgDefinitions
from app.store.land import keep_land
from app.store.lease import Lease, Replaced
from app.store.pages import PgPages
from app.store.pool import open_pool
from app.store.pulse import keep_pulse, read_pulse
from app.store.readings import PgReadings
from app.store.rebase import rebase
from tests.unit.store_stage import new_database, store_migrated, store_postgres
from tests.unit.test_store_pages import JUDGE, NOW_S, S, dossier, page

__all__ = ["store_migrated", "store_postgres"]


@pytest.fixture(name="address")
async def lease_address(postgres: str, migrated: str) -> str:
    return await new_database(postgres, migrated)


@pytest.fixture(name="quick")
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LOOK_S", 0.05)


@pytest.fixture(name="db")
async def lease_db(address: str) -> AsyncIterator[asyncpg.Connection]:
    db = await asyncpg.connect(address)
    yield db
    await db.close()


async def taken(address: str) -> Lease:
    lease = Lease(address)
    assert await asyncio.wait_for(lease.take(asyncio.Event()), 20)
    return lease


async def until(told: Callable[[], object], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not told():
            await asyncio.sleep(0.01)


async def end_sessions(db: asyncpg.Connection) -> None:
    await db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'ioc lease' AND datname = current_database()"
    )


@pytest.mark.usefixtures("quick")
async def test_of_two_one_works_and_the_other_follows_when_it_ends(address: str):
    stop = asyncio.Event()
    pair = [Lease(address), Lease(address)]
    takes = [asyncio.create_task(lease.take(stop)) for lease in pair]
    done, waiting = await asyncio.wait(takes, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    assert len(done) == 1
    assert len(waiting) == 1
    first = pair[takes.index(done.pop())]
    second = pair[1 - pair.index(first)]
    await until(lambda: second.standing_by)
    # Many looks later still: the one that works says that it lives.
    await asyncio.sleep(0.05 * leases.SILENT_LOOKS * 2)
    assert (first.term, second.term, second.standing_by) == (1, 0, True)
    first.close()
    assert await asyncio.wait_for(waiting.pop(), 5)
    assert (second.term, second.standing_by) == (2, False)
    second.close()


@pytest.mark.usefixtures("quick")
async def test_who_stands_by_is_stopped_without_having_worked(address: str):
    first, second, stop = await taken(address), Lease(address), asyncio.Event()
    waits = asyncio.create_task(second.take(stop))
    await until(lambda: second.standing_by)
    stop.set()
    assert await asyncio.wait_for(waits, 5) is False
    assert second.term == 0
    second.close()
    first.close()


@pytest.mark.usefixtures("quick")
async def test_a_lost_session_is_taken_up_again_under_the_same_term(
    address: str, db: asyncpg.Connection
):
    lease = await taken(address)
    works = asyncio.create_task(lease.lasts())
    for _ in range(3):
        await end_sessions(db)
        await asyncio.sleep(0.2)
    kept = await db.fetchval("SELECT kept FROM pulse")
    await asyncio.sleep(0.3)
    assert not works.done()
    assert await db.fetchval("SELECT term FROM pulse") == lease.term == 1
    assert await db.fetchval("SELECT kept FROM pulse") > kept
    assert await db.fetchval("SELECT pg_try_advisory_lock(766, 1)") is False
    lease.close()


@pytest.mark.usefixtures("quick")
async def test_one_that_says_nothing_is_replaced_and_told_so_when_it_wakes(address: str):
    first = await taken(address)
    assert first._keeping is not None
    first._keeping.cancel()  # as if it were stopped: its session stays, and it says nothing
    second = await taken(address)
    assert second.term == 2
    first._keeping = asyncio.create_task(first._keep())
    with pytest.raises(Replaced, match=r"taken over under term 2; the term 1 of this one is over"):
        await asyncio.wait_for(first.lasts(), 10)
    first.close()
    second.close()


PROFILE = load_profile(profile_folder("laocai"))
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


def writes(pool: asyncpg.Pool) -> dict[str, Callable[[], Awaitable[object]]]:
    """Every transaction a worker makes, each for itself."""
    pages, readings, alerts = PgPages(pool, {S: JUDGE}), PgReadings(pool), PgAlerts(pool)
    head = Head("ps.x", "day", NOW_S)
    frame = Frame(head, ["province"], [1.0], [1], [1], [None], ["none"])
    judged = Judged(S, 1, NOW_S, NOW_S, False, (), (), (), (frame,), True, False)
    notice = Notice(
        "x", "x", "raised", "ps.x", "province", "province", "warning", 1.0, 2.0, "x", "x", (), True
    )
    leased = Leased(1, 1, "raised", "mail", "key", notice, 1, 0.0)
    return {
        "a source": lambda: pages.open_source("another"),
        "a page": lambda: pages.commit(S, 2, page("c2", dossier("b")), NOW_S),
        "a page nobody can read": lambda: pages.rejected(S, "bad", b"x", NOW_S),
        "a failure": lambda: pages.failed(S, "down"),
        "readings": lambda: readings.commit([judged]),
        "history": lambda: readings.commit_history(judged),
        "forgetting": lambda: readings.forget_others(S, []),
        "forgetting ways": lambda: readings.forget_ways(S, []),
        "ways": lambda: readings.keep_ways(S, [("ps.x", "day", NOW_S, ["province"], [1.0])]),
        "ways that were walked": lambda: readings.walked(S, ["ps.x"], NOW_S),
        "trimming": readings.trim_changes,
        "an alert step": lambda: alerts.commit(AlertStep(None, Cursor("e", 1))),
        "leasing a message": lambda: alerts.lease("mail", 60),
        "sent": lambda: alerts.sent(leased),
        "later": lambda: alerts.later(leased, 1, "x"),
        "dead": lambda: alerts.dead(leased, "x"),
        "expiring": lambda: alerts.expire(1),
        "definitions": lambda: PgDefinitions(pool).record(PROFILE.indicators.values(), NOW_S),
        "the land": lambda: keep_land(pool, PROFILE),
        "steps made anew": lambda: rebase(pool, S, replace(JUDGE, fingerprint="2")),
    }


async def everything(db: asyncpg.Connection) -> dict[str, list[asyncpg.Record]]:
    names = [r[0] for r in await db.fetch(TABLES)]
    return {n: await db.fetch(f"SELECT x::text FROM {n} x ORDER BY 1") for n in names}


@pytest.mark.usefixtures("quick")
async def test_whoever_was_replaced_writes_nothing_at_all(address: str, db: asyncpg.Connection):
    first = await taken(address)
    pool = await open_pool(address, 3, first.term)
    pages = PgPages(pool, {S: JUDGE})
    await pages.open_source(S)
    await pages.commit(S, 1, page("c1", dossier("a")), NOW_S)
    await keep_beating(pool, first.term)
    first.close()
    second = await taken(address)
    second.close()  # nobody counts there now
    before = await everything(db)
    assert len(before) > 20
    assert before["record"]
    for name, write in writes(pool).items():
        with pytest.raises(asyncpg.PostgresError, match="its term 1 is over, term 2") as refused:
            await write()
        assert refused.value.sqlstate == "IOC01", name
        assert await everything(db) == before, name
    await keep_beating(pool, first.term)
    assert await everything(db) == before
    await pool.close()
    # The same writes of the one that works are taken.
    pool = await open_pool(address, 3, second.term)
    for name, write in writes(pool).items():
        if name != "leasing a message":
            await write()
    await keep_beating(pool, second.term)
    after = await everything(db)
    assert {n for n in before if before[n] != after[n]} >= {
        "alert_cursor", "area", "definition_version", "page", "pulse", "quarantine", "record",
        "reading_frame", "source_state", "change",
    }  # fmt: skip
    assert (await read_pulse(pool)).term == 2
    await pool.close()


async def keep_beating(pool: asyncpg.Pool, term: int) -> None:
    """One beat."""
    stop = asyncio.Event()
    beats = asyncio.create_task(keep_pulse(pool, term, (), stop))
    await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(beats, 5)


@pytest.mark.usefixtures("quick")
async def test_what_is_under_way_is_ended_before_another_begins(
    address: str, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    """A worker stopped in the middle of a page: its session would hold the rows for ever."""
    monkeypatch.setattr(leases, "_FINISH_WITHIN_S", 1)
    first = await taken(address)
    pool = await open_pool(address, 3, first.term)
    await PgPages(pool).open_source(S)
    holds = await pool.acquire()
    work = holds.transaction()
    await work.start()
    await holds.execute("UPDATE source_state SET last_error = 'the former one'")
    first.close()
    second = await taken(address)
    assert second.term == 2
    with pytest.raises((*leases._AWAY, asyncpg.PostgresError)):
        await holds.execute("SELECT 1")
        await work.commit()
    assert await db.fetchval("SELECT last_error FROM source_state") is None
    pool.terminate()
    second.close()


async def test_others_write_without_a_term(address: str):
    """Replays, imports and tokens are not a worker's."""
    lease = await taken(address)
    pool = await open_pool(address, 2)
    await PgPages(pool).open_source(S)
    assert await pool.fetchval("SELECT count(*) FROM source_state") == 1
    await pool.close()
    lease.close()
