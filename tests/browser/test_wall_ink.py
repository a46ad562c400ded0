"""What a wall's words are written on, and what they say of a target that is near or met again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.feed import province
from tests.browser.server import served
from tests.browser.test_wall import (
    STATES,
    _complaints,
    _open,
    _with_sources,
    _with_tiles,
    bring,
)
from tests.chromium import browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_word_stands_out_from_its_ground(chromium: Browser, theme: str) -> None:
    feed = province()
    with served(feed) as url:
        page = _open(chromium, url, "1080p", f"lang=vi&theme={theme}")
        found = {}
        for name in STATES:
            bring(page, feed, name)
            found[name] = page.evaluate("wall.faint(7)")
        # A load is drawn over what is judged so far: each pair of the two is a look of its own.
        for state in ("near", "lagging", "critical", "missed"):
            bring(page, feed, state)
            _with_sources(quality="loading", progress=0.43)(feed)
            feed.edition += 1
            page.wait_for_selector(f"article[data-quality=loading][data-state={state}]")
            found[f"loading {state}"] = page.evaluate("wall.faint(7)")
        page.add_style_tag(content=".hex text { fill: var(--surface) !important }")
        assert len(page.evaluate("wall.faint(7)")) >= 9, "a faint word is found out"
        feed.beating = False
        page.wait_for_function("document.body.dataset.link === 'lost'", timeout=10_000)
        page.locator("style").last.evaluate("style => style.remove()")
        found["lost"] = page.evaluate("wall.faint(7)")
        page.close()
    assert {name: said[:4] for name, said in found.items() if said} == {}


@pytest.mark.parametrize(("lang", "said"), [("vi", "Vừa đạt 95"), ("en", "Just met 95")])
def test_a_target_met_again_is_told_and_no_rounding_reaches_it(
    chromium: Browser, lang: str, said: str
) -> None:
    feed = province()
    with served(feed) as url:
        page = _open(chromium, url, "1080p", f"lang={lang}")
        bring(page, feed, "critical")
        _with_tiles(target=0.95, state="lagging", value=0.94996)(feed)
        feed.edition += 1
        page.wait_for_selector("article[data-state=lagging]")
        tile = page.locator("article[data-tile^='ps.on_time|']")
        assert ("94,996" if lang == "vi" else "94.996") in tile.inner_text()
        assert said not in tile.inner_text() and not page.locator(".again").count()
        assert _complaints(page) == []
        _with_tiles(target=0.95, state="critical", value=1.0)(feed)
        feed.edition += 1
        page.wait_for_selector("article[data-state=critical]")
        assert said in tile.inner_text()
        assert page.locator(".hex .again").count() == 9
        assert _complaints(page) == []
        page.close()
