"""Whatever an upstream sends, a collector refuses it soon, in little memory and with a reason."""

from __future__ import annotations

import gc
import importlib
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.ingest.upstream import Upstream
from app.plugin import FeedBroken, FeedDown, Page
from app.profile import load_profile, profile_folder
from tests.contract import hostile, hostile_records
from tests.contract.hostile import Hostile

PROFILE = load_profile(profile_folder("laocai"))
FEEDS = ("public_service", "documents", "einvoice")
TIMEOUT_S = 0.4
WITHIN_S = 1.0
MEMORY_MB = 100.0


@contextmanager
def _little() -> Iterator[None]:
    """Within a second and a hundred megabytes."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before, began = _megabytes("VmRSS"), time.perf_counter()
    try:
        yield
    finally:
        took, grown = time.perf_counter() - began, _megabytes("VmHWM") - before
    assert took < WITHIN_S
    assert grown < MEMORY_MB


def _megabytes(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(x.split()[1]) / 1024 for x in lines if x.startswith(name))


async def _collect(feed: str, told: Hostile) -> Page:
    collect = importlib.import_module(f"collectors.{feed}.collector").collect
    async with hostile.upstream(told) as base_url, _lent(feed, base_url) as upstream:
        with _little():
            return await collect(upstream, "7")


@asynccontextmanager
async def _lent(feed: str, base_url: str) -> AsyncIterator[Upstream]:
    config = replace(PROFILE.sources[feed], base_url=base_url, timeout_s=TIMEOUT_S)
    upstream = Upstream(config, dict(config.settings))
    try:
        yield upstream
    finally:
        await upstream.close()


@pytest.mark.parametrize("told", hostile.DOWN, ids=lambda t: t.name)
@pytest.mark.parametrize("feed", FEEDS)
async def test_who_does_not_answer_is_asked_again_later(feed: str, told: Hostile) -> None:
    with pytest.raises(FeedDown) as caught:
        await _collect(feed, told)
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()
    assert caught.value.retry_after_s is None or 0.5 <= caught.value.retry_after_s <= 3600


@pytest.mark.parametrize("feed", FEEDS)
async def test_a_drip_does_not_wait_for_the_time_out(
    feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the ten seconds of the shipped sources; and a feed may be allowed to drip."""
    monkeypatch.setattr("tests.contract.test_hostile_pages.TIMEOUT_S", 10.0)
    (drip,) = [told for told in hostile.DOWN if told.name == "slow drip"]
    with pytest.raises(FeedDown, match=r"drips, \d+ bytes .* expected 1000 a second"):
        await _collect(feed, drip)


async def test_a_source_may_be_as_slow_as_its_time_out_allows() -> None:
    config = replace(PROFILE.sources["documents"], timeout_s=1.5, least_pace=0.0)
    (drip,) = [told for told in hostile.DOWN if told.name == "slow drip"]
    async with hostile.upstream(drip) as base_url:
        upstream = Upstream(replace(config, base_url=base_url), {})
        with pytest.raises(FeedDown, match=r"no whole answer in 1.5 s"):
            await upstream.request("GET", "/documents")
        await upstream.close()


@pytest.mark.parametrize("told", hostile.BROKEN, ids=lambda t: t.name)
@pytest.mark.parametrize("feed", FEEDS)
async def test_what_is_no_page_is_broken(feed: str, told: Hostile) -> None:
    with pytest.raises(FeedBroken, match=r"expected|refused") as caught:
        await _collect(feed, told)
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("feed", "name"), [(f, name) for f in FEEDS for name in hostile_records.BROKEN[f]]
)
async def test_a_page_that_cannot_be_taken_whole_is_broken(feed: str, name: str) -> None:
    body = hostile_records.BROKEN[feed][name]
    with pytest.raises(FeedBroken, match="expected") as caught:
        await _collect(feed, hostile.answer(name, body))
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()
    assert caught.value.payload


@pytest.mark.parametrize(
    ("feed", "name"), [(f, name) for f in FEEDS for name in hostile_records.SET_ASIDE[f]]
)
async def test_a_record_that_cannot_be_read_is_set_aside_and_the_page_goes_on(
    feed: str, name: str
) -> None:
    body = hostile_records.SET_ASIDE[feed][name]
    page = await _collect(feed, hostile.answer(name, body))
    assert len(page.rejected) == 1
    assert 5 < len(page.rejected[0].reason) <= 500
    assert page.rejected[0].reason.isprintable()
    assert page.rejected[0].payload
    assert page.count == len(page.rejected) + len({(u.kind, u.code) for u in page.updates})


async def test_a_dossier_told_of_without_end_is_bounded() -> None:
    body = hostile_records.thousands_of_steps()
    page = await _collect("public_service", hostile.answer("steps", body))
    assert (len(page.updates), len(page.rejected)) == (500, 2500)
    assert "over 500 records about H38.39.16-220831-0001" in page.rejected[0].reason


def test_there_are_twenty_kinds_for_each_feed() -> None:
    for feed in FEEDS:
        kinds = len(hostile_records.BROKEN[feed]) + len(hostile_records.SET_ASIDE[feed])
        assert kinds + len(hostile.DOWN) + len(hostile.BROKEN) > 50


def test_the_measure_of_memory_can_fail() -> None:
    with pytest.raises(AssertionError, match="100"), _little():
        assert len(bytearray(150_000_000)) == 150_000_000
