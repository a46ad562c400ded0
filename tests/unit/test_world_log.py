"""The log of a simulated feed: pages, laziness, and the faults that change what is published."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from collectors._world.calendar import midnight_s, seconds_of
from collectors._world.faults import FaultBook
from collectors._world.feed import Message
from collectors._world.log import FeedLog
from collectors._world.truth import Ask, Oracle
from collectors._world.world import World
from tests.unit.world_fake import FakeFeed

END = seconds_of("2022-03-01T12:00:00")


def fresh_log(book: FaultBook | None = None) -> FeedLog:
    world = World()
    faults = (book or FaultBook(lambda: END)).of("fake")
    return FeedLog(FakeFeed(world), world, faults.intervals)


def everything(log: FeedLog, upto_s: int) -> list[tuple[int, Message]]:
    found = list(log.read(0, log.count(upto_s)))
    assert [at for at, _ in found] == list(range(1, len(found) + 1))
    published = [one.published_s for _, one in found]
    assert published == sorted(published)
    return found


def numbers(found: list[tuple[int, Message]]) -> list[int]:
    return [json.loads(one.body)["n"] for _, one in found]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=40), st.integers(0, 4_000_000))
def test_pages_of_any_size_give_everything_once_and_never_split_a_second(
    limits: list[int], back: int
) -> None:
    upto, log, after = END - back, fresh_log(), 0
    found: list[tuple[int, Message]] = []
    for turn in range(10_000):
        page = log.page(after, limits[turn % len(limits)], upto)
        if found and page.messages:
            assert page.messages[0][1].published_s > found[-1][1].published_s
        assert all(one.published_s <= page.upto_s for _, one in page.messages)
        found += page.messages
        after = page.next
        if not page.more:
            assert page.upto_s == upto
            break
    assert found == everything(fresh_log(), upto)


def test_only_the_days_a_page_needs_are_made() -> None:
    log = fresh_log()
    assert len(log.page(0, 10, END).messages) == 12
    assert log.days < 10
    everything(log, END)
    assert log.days == 60


def test_a_page_before_the_world_began_or_behind_the_end_is_empty() -> None:
    log = fresh_log()
    assert log.page(0, 10, seconds_of("2021-12-31T10:00:00")).messages == []
    count = log.count(END)
    page = log.page(count, 10, END)
    assert (page.messages, page.next, page.more, page.upto_s) == ([], count, False, END)


def test_a_message_of_an_earlier_day_is_refused() -> None:
    class Wrong(FakeFeed):
        @override
        def day(self, day: date) -> list[Message]:
            return [Message(midnight_s(day) - 1, b"{}")]

    with pytest.raises(ValueError, match=r"day\(2022-01-01\)"):
        FeedLog(Wrong(World()), World()).count(END)


@pytest.mark.parametrize("fault", ["late", "duplicate", "reorder"])
def test_a_fault_changes_what_comes_after_it_and_nothing_before(fault: str) -> None:
    now = [seconds_of("2022-02-21T09:00:00")]
    book = FaultBook(lambda: now[0])
    log, plain = fresh_log(book), fresh_log()
    before = everything(log, now[0] - 1)
    book.switch_on("fake", fault, {"share": "0.5"})
    log.remake_today()
    assert everything(log, now[0] - 1) == before
    now[0] = seconds_of("2022-02-23T10:07:00")
    during = everything(log, now[0] - 1)
    book.switch_off("fake", fault)
    log.remake_today()
    assert everything(log, now[0] - 1) == during
    assert everything(fresh_log(book), now[0] - 1) == during, "a restart makes the same log"
    after, told = everything(log, END), everything(plain, END)
    assert after != told
    assert set(numbers(after)) == set(numbers(told)), "late data has arrived, nothing is lost"
    assert (len(after) > len(told)) == (fault == "duplicate")
    quiet_since = seconds_of("2022-02-25T00:00:00")
    assert [one for _, one in after if one.published_s > quiet_since] == [
        one for _, one in told if one.published_s > quiet_since
    ]


def test_all_three_faults_at_once_keep_the_past(tmp_path: Path) -> None:
    now = [seconds_of("2022-02-21T09:07:00")]
    path = tmp_path / "faults.json"
    book = FaultBook(lambda: now[0], path)
    log = fresh_log(book)
    seen: list[tuple[int, Message]] = []
    for turn, fault in enumerate(["reorder", "late", "duplicate", "late", "reorder", "late"] * 3):
        now[0] += 7_321
        assert everything(log, now[0] - 1)[: len(seen)] == seen
        seen = everything(log, now[0] - 1)
        if turn % 4 == 3:
            book.switch_off("fake", fault)
        else:
            book.switch_on("fake", fault, {})
        log.remake_today()
    again = FaultBook(lambda: now[0], path)
    assert everything(fresh_log(again), now[0]) == everything(log, now[0])


def test_truth_answers_for_every_known_instant_whatever_the_order_of_asking() -> None:
    log = fresh_log()
    oracle = Oracle(log, FakeFeed(World()).truth)
    instants = [seconds_of(f"2022-02-{day}T10:00:00") for day in ("21", "15", "23", "15", "22")]
    for known in instants:
        answer = oracle.ask(Ask("fake.count", "district", "day", END), known)
        wanted = len([one for _, one in everything(fresh_log(), known) if b'"080"' in one.body])
        assert answer["area:080"] == (wanted, wanted, None)
