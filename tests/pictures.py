"""Screenshots of the running product, and of a wall in each state, into docs/pictures.

``make pictures`` after ``make demo``: the states are brought about by a feed of the tests.

python -m tests.pictures [--api http://127.0.0.1:8000] [--out docs/pictures]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.feed import province
from tests.browser.server import served
from tests.browser.test_wall import bring
from tests.browser.test_wall_pages import two_hundred
from tests.chromium import browser

SHOTS = (
    ("wall-4k-dark", "/wall?theme=dark", 3840, 2160, False),
    ("wall-4k-light", "/wall?theme=light", 3840, 2160, False),
    ("wall-1080p-dark", "/wall?theme=dark", 1920, 1080, False),
    ("wall-phone-dark", "/wall?theme=dark", 390, 844, True),
    ("wall-1080p-en", "/wall?theme=dark&lang=en", 1920, 1080, False),
    ("desk", "/?lang=vi", 1920, 1080, False),
    ("indicator", "/indicator/ps.on_time?lang=vi", 1920, 1080, True),
    ("wall-phone-en", "/wall?theme=light&lang=en", 390, 844, True),
    ("index766", "/index766?lang=vi", 1920, 1080, False),
    ("sources", "/sources?lang=vi", 1920, 1080, False),
)
# What a demo seldom shows; every tile in the state, so that its look is seen on all.
STATES = ("near", "missed", "late", "stale", "absent", "loading", "no_source", "flood", "lost")


def states(chromium: Browser, out: Path) -> None:
    """One picture a state, in turn dark and light."""
    for number, name in enumerate(STATES):
        feed = province()
        theme, lang = (("dark", "vi"), ("light", "en"))[number % 2]
        with served(feed) as url:
            page = chromium.new_page(viewport={"width": 1920, "height": 1080})
            page.goto(f"{url}/wall?theme={theme}&lang={lang}")
            page.wait_for_selector("article[data-tile]")
            page.wait_for_function("document.body.dataset.link === 'live'")
            bring(page, feed, "near" if name == "lost" else name)
            if name == "lost":
                feed.beating = False
                page.wait_for_selector(".banner", timeout=15_000)
            page.wait_for_timeout(1500)
            page.screenshot(path=str(out / f"state-{name}.png"))
            print(f"{out / f'state-{name}.png'}: {theme}, {lang}")
            page.close()


def pages(chromium: Browser, out: Path) -> None:
    """Two hundred tiles: one of nine pages, and all of them at once."""
    with served(two_hundred()) as url:
        for name, query in (("pages", "theme=dark&lang=vi&page=4"), ("all", "lang=en&page=all")):
            page = chromium.new_page(viewport={"width": 1920, "height": 1080})
            page.goto(f"{url}/wall?{query}")
            page.wait_for_selector("article[data-tile]:visible")
            page.wait_for_timeout(1500)
            page.screenshot(path=str(out / f"wall-200-{name}.png"))
            print(f"{out / f'wall-200-{name}.png'}: 1920×1080")
            page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api", default="http://127.0.0.1:8000")
    parser.add_argument("--out", default="docs/pictures")
    asked = parser.parse_args()
    out = Path(asked.out)
    out.mkdir(parents=True, exist_ok=True)
    with browser() as chromium:
        for name, path, width, height, whole in SHOTS:
            page = chromium.new_page(viewport={"width": width, "height": height})
            page.goto(asked.api + path, wait_until="load")
            page.wait_for_timeout(2500)
            target = out / f"{name}.png"
            page.screenshot(path=str(target), full_page=whole)
            print(f"{target}: {width}×{height}")
            page.close()
        states(chromium, out)
        pages(chromium, out)


if __name__ == "__main__":
    main()
