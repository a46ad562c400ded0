"""Screenshots of the running product into docs/pictures (``make pictures``).

python -m tests.pictures [--api http://127.0.0.1:8000] [--out docs/pictures]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.chromium import browser

SHOTS = (
    ("wall-4k-dark", "/wall?theme=dark", 3840, 2160, False),
    ("wall-4k-light", "/wall?theme=light", 3840, 2160, False),
    ("wall-1080p-dark", "/wall?theme=dark", 1920, 1080, False),
    ("wall-phone-dark", "/wall?theme=dark", 390, 844, True),
    ("wall-1080p-en", "/wall?theme=dark&lang=en", 1920, 1080, False),
    ("desk", "/?lang=vi", 1920, 1080, False),
    ("indicator", "/indicator/ps.on_time?lang=vi", 1920, 1080, True),
    ("sources", "/sources?lang=vi", 1920, 1080, False),
)


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


if __name__ == "__main__":
    main()
