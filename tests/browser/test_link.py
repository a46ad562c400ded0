"""The link of a real browser: a wrong clock, a start without a server, a token, an upgrade."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.feed import ROOT, Feed, province
from tests.browser.server import served
from tests.chromium import browser

pytestmark = pytest.mark.browser
# A browser whose clock is wrong: everything of Date is off, nothing of performance is.
_WRONG = """
  const Right = Date, off = %d * 3600e3;
  window.Date = class extends Right {
    constructor(...given) { given.length ? super(...given) : super(Right.now() + off); }
    static now() { return Right.now() + off; }
  };
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def feed() -> Iterator[tuple[Feed, str]]:
    told = province()
    with served(told) as url:
        yield told, url


def shown(page: Page, url: str) -> None:
    page.goto(f"{url}/wall")
    page.wait_for_function("document.body.dataset.link === 'live'", timeout=15_000)
    page.wait_for_selector("article[data-quality=fresh]", timeout=15_000)


def values(page: Page) -> list[str]:
    told = "all => all.map(a => a.dataset.value)"
    return page.locator("article[data-value]").evaluate_all(told)


def test_a_browser_that_is_a_day_off_shows_the_same(chromium, feed):
    texts = []
    for off in (0, -24, 24):
        page = chromium.new_page(bypass_csp=True)
        page.add_init_script(_WRONG % off)
        shown(page, feed[1])
        assert abs(page.evaluate("Date.now()") - page.evaluate("performance.timeOrigin")
                   - off * 3600e3) < 60_000  # fmt: skip
        texts.append(page.locator("article").all_inner_texts())
        qualities = page.eval_on_selector_all(
            "article[data-quality]", "all => all.map(a => a.dataset.quality)"
        )
        assert set(qualities) == {"fresh"}
        page.close()
    assert len(texts[0]) > 5
    assert texts[0] == texts[1] == texts[2]


def test_a_wall_that_starts_while_the_server_is_away_shows_its_last_figures_as_old(chromium, feed):
    told, url = feed
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    shown(page, url)
    page.wait_for_selector("body[data-shelved]", state="attached", timeout=15_000)
    page.wait_for_function("localStorage.getItem('ioc.snapshot') !== null", timeout=15_000)
    before = page.locator("article[data-value]").evaluate_all(
        "all => all.map(a => a.dataset.value)"
    )
    assert len(before) > 5
    context.set_offline(True)
    told.refuses = True
    page.reload()
    page.wait_for_selector(
        "article[data-quality=stale], article[data-quality=absent]", timeout=15_000
    )
    qualities = page.eval_on_selector_all(
        "article[data-quality]", "all => all.map(a => a.dataset.quality)"
    )
    assert set(qualities) <= {"stale", "absent"}
    assert values(page) == before
    page.wait_for_function("document.body.dataset.link === 'lost'", timeout=15_000)
    # Nobody touches it: the server comes back, and so does the wall.
    context.set_offline(False)
    told.refuses = False
    page.wait_for_function("document.body.dataset.link === 'live'", timeout=40_000)
    page.wait_for_selector("article[data-quality=fresh]", timeout=15_000)
    context.close()


def test_an_upgrade_is_taken_up_by_itself_and_the_view_is_kept(chromium, feed):
    told, url = feed
    page = chromium.new_page(viewport={"width": 400, "height": 500}, bypass_csp=True)
    page.goto(f"{url}/wall?lang=en")
    page.wait_for_function("document.body.dataset.link === 'live'", timeout=15_000)
    page.evaluate("window.scrollTo(0, 300)")
    page.wait_for_function("history.state?.y > 200", timeout=5_000)
    page.evaluate("window.of_the_old_page = true")
    told.build = "newer"
    told.edition += 1
    page.wait_for_function("!window.of_the_old_page", timeout=20_000)
    page.wait_for_function("document.body.dataset.link === 'live'", timeout=15_000)
    # What stood above has another height without the word of the new version.
    page.wait_for_function("window.scrollY > 150", timeout=5_000)
    assert page.url.endswith("/wall?lang=en")
    page.close()


def test_the_example_of_the_published_client_runs_as_it_stands(chromium, feed):
    told, url = feed
    text = (ROOT / "docs/reference/browser-client.md").read_text()
    (example,) = re.findall(r"```html\n<script type=\"module\">\n(.*?)</script>", text, re.DOTALL)
    page = chromium.new_page()
    page.goto(f"{url}/offline.js")  # a page of the same host, with nothing of ours on it
    page.add_script_tag(content=example, type="module")
    page.wait_for_function("document.body.dataset.link === 'live'", timeout=15_000)
    assert page.title() == f"{len(told.readings)} figures"
    page.close()
