"""A page is stored whole or not at all, once, in turn, on every supported server."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import asyncpg
import pytest

from app.domain.access import EVERYTHING
from app.domain.feed import Page, Rejected
from app.domain.measure import Steps
from app.domain.record import Record, RecordUpdate, Version
from app.store.cases import PgCases, PgSources
from app.store.pages import PgPages, SecondWriter
from app.store.records import Dates, Judge
from tests.unit.store_stage import store_migrated, store_pool, store_postgres

__all__ = ["store_migrated", "store_pool", "store_postgres"]

S = "public_service"
NOW_S = 1_664_757_000  # 2022-10-03 07:30
DAY = 86400


def steps(record: Record | None) -> Steps:
    """Each record counts its amount ``n`` once, at the instant it was received."""
    if record is None or record.version is None:
        return {}
    return {(0, "day", 0, record.version.received_s or 0, -1): (record.version.amounts["n"], 1)}


def dates(record: Record) -> Dates:
    version = record.version
    assert version is not None
    ended = NOW_S if "ended" in version.flags else None
    return Dates(version.received_s, version.due_s, ended, version.due_s if not ended else None)


JUDGE = Judge("1", "feed@1", steps, dates)


def dossier(
    code: str, n: int = 1, owner: str = "H38.12", due_s: int = NOW_S, **more
) -> RecordUpdate:
    version = Version(NOW_S + n, NOW_S - DAY, due_s, amounts={"n": n}, **more)
    return RecordUpdate("dossier", code, owner, "LV01", version)


def page(cursor: str, *updates: RecordUpdate, rejected: tuple[Rejected, ...] = ()) -> Page:
    count = len(updates) + len(rejected)
    return Page(updates, rejected, cursor, False, NOW_S, count, cursor * 8)


async def opened(pool: asyncpg.Pool, judge: Judge = JUDGE) -> PgPages:
    pages = PgPages(pool, {S: judge})
    assert await pages.open_source(S) == ("", 0, False)
    return pages


async def everything(pool: asyncpg.Pool) -> dict[str, list[asyncpg.Record]]:
    return {
        table: await pool.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")
        for table in ("record", "page", "quarantine", "source_state")
    }


async def figure(pages: PgPages, owner: str | None = None) -> int:
    """What the evaluation would sum up over the whole log."""
    stored = await pages.pages_since(S, 0, 1000)
    return sum(s[-2] for p in stored for s in p.steps if owner in (None, s[0]))


async def test_records_rejects_and_cursor_come_together(pool: asyncpg.Pool):
    pages = await opened(pool)
    bad = Rejected("no date", b"<x>")
    await pages.commit(S, 1, page("c1", dossier("a"), dossier("b", 2), rejected=(bad,)), NOW_S)
    assert await pages.open_source(S) == ("c1", 1, True)
    assert await figure(pages) == 3
    (health,) = await pages.health(0)
    assert (health.records, health.quarantined, health.pages) == (2, 1, 1)
    (aside,) = await PgSources(pool, 0).quarantine(EVERYTHING, S, 10)
    assert (aside.reason, aside.payload, aside.count) == ("no date", "<x>", 1)


async def test_pages_are_read_so_many_at_once_as_their_steps_are_small(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
):
    pages = await opened(pool)
    for n in range(1, 6):
        await pages.commit(S, n, page(f"c{n}", dossier(f"a{n}", n)), NOW_S)
    assert [p.seq for p in await pages.pages_since(S, 1, 3)] == [2, 3, 4]
    every = [(p.seq, p.steps) for p in await pages.pages_since(S, 0, 9)]
    monkeypatch.setattr("app.store.pages.STEPS_AT_ONCE_BYTES", 1)
    one_by_one, seq = [], 0
    while found := await pages.pages_since(S, seq, 9):
        assert len(found) == 1
        one_by_one += [(p.seq, p.steps) for p in found]
        seq = found[-1].seq
    assert one_by_one == every
    assert len(every) == 5


async def test_quarantine_is_read_page_by_page_and_each_entry_once(pool: asyncpg.Pool):
    pages = await opened(pool)
    bad = tuple(Rejected(f"reason {n}", b"<%d>" % n) for n in range(5))
    await pages.commit(S, 1, page("c1", dossier("a"), rejected=bad), NOW_S)
    sources = PgSources(pool, 0)
    read, before = [], None
    while rows := await sources.quarantine(EVERYTHING, S, 2, before):
        read += rows
        before = rows[-1].id
    assert [r.id for r in read] == sorted((r.id for r in read), reverse=True)
    assert {r.payload for r in read} == {f"<{n}>" for n in range(5)}
    assert len(read) == 5


async def test_a_page_that_fails_half_way_leaves_nothing(pool: asyncpg.Pool):
    def fails(record: Record) -> Dates:
        if record.code == "poison":
            raise ValueError("this record cannot be dated")
        return dates(record)

    pages = await opened(pool, Judge("1", "feed@1", steps, fails))
    before = await everything(pool)
    given = page("c1", dossier("a"), dossier("poison"), rejected=(Rejected("r", b"r"),))
    with pytest.raises(ValueError, match="cannot be dated"):
        await pages.commit(S, 1, given, NOW_S)
    assert await everything(pool) == before
    await pages.commit(S, 1, page("c1", dossier("a")), NOW_S)
    assert await figure(pages) == 1


async def test_a_page_whose_connection_is_cut_leaves_nothing_and_is_taken_again(
    pool: asyncpg.Pool,
):
    pages = await opened(pool)
    before = await everything(pool)
    blocker = await pool.acquire()
    hold = blocker.transaction()
    await hold.start()
    await blocker.execute("SELECT FROM source_state FOR UPDATE")
    waiting = asyncio.create_task(pages.commit(S, 1, page("c1", dossier("a")), NOW_S))
    victims = (
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while not (stuck := await pool.fetch(victims)):
        await asyncio.sleep(0.01)
    for row in stuck:
        await pool.execute("SELECT pg_terminate_backend($1)", row["pid"])
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await waiting
    await hold.rollback()
    await pool.release(blocker)
    assert await everything(pool) == before
    await pages.commit(S, 1, page("c1", dossier("a")), NOW_S)
    assert await figure(pages) == 1


async def test_the_same_page_twice_changes_no_figure(pool: asyncpg.Pool):
    pages = await opened(pool)
    given = page("c1", dossier("a"), dossier("b", 2), rejected=(Rejected("r", b"r"),))
    await pages.commit(S, 1, given, NOW_S)
    records = await pool.fetch("SELECT * FROM record ORDER BY code")
    # Under its own number it is refused: the cursor has moved on.
    with pytest.raises((SecondWriter, asyncpg.UniqueViolationError)):
        await pages.commit(S, 1, given, NOW_S)
    # Told once more by the feed it stores no record, no step and no second reject.
    await pages.commit(S, 2, replace(given, cursor="c2"), NOW_S)
    assert await pool.fetch("SELECT * FROM record ORDER BY code") == records
    assert (await pages.pages_since(S, 1, 10))[0].steps == []
    assert await figure(pages) == 3
    assert [r["count"] for r in await pool.fetch("SELECT count FROM quarantine")] == [2]


async def test_of_two_writers_one_stores_the_page(pool: asyncpg.Pool):
    one, other = await opened(pool), PgPages(pool, {S: JUDGE})
    ends = await asyncio.gather(
        *(w.commit(S, 1, page("c1", dossier("a")), NOW_S) for w in (one, other)),
        return_exceptions=True,
    )
    assert sorted(type(e).__name__ for e in ends if e) in (
        [["SecondWriter"], ["UniqueViolationError"]]
    )
    assert await figure(one) == 1
    with pytest.raises(SecondWriter):
        await one.commit(S, 5, page("c5", dossier("b")), NOW_S)
    assert await one.open_source(S) == ("c1", 1, True)


async def test_whatever_the_order_the_sum_is_that_of_the_newest_versions(pool: asyncpg.Pool):
    rng = random.Random(11)
    pages = await opened(pool)
    told = [
        dossier(f"d{rng.randrange(20)}", n, rng.choice(["H38.12", "H38.31.7"]))
        for n in range(1, 121)
    ]
    newest = {u.code: u for u in sorted(told, key=lambda u: u.version.sent_s if u.version else 0)}
    rng.shuffle(told)
    for seq in range(1, 13):
        part = told[(seq - 1) * 10 : seq * 10]
        await pages.commit(S, seq, page(f"c{seq}", *part), NOW_S)
    true = sum(u.version.amounts["n"] for u in newest.values() if u.version)
    assert await figure(pages) == true
    rows = await pool.fetch("SELECT owner, count(*) AS n FROM record GROUP BY owner")
    assert sum(r["n"] for r in rows) == len(newest)


async def test_overdue_are_the_open_ones_the_longest_first(pool: asyncpg.Pool):
    pages = await opened(pool)
    ended = frozenset(("ended",))
    await pages.commit(
        S, 1,
        page(
            "c1",
            *(dossier(f"late{n}", owner=f"H38.31.{n}", due_s=NOW_S - n * DAY) for n in range(1, 6)),
            dossier("future", due_s=NOW_S + DAY),
            dossier("done", due_s=NOW_S - 9 * DAY, flags=ended),
        ),
        NOW_S,
    )  # fmt: skip
    cases = PgCases(pool)

    async def ask(at_s: int = NOW_S, owners: list[str] | None = None, after: str | None = None):
        return await cases.overdue(
            EVERYTHING, kind="dossier", owners=owners, sector=None, at_s=at_s, limit=2, after=after
        )

    total, rows = await ask()
    assert (total, [r.code for r in rows]) == (5, ["late5", "late4"])
    assert rows[0].late_s == rows[0].due_s == NOW_S - 5 * DAY
    assert [r.code for r in (await ask(after="4"))[1]] == ["late1"]
    assert [r.code for r in (await ask(owners=["H38.31.2"]))[1]] == ["late2"]
    assert (await ask(at_s=NOW_S + DAY))[0] == 6
    assert (await ask(owners=[]))[0] == 0
