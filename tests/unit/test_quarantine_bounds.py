"""Quarantine has bounds: pages are forgotten, records never, and their source is not asked on."""

from __future__ import annotations

import asyncpg
import pytest

from app.domain.feed import FeedDown, Rejected
from app.store import quarantine
from tests.unit.store_stage import *  # noqa: F403 - the fixtures
from tests.unit.test_store_pages import NOW_S, S, dossier, opened, page


async def test_of_pages_that_cannot_be_read_the_newest_are_kept(pool: asyncpg.Pool, monkeypatch):
    monkeypatch.setattr(quarantine, "PAGES_KEPT", 3)
    pages = await opened(pool)
    for number in range(10):
        for _ in range(2):
            await pages.rejected(S, "no JSON", b"garbage %d" % number, NOW_S)
    rows = await pool.fetch("SELECT payload, count FROM quarantine ORDER BY id")
    assert [(r["payload"], r["count"]) for r in rows] == [(b"garbage %d" % n, 2) for n in (7, 8, 9)]
    assert await pool.fetchval("SELECT quarantined FROM source_state WHERE source = $1", S) == 6


@pytest.mark.parametrize(("bound", "value"), [("RECORDS_WAITING", 3), ("BYTES_WAITING", 30)])
async def test_records_are_never_thrown_away_their_source_waits(
    pool: asyncpg.Pool, monkeypatch, bound, value
):
    monkeypatch.setattr(quarantine, bound, value)
    pages = await opened(pool)

    def drifted(*numbers: int):
        return tuple(Rejected("drift", b"record %03d" % n) for n in numbers)

    await pages.commit(S, 1, page("c1", dossier("a"), rejected=drifted(1, 2)), NOW_S)
    await pages.commit(S, 2, page("c2", rejected=drifted(2, 3)), NOW_S)  # one it has already
    with pytest.raises(FeedDown, match=f"ioc replay {S}") as full:
        await pages.commit(S, 3, page("c3", dossier("b"), rejected=drifted(4)), NOW_S)
    assert full.value.retry_after_s
    assert await pages.open_source(S) == ("c2", 2, True), "the cursor stays: nothing is lost"
    assert await pool.fetchval("SELECT count(*) FROM quarantine") == 3
    await pages.commit(S, 3, page("c3", dossier("b")), NOW_S)  # a page that can be read whole
    await pool.execute("UPDATE quarantine SET replayed = now()")
    await pages.commit(S, 4, page("c4", rejected=drifted(4)), NOW_S)
