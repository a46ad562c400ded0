"""Paint: from the call that stores a figure, and from its commit, to its painted pixel; 200 tiles.

    python -m benchmarks.paint_commit

Readings are committed as evaluation commits them, one an event, into a PostgreSQL of its own; the
product's web process follows the change log; headless Chromium shows the real wall and notes when a
changed tile had been painted (the first task after the frame that drew it). No feed is polled: the
poll interval of a feed comes before all this, and is what ``make bench-paint`` prints beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx2
from playwright.sync_api import Browser, Page

from app.domain.clock import read_clock
from app.domain.judged import Head, Judged
from app.domain.period import KINDS
from app.domain.reading import Reading
from app.profile import load_profile
from app.store.embedded import EmbeddedPostgres
from app.store.migrate import upgrade
from app.store.pool import open_pool
from app.store.readings import PgReadings
from benchmarks.installation import ROOT, free_ports
from benchmarks.paint import _SEEN, BEGINS, quantile
from tests.chromium import browser

TILES, IN_A_ROW = 200, 6
SOURCE = "einvoice"
TURN_S = 12.0
WRITERS = 6
Since = dict[tuple[str, int], float]  # milliseconds from the call that stored it
PACES = {"10/s": 10.0, "500/s": 500.0}
# The least a page can be: two hundred figures as plain text, set by hand as they come. What is
# before the browser, and what this browser takes for any change at all, is the same for both.
SHOWN = {"wall": "paint", "plain": "plain"}
_PLAIN = """
(keys) => {
  document.body.innerHTML = '<main style="display:grid;grid-template-columns:repeat(18,1fr)">'
    + keys.map((k) => `<article data-tile="${k}" data-value="0"><b>0</b></article>`).join('')
    + '</main>';
  const of = {};
  for (const tile of document.querySelectorAll('article')) of[tile.dataset.tile] = tile;
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/api/v1/live');
  socket.onmessage = (e) => {
    if (!e.data.startsWith('{"t":"delta"')) return;
    for (const r of JSON.parse(e.data).readings) {
      const tile = of[`${r.indicator}|${r.subject}|${r.period}`];
      tile.firstChild.textContent = r.value;
      tile.dataset.value = r.value;
    }
  };
}
"""
# When the frame was received, by the same clock: what is before is not the browser's.
_RECEIVED = """
() => {
  window.received = [];
  const Old = window.WebSocket;
  window.WebSocket = class extends Old {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', (e) => {
        const at = performance.timeOrigin + performance.now();
        if (!e.data.startsWith('{"t":"delta"')) return;
        for (const r of JSON.parse(e.data).readings)
          window.received.push([`${r.indicator}|${r.subject}|${r.period}`, r.value, at]);
      });
    }
  };
}
"""


@dataclass(slots=True)
class Written:
    """When the commit of each (tile, value) was asked for, real seconds, and how long it took."""

    began: dict[tuple[str, int], float] = field(default_factory=dict)
    took_ms: dict[tuple[str, int], float] = field(default_factory=dict)


def profile(folder: Path) -> tuple[Path, list[tuple[str, str, str]]]:
    """The province with a wall of two hundred tiles, all of one source."""
    made = folder / "profile"
    shutil.copytree(ROOT / "app/profiles/laocai", made)
    known = load_profile(made)
    of = [i for i in known.indicators.values() if i.source == SOURCE]
    standing = known.subjects_on(BEGINS.date())
    about = [s.id for s in standing if s.level in ("group", "province", "tier", "district")]
    keys = [(i.id, s, p) for i in of for s in about for p in KINDS][:TILES]
    scene = ""
    for row in range(0, len(keys), IN_A_ROW):
        tiles = "".join(f'  ["{i}", "{s}", "{p}"],\n' for i, s, p in keys[row : row + IN_A_ROW])
        scene += f'[[group]]\nid = "g{row}"\ntitle_vi = "{row}"\ntitle_en = "{row}"\n'
        scene += f"tiles = [\n{tiles}]\n\n"
    indicator, _, period = keys[0]
    scene += f'[map]\nindicator = "{indicator}"\nperiod = "{period}"\n'
    scene += 'title_vi = "Bản đồ"\ntitle_en = "Map"\n'
    (made / "scene.toml").write_text(scene)
    return made, keys


def reading(key: tuple[str, str, str], value: int, now_s: int) -> Reading:
    at = now_s if key[2] == "now" else now_s - now_s % 3600
    return Reading(*key, at, now_s, now_s, SOURCE, float(value), None, None, None, "none", "")


async def store(readings: PgReadings, rows: list[Reading], *, heads: bool) -> None:
    now_s = rows[0].at_s
    told = {(r.indicator, r.period): r.period_s for r in rows} if heads else {}
    found = tuple(Head(i, p, s) for (i, p), s in told.items())
    await readings.commit(
        [Judged(SOURCE, 1, now_s, now_s, False, found, tuple(rows), tuple(rows), (), False, True)]
    )


async def write(
    url: str, keys: list[tuple[str, str, str]], pace: float, first: int, seconds: float, now_s: int
) -> Written:
    """Commit one figure an event, at its instant, however long the ones before take."""
    pool = await open_pool(url, WRITERS)  # as the worker has it
    readings, written = PgReadings(pool), Written()
    writers = WRITERS if pace > 50 else 1
    # A worker has long been connected, and what it says is known to the server.
    await asyncio.gather(
        *(store(readings, [reading(k, 0, now_s)], heads=False) for k in keys[:writers])
    )
    began, number = time.time() + 0.5, iter(range(first, 10**9))

    async def one() -> None:
        while (n := next(number)) < first + pace * seconds:
            # Not in step with the screen: a frame must be met at any of its instants.
            due = began + (n - first + random.random() * 0.5) / pace
            await asyncio.sleep(max(0.0, due - time.time()))
            key = keys[n % len(keys)]
            at = time.time()
            written.began["|".join(key), n] = at
            await store(readings, [reading(key, n, now_s)], heads=False)
            written.took_ms["|".join(key), n] = (time.time() - at) * 1000

    await asyncio.gather(*(one() for _ in range(writers)))
    await pool.close()
    return written


async def fill(url: str, keys: list[tuple[str, str, str]], now_s: int) -> None:
    """What a loaded source has left behind."""
    pool = await asyncpg.create_pool(url, min_size=1, max_size=2)
    for source in load_profile(ROOT / "app/profiles/laocai").sources:
        await pool.execute(
            "INSERT INTO source_state (source, watermark_s, caught_up, last_success_s)"
            " VALUES ($1, $2, true, $2)", source, now_s,
        )  # fmt: skip
    await store(PgReadings(pool), [reading(k, 0, now_s) for k in keys], heads=True)
    await pool.close()


async def live(url: str, over: threading.Event) -> None:
    """The worker's signs of life: without them every figure would be drawn as stale."""
    db = await asyncpg.connect(url)
    while not over.is_set():
        await db.execute("UPDATE pulse SET beats = beats + 1")
        await asyncio.sleep(1)
    await db.close()


def clock(folder: Path) -> int:
    """Data time of 2022, at the pace of life: its subjects are the profile's."""
    told = {
        "version": 1, "real_anchor": time.time(), "data_anchor": BEGINS.isoformat(),
        "office_rate": 1, "other_rate": 1, "office_start": "07:30", "office_end": "17:00",
    }  # fmt: skip
    (folder / "clock.json").write_text(json.dumps(told))
    return int(BEGINS.timestamp())


@contextmanager
def web(folder: Path, url: str, made: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    env = {k: v for k, v in os.environ.items() if not k.startswith("IOC_")} | {
        "IOC_DATA_DIR": str(folder / "web"), "IOC_PORT": str(port), "IOC_DATABASE_URL": url,
        "IOC_PROFILE": str(made), "IOC_CLOCK_FILE": str(folder / "clock.json"),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve", "--role", "web"], cwd=ROOT, env=env
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                if httpx2.get(f"{address}/readyz", trust_env=False).status_code == 200:
                    break
            except httpx2.HTTPError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(15)


def turn(
    page: Page, url: str, keys: list[tuple[str, str, str]], pace: float, first: int, now_s: int
) -> tuple[Written, Since, Since]:
    """What was written, and the milliseconds to the browser and to the pixel."""
    page.evaluate("() => { window.seen = []; window.received = []; }")
    asked = json.dumps([url, keys, pace, first, TURN_S, now_s])
    with tempfile.TemporaryFile("w+") as out:
        writer = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.paint_commit", "--write", asked],
            cwd=ROOT,
            stdout=out,
        )
        while writer.poll() is None:
            page.wait_for_timeout(200)
        out.seek(0)
        told = json.load(out)
    page.wait_for_timeout(500)
    written = Written({(k, n): t for k, n, t, _ in told}, {(k, n): ms for k, n, _, ms in told})

    def since(name: str) -> Since:
        seen: list[tuple[str, float, float]] = page.evaluate(f"() => window.{name}")
        first_seen: dict[tuple[str, int], float] = {}
        for key, value, at_ms in seen:
            first_seen.setdefault((key, round(value)), at_ms)
        began = written.began
        return {k: first_seen[k] - began[k] * 1000 for k in began if k in first_seen}

    return written, since("received"), since("seen")


def opened(chromium: Browser, address: str, shown: str, keys: list[tuple[str, str, str]]) -> Page:
    """The wall, or the plain page beside it; by then it has come to rest."""
    page = chromium.new_page(viewport={"width": 1920, "height": 1080}, bypass_csp=True)
    page.add_init_script(f"({_RECEIVED})()")
    if shown == "wall":
        page.goto(f"{address}/wall?page=all")
        page.wait_for_selector("article[data-quality=fresh]", timeout=20_000)
    else:
        page.goto(f"{address}/healthz")
        page.evaluate(_PLAIN, ["|".join(k) for k in keys])
    assert page.locator("article[data-tile]").count() == TILES
    page.evaluate(_SEEN)
    page.wait_for_timeout(2000)
    return page


@dataclass(slots=True)
class Row:
    """All turns of one page at one pace, in milliseconds."""

    events: int = 0
    took: list[float] = field(default_factory=list)
    received: list[float] = field(default_factory=list)
    painted: list[float] = field(default_factory=list)
    after_commit: list[float] = field(default_factory=list)  # from when it had been answered

    def add(self, written: Written, received: Since, painted: Since) -> None:
        self.events += len(written.began)
        self.took += written.took_ms.values()
        self.received += received.values()
        self.painted += painted.values()
        self.after_commit += (ms - written.took_ms[key] for key, ms in painted.items())

    def line(self, name: str) -> str:
        return (
            f"{name:14}{self.events:>7}{len(self.painted):>9}{statistics.median(self.took):>9.1f}"
            f"{statistics.median(self.received):>10.1f}{statistics.median(self.painted):>9.1f}"
            f"{quantile(self.painted, 0.9):>9.1f}{quantile(self.painted, 0.99):>9.1f}"
            f"{statistics.median(self.after_commit):>14.1f}"
            f"{quantile(self.after_commit, 0.99):>7.1f}"
        )


def interleaved(folder: Path, url: str, turns: int) -> dict[tuple[str, str], Row]:
    """Turn by turn the wall and the plain page, at each pace; one of them is open at a time."""
    made, keys = profile(folder)
    asyncio.run(fill(url, keys, clock(folder)))
    over = threading.Event()
    heart = threading.Thread(target=lambda: asyncio.run(live(url, over)))
    heart.start()
    rows = {(shown, pace): Row() for shown in SHOWN for pace in PACES}
    first, now_s = 1, int(read_clock(folder / "clock.json").now_s())
    try:
        with web(folder, url, made) as address, browser() as chromium:
            for _ in range(turns):
                for shown in SHOWN:
                    page = opened(chromium, address, shown, keys)
                    for pace, hz in PACES.items():
                        told = turn(page, url, keys, hz, first, now_s)
                        rows[shown, pace].add(*told)
                        first += len(told[0].began)
                    page.close()
    finally:
        over.set()
        heart.join(5)
    return rows


def measure(turns: int) -> dict[str, float]:
    folder = Path(tempfile.mkdtemp(prefix="ioc-paint-"))
    folder.chmod(0o755)  # as root, PostgreSQL runs under another account
    server = EmbeddedPostgres(folder)
    try:
        url = server.start()
        upgrade(url)
        rows = interleaved(folder, url, turns)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{'':14}{'events':>7}{'painted':>9}{'commit':>9}{'received':>10}"
          f"{'p50 ms':>9}{'p90 ms':>9}{'p99 ms':>9}{'after commit':>14}{'p99':>7}")  # fmt: skip
    found: dict[str, float] = {}
    for (shown, pace), row in rows.items():
        print(row.line(f"{shown} {pace}"))
        name = SHOWN[shown] + ("" if PACES[pace] == 10 else f"_{pace[:-2]}")
        found[f"{name}_p50_ms"] = round(statistics.median(row.painted), 1)
        found[f"{name}_p99_ms"] = round(quantile(row.painted, 0.99), 1)
        found[f"{name}_after_commit_p50_ms"] = round(statistics.median(row.after_commit), 1)
        found[f"{name}_after_commit_p99_ms"] = round(quantile(row.after_commit, 0.99), 1)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=3, help="of each pace, twelve seconds each")
    parser.add_argument("--write", help=argparse.SUPPRESS)  # the writer, in a process of its own
    chosen = parser.parse_args()
    if chosen.write:
        url, keys, *rest = json.loads(chosen.write)
        written = asyncio.run(write(url, [tuple(k) for k in keys], *rest))
        print(json.dumps([(*k, at, written.took_ms[k]) for k, at in written.began.items()]))
        return 0
    print(json.dumps(measure(chosen.turns)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
