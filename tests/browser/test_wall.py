"""The wall in every state: nothing cut, nothing on another, all told apart without colour."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Response

from tests.browser.feed import ROOT, Feed, ago, alert, province
from tests.browser.server import served
from tests.chromium import browser

pytestmark = pytest.mark.browser
SIZES = {"4k": (3840, 2160), "1080p": (1920, 1080), "phone": (390, 844)}
LOOK = (Path(__file__).parent / "wall.js").read_text()
# The reference wall of docs/explanation/wall.md: 110 inches, 3840 dots across 2.435 m.
PITCH_MM = 2435 / 3840
CAPITALS = 0.698
ARCMIN_PER_RAD = 3437.75


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


def _with_tiles(**changes: Any) -> Callable[[Feed], None]:
    """Every tile and hexagon in one state."""

    def change(feed: Feed) -> None:
        for key in feed.readings:
            feed.set(key, **changes)

    return change


def _with_sources(**changes: Any) -> Callable[[Feed], None]:
    def change(feed: Feed) -> None:
        for source in feed.sources.values():
            source.update(changes)

    return change


def _alerts(count: int, **changes: Any) -> Callable[[Feed], None]:
    def change(feed: Feed) -> None:
        worst = ("critical", "lagging", "lagging")
        feed.alerts = [alert(i, worst[i % 3], **changes) for i in range(count)]

    return change


# Each state: what the feed says, and how it is known that the wall shows it.
STATES: dict[str, tuple[Callable[[Feed], None], str]] = {
    "met": (_with_tiles(target=0.95, state="met"), "article[data-state=met]"),
    "none": (_with_tiles(target=None, state="none"), "article[data-state=none]"),
    "near": (_with_tiles(target=0.95, state="near"), "article[data-state=near]"),
    "lagging": (_with_tiles(target=0.95, state="lagging"), "article[data-state=lagging]"),
    "critical": (_with_tiles(target=0.95, state="critical"), "article[data-state=critical]"),
    "missed": (_with_tiles(target=0.95, state="missed"), "article[data-state=missed]"),
    "late": (_with_sources(quality="late", watermark=ago(14 * 60)), "article[data-quality=late]"),
    "stale": (
        _with_sources(quality="stale", watermark=ago(119 * 60)), "article[data-quality=stale]"
    ),
    "absent": (
        _with_sources(quality="absent", watermark=ago(271 * 86400)), "article[data-quality=absent]"
    ),
    "loading": (
        _with_sources(quality="loading", progress=0.43), "article[data-quality=loading]:not(.stuck)"
    ),
    "no_source": (
        _with_tiles(quality="no_source", value=None, target=None, state="none"),
        "article[data-quality=no_source]",
    ),
    "alerts": (_alerts(9), ".alarm.critical"),
    "flood": (_alerts(14, since=ago(120)), ".alarms.flood"),
}  # fmt: skip
# Those that change the tiles; the rest change the list of alerts or the whole wall.
OF_TILES = tuple(name for name in STATES if name not in ("alerts", "flood"))


def _open(chromium: Browser, url: str, size: str, query: str) -> Page:
    width, height = SIZES[size]
    page = chromium.new_page(viewport={"width": width, "height": height}, bypass_csp=True)
    page.goto(f"{url}/wall?{query}")
    page.wait_for_selector("article[data-tile]")
    page.wait_for_function("document.body.dataset.link === 'live'")
    page.evaluate("document.fonts.ready.then(() => null)")
    page.evaluate(LOOK)
    return page


def bring(page: Page, feed: Feed, name: str) -> None:
    """Bring every open screen into a state, starting from the quiet one."""
    change, proof = STATES[name]
    quiet = province()
    feed.readings, feed.sources, feed.alerts = quiet.readings, quiet.sources, quiet.alerts
    change(feed)
    feed.edition += 1
    page.wait_for_selector(proof)
    others = [key for key in OF_TILES if key != name and key in STATES]
    if name in OF_TILES:
        attribute = re.search(r"\[data-[^]]+\]", proof)
        assert attribute and others
        page.wait_for_function(
            "proof => !document.querySelector(`article[data-tile]:not(${proof})`)", arg=attribute[0]
        )


def _complaints(page: Page) -> list[str]:
    if page.locator(".alarm").count():
        # The rows that fit are counted once a second.
        page.wait_for_function(
            """() => {
              const rows = [...document.querySelectorAll('.alarms .list > *')];
              const gone = rows.filter((row) => row.offsetLeft !== rows[0].offsetLeft).length;
              const said = document.querySelector('.alarms h2').innerText.match(/, (\\d+) /);
              return gone === 0 || Number(said?.[1] ?? 0) >= gone;
            }""",
            timeout=5_000,
        )
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    looked = page.evaluate("wall.looked()")
    assert looked["boxes"] > 25 and looked["words"] > 60 and looked["hexes"] == 9, looked
    return [*page.evaluate("wall.cut()"), *page.evaluate("wall.overlapping()")]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_state_is_shown_whole(chromium: Browser, size: str, lang: str) -> None:
    feed = province()
    with served(feed) as url:
        page = _open(chromium, url, size, f"lang={lang}&theme=dark")
        found = {}
        for name in STATES:
            bring(page, feed, name)
            found[name] = _complaints(page)
        page.close()
    assert {name: said for name, said in found.items() if said} == {}


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ("h3 { text-wrap: nowrap !important }", "out of its box"),
        (".hex .figure { font-size: 12px !important }", "touches its edge"),
        (".value { text-overflow: ellipsis }", "shortened"),
        (".glyph { margin-left: -60px }", " on "),
        (".rows { transform: translateX(-200px) }", "off the screen"),
    ],
)
def test_a_broken_wall_is_complained_of(chromium: Browser, broken: str, complaint: str) -> None:
    feed = province()
    with served(feed) as url:
        page = _open(chromium, url, "1080p", "lang=vi")
        bring(page, feed, "critical")
        page.add_style_tag(content=broken)
        assert [said for said in _complaints(page) if complaint in said]
        page.close()


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_twenty_four_tiles_in_the_worst_state_are_shown_whole(chromium: Browser, lang: str) -> None:
    feed = province()
    feed.scene["groups"].append(
        {**feed.scene["groups"][0], "id": "more", "title_vi": "Xã hội số", "title_en": "Society"}
    )
    for number, tile in enumerate(feed.scene["groups"][-1]["tiles"]):
        feed.scene["groups"][-1]["tiles"][number] = {**tile, "id": f"more{number}"}
    with served(feed) as url:
        page = _open(chromium, url, "1080p", f"lang={lang}")
        found = {}
        for name in ("critical", "missed", "stale", "absent", "late"):
            bring(page, feed, name)
            assert page.locator("article").count() == 24
            found[name] = _complaints(page)
        page.close()
    assert {name: said for name, said in found.items() if said} == {}


def test_states_differ_without_colour_and_each_is_documented(chromium: Browser) -> None:
    feed = province()
    key = "|".join(feed.tiles()[0])
    shapes = {}
    with served(feed) as url:
        page = _open(chromium, url, "1080p", "lang=vi")
        for name in OF_TILES:
            bring(page, feed, name)
            shapes[name] = page.evaluate("key => wall.shape(key)", key)
        page.close()
    # A met target and a mere statistic look alike on purpose: nobody has to act on either.
    assert shapes.pop("none") == shapes["met"]
    assert len(set(shapes.values())) == len(shapes), shapes
    page_of_states = (ROOT / "docs/explanation/wall.md").read_text()
    rows = set(re.findall(r"^\| `(\w+)` \|", page_of_states, re.MULTILINE))
    assert rows >= {*STATES, "stuck", "lost", "lagging_link", "incompatible", "connecting"}


def test_a_load_that_stands_still_is_said_to_be_stuck(chromium: Browser) -> None:
    feed = province()
    with served(feed) as url:
        page = chromium.new_page(viewport={"width": 1920, "height": 1080}, bypass_csp=True)
        page.clock.install()
        page.goto(f"{url}/wall?lang=vi")
        page.wait_for_selector("article[data-tile]")
        bring(page, feed, "loading")
        assert page.locator("article.stuck").count() == 0
        page.clock.fast_forward(40_000)
        page.wait_for_selector("article.stuck")
        assert "Nạp đứng lại 43 %" in (page.inner_text("article.stuck .badge").replace("\xa0", " "))
        feed.sources["documents"]["progress"] = 0.44
        page.wait_for_function("document.querySelectorAll('article.q-loading:not(.stuck)').length")
        assert page.locator("article.stuck").count() > 0, "the others stand still as before"
        page.close()


@pytest.mark.parametrize(
    ("size", "lang"), [("4k", "vi"), ("1080p", "en"), ("phone", "vi"), ("phone", "en")]
)
def test_a_lost_link_leaves_nothing_looking_fresh(chromium: Browser, size: str, lang: str) -> None:
    feed = province()
    with served(feed) as url:
        page = _open(chromium, url, size, f"lang={lang}")
        bring(page, feed, "critical")
        feed.beating = False
        page.wait_for_function("document.body.dataset.link === 'lost'", timeout=10_000)
        page.wait_for_selector(".banner")
        assert _complaints(page) == []
        dashed = "[...document.querySelectorAll('article')].every(tile => "
        dashed += "getComputedStyle(tile).outlineStyle === 'dashed')"
        assert page.evaluate(dashed)
        assert page.locator(".age:visible, .glyph:visible").count() == 0
        stood = page.inner_text("time")
        page.wait_for_timeout(1500)
        assert page.inner_text("time") == stood, "the clock ticks only while the link lives"
        feed.beating = True
        page.wait_for_function("document.body.dataset.link === 'live'", timeout=40_000)
        page.wait_for_selector(".banner", state="detached")
        page.close()


def test_a_slow_link_is_said_before_it_is_lost(chromium: Browser) -> None:
    feed = province()
    with served(feed) as url:
        page = _open(chromium, url, "1080p", "lang=vi")
        feed.beating = False
        page.wait_for_function("document.body.dataset.link === 'lagging'", timeout=10_000)
        assert "Kết nối chậm" in page.inner_text("header")
        page.close()


def test_another_build_is_announced_and_nothing_of_it_is_shown(chromium: Browser) -> None:
    feed = province()
    with served(feed) as url:
        page = _open(chromium, url, "1080p", "lang=en")
        # A page that was just loaded anew waits a minute before it does so again: time to look.
        page.evaluate("sessionStorage.setItem('reloaded', String(Date.now()))")
        feed.build = "next"
        page.evaluate("window.dispatchEvent(new Event('online'))")
        page.wait_for_function("document.body.dataset.link === 'incompatible'", timeout=10_000)
        assert "New version" in page.inner_text(".banner")
        assert _complaints(page) == []
        page.close()


def test_a_wall_without_a_server_says_that_it_connects(chromium: Browser) -> None:
    feed = province()
    feed.refuses = True
    with served(feed) as url:
        page = chromium.new_page(viewport={"width": 1920, "height": 1080})
        page.goto(f"{url}/wall?lang=vi")
        page.wait_for_selector(".wait")
        assert "Đang kết nối" in page.inner_text(".wait")
        feed.refuses = False
        page.wait_for_selector("article[data-tile]", timeout=40_000)
        page.close()


def test_every_word_is_sixteen_minutes_of_arc_high(chromium: Browser) -> None:
    feed = province()
    with served(feed) as url:
        page = _open(chromium, url, "4k", "lang=vi")
        bring(page, feed, "alerts")
        texts = page.evaluate("wall.capitals()")
        page.close()
    assert len(texts) > 100
    low = []
    for text in texts:
        mm = text["px"] * CAPITALS * PITCH_MM
        figure = text["of"].startswith("value")
        # A figure of six letters and more, its unit included, gives height for being whole.
        floor = 20 if figure and re.fullmatch(r"\d\d,\d", text["text"]) else 16
        height = mm / (10_000 if figure else 5_000) * ARCMIN_PER_RAD
        if height < floor:
            low.append((text["of"], text["text"], round(height, 1)))
    assert low == []


def test_an_unknown_tile_type_names_itself(chromium: Browser) -> None:
    feed = province()
    feed.scene["groups"][0]["tiles"][2]["type"] = "gauge"
    with served(feed) as url:
        page = _open(chromium, url, "1080p", "lang=vi")
        assert "gauge" in page.inner_text("[data-tile-type=gauge]")
        assert page.locator("article[data-tile]").count() == 17
        page.close()


def test_a_wall_fetches_neither_charts_nor_foreign_letters(chromium: Browser) -> None:
    feed = province()
    with served(feed) as url:
        page = chromium.new_page(viewport={"width": 1920, "height": 1080})
        answers: list[Response] = []
        page.on("response", lambda got: answers.append(got))
        page.goto(f"{url}/wall?lang=vi")
        page.wait_for_selector("article[data-tile]")
        page.wait_for_load_state("load")
        # letters are asked for when a text needs them: only then is all that is fetched known
        page.evaluate("document.fonts.ready.then(() => null)")
        bodies = {got.url: len(gzip.compress(got.body())) for got in answers}
        page.close()
    names = [url.rsplit("/", 1)[1] for url in bodies]
    scripts = [name for name in names if name.endswith(".js")]
    weight = sum(size for url, size in bodies.items() if url.endswith(".js"))
    print(f"the wall's scripts: {weight / 1000:.1f} kB compressed")
    assert 5_000 < weight < 42_000
    assert scripts and not [name for name in scripts if name.startswith(("Desk", "Chart"))]
    fonts = sorted(name.split("-wdth")[0] for name in names if name.endswith(".woff2"))
    assert set(fonts) <= {f"ibm-plex-sans-{one}" for one in ("latin", "latin-ext", "vietnamese")}
    assert "ibm-plex-sans-vietnamese" in fonts
    kept = {path.name for path in (ROOT / "app/static/assets").glob("*.woff2")}
    assert len(kept) == 3, kept
