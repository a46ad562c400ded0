"""Replay: quarantined records are read again, stored once, and told from those that still fail."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from app.domain.feed import Page, Rejected
from app.domain.record import RecordUpdate, Version
from app.ingest.discover import find_reader
from app.ingest.reread import reread
from app.store.embedded import EmbeddedPostgres
from app.store.migrate import upgrade
from app.store.pages import PgPages, SecondWriter
from app.store.quarantine import set_aside
from app.store.records import Dates, Judge
from app.store.replay import replay, settle_pages

SOURCE = "feed"
JUDGE = Judge(
    "1",
    "feed@1",
    lambda r: {(0, "now", 0, 5, -1): (1, 1)} if r else {},
    lambda _: Dates(*[None] * 4),
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="ioc-test-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder)
    try:
        url = postgres.start()
        assert EmbeddedPostgres(folder).running() == url
        upgrade(url)
        yield url
    finally:
        postgres.stop()
        assert EmbeddedPostgres(folder).running() is None
        shutil.rmtree(folder)


@pytest.fixture
async def pool(address: str) -> AsyncIterator[asyncpg.Pool]:
    opened = await asyncpg.create_pool(address, min_size=1, max_size=3)
    await opened.execute("TRUNCATE source_state, page, record, quarantine")
    yield opened
    await opened.close()


def update(code: str) -> RecordUpdate:
    return RecordUpdate("case", code, "H38.1", "", Version(5))


def reader(raw: bytes, settings: dict[str, str]) -> list[RecordUpdate]:
    if not raw.startswith(b"new:"):
        raise ValueError(f"expected new:, found {raw[:4]!r}")
    return [update(raw[4:].decode())]


async def state(pool: asyncpg.Pool) -> tuple[int, int, int, str]:
    row = await pool.fetchrow("SELECT records, quarantined, seq, cursor FROM source_state")
    return row["records"], row["quarantined"], row["seq"], row["cursor"]


async def again(pool: asyncpg.Pool) -> tuple[int, dict[str, int]]:
    kept = {p.id: p for p in await set_aside(pool, SOURCE) if not p.whole_page}
    found = reread(kept.values(), reader, {})
    if found.ids:
        await replay(pool, SOURCE, JUDGE, [kept[i] for i in found.ids], found.updates)
    return len(found.ids), found.refused


async def test_what_can_be_read_by_now_is_stored_once(pool: asyncpg.Pool) -> None:
    pages = PgPages(pool, {SOURCE: JUDGE})
    await pages.open_source(SOURCE)
    bad = (Rejected("drift", b"new:A"), Rejected("drift", b"new:B"), Rejected("drift", b"old:C"))
    await pages.commit(SOURCE, 1, Page((update("Z"),), bad, "7", False, 50, 4, "a" * 64), 50)
    # The same bytes once more, in a page that overlaps.
    await pages.commit(SOURCE, 2, Page((), bad[:1], "8", False, 60, 1, "b" * 64), 60)
    assert await state(pool) == (1, 4, 2, "8")
    assert await again(pool) == (2, {"expected new:, found b'old:'": 1})
    assert await state(pool) == (4, 1, 3, "8"), "emitted = stored + quarantined, as before"
    codes = await pool.fetch("SELECT code FROM record ORDER BY code")
    assert [r["code"] for r in codes] == ["A", "B", "Z"]
    assert await again(pool) == (0, {"expected new:, found b'old:'": 1}), "nothing twice"
    assert (await pages.pages_since(SOURCE, 2, 9))[0].watermark_s == 60
    stored = [s for p in await pages.pages_since(SOURCE, 0, 9) for s in p.steps]
    assert sum(s[7] for s in stored) == 3


async def test_a_worker_in_the_middle_of_a_page_reads_its_place_again(pool: asyncpg.Pool) -> None:
    pages = PgPages(pool, {SOURCE: JUDGE})
    await pages.open_source(SOURCE)
    first = Page((), (Rejected("drift", b"new:A"),), "7", False, 50, 1, "a" * 64)
    await pages.commit(SOURCE, 1, first, 50)
    await again(pool)
    late = Page((update("B"),), (), "9", False, 70, 1, "c" * 64)
    with pytest.raises((SecondWriter, asyncpg.UniqueViolationError)):
        await pages.commit(SOURCE, 2, late, 70)
    assert await state(pool) == (1, 0, 2, "7"), "nothing of the page was stored"
    _, seq, _ = await pages.open_source(SOURCE)
    await pages.commit(SOURCE, seq + 1, late, 70)
    assert (await state(pool))[3] == "9"


async def test_a_page_that_was_asked_for_again_is_settled(pool: asyncpg.Pool) -> None:
    pages = PgPages(pool, {SOURCE: JUDGE})
    await pages.open_source(SOURCE)
    await pages.rejected(SOURCE, "no JSON", b"<html>", 40)
    assert await settle_pages(pool, SOURCE) == 0, "the source has not answered since"
    await pages.commit(SOURCE, 1, Page((update("A"),), (), "7", False, 50, 1, "a" * 64), 50)
    assert (await state(pool))[1] == 1
    assert await settle_pages(pool, SOURCE) == 1
    assert await set_aside(pool, SOURCE) == []
    assert (await state(pool))[1] == 0


async def test_a_payload_that_was_cut_is_not_read_in_part(pool: asyncpg.Pool) -> None:
    pages = PgPages(pool, {SOURCE: JUDGE})
    await pages.open_source(SOURCE)
    long = b"new:" + b"A" * 1_000_001
    await pages.commit(SOURCE, 1, Page((), (Rejected("x", long),), "7", False, 5, 1, "a" * 64), 5)
    done, refused = await again(pool)
    assert done == 0
    assert "send it again" in next(iter(refused))


@pytest.mark.parametrize("feed", ["public_service", "documents", "einvoice"])
def test_every_collector_of_ours_reads_single_records(feed: str) -> None:
    one = find_reader(feed)
    assert one is not None
    with pytest.raises(ValueError, match="expected"):
        one(b"<html>", {})
