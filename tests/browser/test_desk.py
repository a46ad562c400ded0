"""The desk by keyboard: from the province to one overdue dossier and back, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.desk_stage import COMMUNE, DISTRICT, OVERDUE, Stage, reading, staged
from tests.browser.feed import PROFILE
from tests.chromium import browser

pytestmark = pytest.mark.browser
ON_TIME = PROFILE.indicators["ps.on_time"]
FIRST_LOAD_AT_MOST = 350_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as running:
        yield running


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    context.close()
    assert faults == []


def _tab_to(page: Page, name: str, most: int = 120) -> None:
    """Tabs until the focused element is called so; whoever has no mouse gets there too."""
    for _ in range(most):
        page.keyboard.press("Tab")
        told = page.evaluate(
            "(document.activeElement.getAttribute('aria-label')"
            " || document.activeElement.textContent || '').trim()"
        )
        if re.match(name, told):
            return
    raise AssertionError(f"{most} tabs do not reach {name!r}")


def _column(page: Page, name: str) -> list[str]:
    return [cell.inner_text() for cell in page.query_selector_all(f"tbody .c-{name}")]


def test_the_skip_link_comes_first_and_leads_to_the_content(page: Page, stage: Stage) -> None:
    page.goto(stage.url)
    page.wait_for_selector("article[data-tile]")
    page.keyboard.press("Tab")
    expect(page.locator("a.skip")).to_be_focused()
    expect(page.locator("a.skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_whatever_has_the_focus_shows_it(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.url}/indicator/ps.on_time")
    page.wait_for_selector("tr[data-subject]")
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        told = page.evaluate("""() => {
          const it = document.activeElement, style = getComputedStyle(it);
          const box = it.getBoundingClientRect();
          return [it.outerHTML.slice(0, 90), style.outlineStyle, parseFloat(style.outlineWidth),
            box.bottom > 0 && box.top < innerHeight];
        }""")
        assert told[1] == "solid" and told[2] >= 2 and told[3], told
        seen.add(told[0])
    assert len(seen) > 25


def test_a_heading_sorts_by_keyboard_and_the_address_keeps_it(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.url}/ranking?indicator=ps.on_time&level=district")
    page.wait_for_selector("tr[data-subject]")
    assert _column(page, "rank") == sorted(_column(page, "rank"), key=int, reverse=True)
    assert all(re.fullmatch(r"\d+ / \d+", told) for told in _column(page, "den"))
    _tab_to(page, "Tên")
    page.keyboard.press("Enter")
    head = page.locator("thead th.c-name")
    expect(head).to_have_attribute("aria-sort", "ascending")
    first = _column(page, "name")
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert _column(page, "name") == first[::-1] and len(first) == 9
    page.reload()
    page.wait_for_selector("tr[data-subject]")
    assert _column(page, "name") == first[::-1]


@pytest.mark.parametrize(
    ("level", "count"),
    [("district", 9), ("commune", 152), ("department", 20), ("agency", 161), ("sector", 20)],
)
def test_every_level_is_ranked(page: Page, stage: Stage, level: str, count: int) -> None:
    page.goto(f"{stage.url}/ranking?indicator=ps.on_time&level={level}&all=1")
    page.wait_for_selector("tr[data-subject]")
    assert page.locator("tr[data-subject]").count() == count


def test_down_to_a_dossier_and_all_the_way_back(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.url}/indicator/ps.on_time?period=month")
    page.wait_for_selector(f"tr[data-subject='{DISTRICT}']")
    _tab_to(page, "Huyện Bắc Hà")
    page.wait_for_timeout(300)  # a reader's pause: the place is kept a moment after scrolling
    was = page.evaluate("scrollY")
    assert was > 100
    page.keyboard.press("Enter")
    page.wait_for_selector(f"tr[data-subject='{COMMUNE}']")
    expect(page.locator("nav.trail")).to_contain_text("Huyện Bắc Hà")
    rows = page.locator("table.cases tbody tr")
    expect(rows).to_have_count(20)
    first = rows.first.inner_text()
    assert f"{OVERDUE - 1} ngày" in first and re.search(r"H38\.35\S*-2209\d+-0001", first)
    assert re.search(r"\d\d/\d\d/\d{4} \d\d:\d\d", first) and "UBND" in first
    _tab_to(page, "Trang sau")
    page.keyboard.press("Enter")
    expect(page.locator("table.cases caption")).to_contain_text(f"21–40 trên {OVERDUE} ")
    assert "after=20" in page.url
    page.go_back()
    expect(page.locator("table.cases caption")).to_contain_text(f"1–20 trên {OVERDUE} ")
    page.locator(f"tr[data-subject='{COMMUNE}'] a").press("Enter")
    expect(page.locator("nav.trail li")).to_have_count(3)
    expect(page.locator("[data-headline]")).to_be_visible()
    expect(page.locator("table.cases, .empty").last).to_be_visible()
    page.go_back()
    page.go_back()
    expect(page.locator("nav.trail li")).to_have_count(1)
    page.wait_for_function("y => Math.abs(scrollY - y) < 3", arg=was, timeout=5000)


def test_the_trend_is_read_point_by_point_gaps_included(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.url}/indicator/ps.on_time?subject={DISTRICT}")
    chart = page.get_by_role("slider")
    chart.focus()
    told = [chart.get_attribute("aria-valuetext")]
    for _ in range(16):
        page.keyboard.press("ArrowLeft")
        told.append(chart.get_attribute("aria-valuetext"))
    assert len(set(told)) == 17
    assert sum("không có số liệu" in (one or "") for one in told) == 2
    assert all(re.match(r"\d\d/\d\d/2022: ", one or "") for one in told)
    page.keyboard.press("Home")
    assert chart.get_attribute("aria-valuenow") == "0"
    page.get_by_text("Xem dạng bảng").press("Enter")
    table = page.get_by_role("region", name="Diễn biến").locator("tbody tr")
    assert table.count() == int(chart.get_attribute("aria-valuemax") or 0) + 1
    assert table.filter(has_text="không có số liệu").count() == 2
    page.get_by_role("button", name="Năm", exact=True).press("Enter")
    expect(page.get_by_role("button", name="Năm", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    page.wait_for_url("**period=year**")


@pytest.mark.parametrize("subject", [COMMUNE, "agency:H38.5", "sector:LV04"])
def test_who_is_not_in_the_snapshot_is_still_live(page: Page, stage: Stage, subject: str) -> None:
    page.goto(f"{stage.url}/indicator/ps.on_time?subject={subject}&period=month")
    head = page.locator("[data-headline]")
    held = reading(ON_TIME, PROFILE.subjects[subject], "month")
    told = re.compile(rf"^{str(held.value)[:4].removesuffix('.0')}")
    expect(head).to_have_attribute("data-headline", told, timeout=10_000)
    stage.commit(replace(held, value=0.125, num=1, den=8, state="critical"))
    expect(head).to_have_attribute("data-headline", "0.125", timeout=5_000)
    expect(head).to_contain_text("12,5 %")
    expect(page.locator(".figure")).to_contain_text("1 / 8")


def test_a_figure_is_taken_apart_in_one_click(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.url}/indicator/ps.on_time?subject={DISTRICT}&period=month")
    page.get_by_text("Kiểm chứng con số").press("Enter")
    proof = page.locator("details:has(table):has(code)")
    expect(proof).to_contain_text("SHA-256 " + "ab" * 32)
    assert proof.locator("tbody tr").count() >= 19


def test_the_sick_feed_comes_first_with_what_to_do(page: Page, stage: Stage) -> None:
    page.goto(f"{stage.url}/sources")
    first = page.locator("[data-source]").first
    expect(first).to_have_attribute("data-source", "documents")
    expect(first).to_have_attribute("data-quality", "stale")
    expect(first).to_contain_text("sai định dạng")
    expect(first).to_contain_text("code 99 is unknown")
    expect(page.locator("[data-source=einvoice]")).to_contain_text("Không cần làm gì")


def test_the_first_load_is_light_on_a_slow_line(page: Page, stage: Stage) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: dict[str, float] = {}
    paths: dict[str, str] = {}

    def asked(event: dict[str, Any]) -> None:
        paths[event["requestId"]] = event["request"]["url"]

    def came(event: dict[str, Any]) -> None:
        sizes[event["requestId"]] = event["encodedDataLength"]

    session.on("Network.requestWillBeSent", asked)
    session.on("Network.loadingFinished", came)
    page.goto(stage.url)
    page.wait_for_selector("article[data-tile]")
    page.evaluate("document.fonts.ready")
    page.wait_for_selector("body[data-link=live]")
    for request, size in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{size / 1000:8.1f} kB  {paths[request].removeprefix(stage.url)}")
    total = sum(sizes.values())
    print(f"{total / 1000:8.1f} kB  first load of the desk, {len(sizes)} answers")
    assert len(sizes) > 6
    assert total < FIRST_LOAD_AT_MOST
    assert not any("Chart" in path for path in paths.values())
