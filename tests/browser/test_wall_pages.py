"""A wall of many tiles: pages that can be read from afar, or all at once, set smaller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.feed import Feed, province
from tests.browser.server import served
from tests.browser.test_wall import LOOK
from tests.chromium import browser

pytestmark = pytest.mark.browser
TILES, IN_A_ROW = 200, 6
SHOWN = "article[data-tile]:visible"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


def two_hundred() -> Feed:
    """Two hundred tiles in rows of six; the same figures come again and again."""
    feed = province()
    of = [(group, tile) for group in feed.scene["groups"] for tile in group["tiles"]]
    told = [of[number % len(of)] for number in range(TILES)]
    feed.scene["groups"] = [
        {**told[at][0], "id": f"g{at}", "tiles": _row(told[at : at + IN_A_ROW], at)}
        for at in range(0, TILES, IN_A_ROW)
    ]
    for key in feed.readings:
        feed.set(key, state="critical", target=0.95)
    return feed


def _row(told: list[tuple[Any, Any]], at: int) -> list[Any]:
    return [{**tile, "id": f"t{at + number}"} for number, (_, tile) in enumerate(told)]


def opened(chromium: Browser, url: str, query: str, *, timed: bool = False) -> Page:
    page = chromium.new_page(viewport={"width": 1920, "height": 1080}, bypass_csp=True)
    if timed:
        page.clock.install()
    page.goto(f"{url}/wall?{query}")
    page.wait_for_selector(SHOWN)
    page.wait_for_function("document.body.dataset.link === 'live'")
    page.evaluate("document.fonts.ready")
    page.evaluate(LOOK)
    return page


def complaints(page: Page) -> list[str]:
    found: list[str] = [*page.evaluate("wall.cut()"), *page.evaluate("wall.overlapping()")]
    return found


def letters(page: Page) -> float:
    """The smallest words among the tiles shown, in units of the wall."""
    told = page.evaluate(
        "[...document.querySelectorAll('article h3')].filter(n => n.checkVisibility())"
        ".map(n => parseFloat(getComputedStyle(n).fontSize))"
    )
    return min(told) / (1920 / 384)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_two_hundred_tiles_come_page_by_page_and_each_is_whole(
    chromium: Browser, lang: str
) -> None:
    with served(two_hundred()) as url:
        page = opened(chromium, url, f"lang={lang}")
        seen = []
        for number in range(1, 10):
            word = "Trang" if lang == "vi" else "Page"
            page.wait_for_selector(f".pages[aria-label='{word} {number}/9']")
            assert complaints(page) == [], number
            seen.append(page.locator(SHOWN).count())
            page.keyboard.press("ArrowRight")
        assert letters(page) >= 5.3, "sixteen minutes of arc at five metres"
        page.close()
    assert sum(seen) == TILES
    assert max(seen) == 24


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_all_at_once_they_are_smaller_and_whole(chromium: Browser, lang: str) -> None:
    with served(two_hundred()) as url:
        page = opened(chromium, url, f"lang={lang}&page=all")
        assert page.locator(SHOWN).count() == TILES
        assert complaints(page) == []
        assert page.locator(".pages").count() == 0
        assert letters(page) == pytest.approx(5.3 / 3, rel=0.01)
        page.close()


def test_pages_take_turns_and_what_becomes_critical_comes_at_once(chromium: Browser) -> None:
    feed = two_hundred()
    for key in feed.readings:
        feed.set(key, state="met")
    # One figure that only the last page shows.
    last = feed.scene["groups"][-1]["tiles"][-1]
    last["subject"] = "area:10-last"
    key = (last["indicator"], last["subject"], last["period"])
    feed.readings[key] = {**next(iter(feed.readings.values())), **dict(zip(
        ("indicator", "subject", "period"), key, strict=True
    ))}  # fmt: skip
    with served(feed) as url:
        page = opened(chromium, url, "lang=vi", timed=True)
        for number in (1, 2, 3):
            page.wait_for_selector(f".pages[aria-label='Trang {number}/9']")
            page.clock.fast_forward(20_500)
        feed.set(key, state="critical")
        feed.edition += 1
        page.wait_for_selector(".pages[aria-label='Trang 9/9']")
        assert page.locator("article[data-state=critical]:visible").count() == 1
        page.close()


def test_a_page_that_is_asked_for_stays(chromium: Browser) -> None:
    with served(two_hundred()) as url:
        page = opened(chromium, url, "lang=en&page=4", timed=True)
        page.clock.fast_forward(61_000)
        page.wait_for_timeout(300)
        assert page.get_attribute(".pages", "aria-label") == "Page 4/9"
        page.close()


def test_a_telephone_scrolls_through_all_of_them(chromium: Browser) -> None:
    with served(two_hundred()) as url:
        page = opened(chromium, url, "lang=vi")
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_function(f"document.querySelectorAll('article').length === {TILES}")
        assert page.locator(SHOWN).count() == TILES
        assert page.locator(".pages:visible").count() == 0
        page.close()
