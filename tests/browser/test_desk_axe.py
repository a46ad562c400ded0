"""Every page in both languages and themes: axe-core finds nothing, a phone needs no sideways."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.desk_stage import COMMUNE, DISTRICT, Stage, staged
from tests.browser.feed import ROOT
from tests.chromium import browser

pytestmark = pytest.mark.browser
AXE = ROOT / "frontend/node_modules/axe-core/axe.min.js"
# Each page and what tells that its answers have come.
PAGES = {
    "/": "article[data-tile]",
    f"/indicator/ps.on_time?subject={DISTRICT}": "tr[data-subject] .bullet",
    f"/indicator/ps.overdue_open?subject={COMMUNE}": "[data-headline]",
    "/indicator/doc.register_median?subject=area:10": "tr[data-subject]",
    "/indicator/no.such": "main h1",
    "/ranking": "tr[data-subject]",
    "/ranking?indicator=ps.on_time&level=commune&sort=value&dir=up": "tr[data-subject]",
    "/goals": "[data-goal=S14]",
    "/index766": "tr[data-part] td",
    "/index766?subject=area:085&level=commune": "tr[data-subject]",
    "/cases": "table.cases tbody tr",
    "/sources": "[data-source] li b",
    "/nowhere": "main h1",
    "/wall": "article[data-tile]",
    "/wall?page=all": "article[data-tile]",
    "/api/v1/docs": "section",
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOK = """async (tags) => {
  const found = await axe.run(document, { runOnly: { type: 'tag', values: tags } });
  return {
    passed: found.passes.length,
    faults: found.violations.map((v) => `${v.id}: ${v.help}: `
      + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + ' ' + n.failureSummary).join(' | ')),
  };
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as running:
        yield running


def _faults(page: Page) -> list[str]:
    page.add_script_tag(path=str(AXE))
    found = page.evaluate(LOOK, RULES)
    # A page that did not load has nothing wrong with it either.
    assert found["passed"] > 12
    return list(found["faults"])


def _open(page: Page, address: str, told: str) -> None:
    page.goto(address, wait_until="load")
    page.wait_for_selector(told, timeout=15_000)
    for folded in page.query_selector_all("main details:not([open]) > summary"):
        folded.click()
    page.wait_for_function("!document.querySelector('[data-waiting]')", timeout=10_000)


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_and_no_page_is_wider_than_a_phone(
    chromium: Browser, stage: Stage, path: str
) -> None:
    context = chromium.new_context(bypass_csp=True, reduced_motion="reduce")
    page = context.new_page()
    joint = "&" if "?" in path else "?"
    for lang, theme in (("vi", "light"), ("en", "dark")):
        page.set_viewport_size({"width": 1920, "height": 1080})
        _open(page, f"{stage.url}{path}{joint}lang={lang}&theme={theme}", PAGES[path])
        assert _faults(page) == [], f"{path} {lang} {theme}"
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") == 390, f"{path} {lang}"
    assert _faults(page) == [], f"{path} phone"
    context.close()


def test_axe_is_awake(chromium: Browser, stage: Stage) -> None:
    """A page with a fault is found out: the test above can fail."""
    page = chromium.new_page(bypass_csp=True)
    page.goto(f"{stage.url}/cases")
    page.wait_for_selector("table.cases tbody tr")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=x>')")
    assert any("image-alt" in fault for fault in _faults(page))
    page.close()
