"""Paint: from the last byte of a feed's answer to painted pixels, through PostgreSQL.

    python -m benchmarks.paint

A small upstream speaks the e-invoice format and notes when each answer's last byte had left; the
real product collects, stores, judges and pushes it; headless Chromium shows the real wall and notes
when a changed tile had been painted (the first task after the frame that drew it). Two paces, in
turns: two tiles change with every answer, or all forty-eight. The time a change waits for the next
poll is not part of it and stands beside it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
from playwright.sync_api import Page

from benchmarks.installation import ROOT, Installation, installation
from tests.chromium import browser

GROUPS = ("1100", "1101,1102", "1103", "1104,1109", "1105", "1106", "1107", "1108")
BEGINS = datetime(2022, 10, 3, 9, 0, 30, tzinfo=timezone(timedelta(hours=7)))
RATE = 5.0
TURN_S = 15.0
_SEEN = """
() => {
  window.seen = [];
  let fresh = [];
  const told = new MessageChannel();
  told.port1.onmessage = () => {
    const at = performance.timeOrigin + performance.now();
    for (const [key, value] of fresh) window.seen.push([key, value, at]);
    fresh = [];
  };
  // What is changed while a frame is being made is painted with it, not with the next one.
  const own = window.requestAnimationFrame.bind(window);
  const over = new MessageChannel();
  let drawing = false;
  over.port1.onmessage = () => { drawing = false; };
  window.requestAnimationFrame = (step) => own((at) => {
    drawing = true;
    over.port2.postMessage(0);
    step(at);
  });
  const painted = () => told.port2.postMessage(0);
  new MutationObserver((changes) => {
    if (!fresh.length) drawing ? painted() : own(painted);
    for (const change of changes) {
      const tile = change.target;
      fresh.push([tile.dataset.tile, Number(tile.dataset.value)]);
    }
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ['data-value'] });
}
"""


@dataclass(slots=True)
class Upstream:
    """Answers every poll with something new; ``left[n]`` is when answer ``n`` had left, real s."""

    began_real_s: float
    all_tiles: bool = False
    number: int = 0
    left: dict[int, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> datetime:
        return BEGINS + timedelta(seconds=(time.time() - self.began_real_s) * RATE)

    def page(self) -> tuple[int, bytes]:
        with self.lock:
            self.number += 1
            n = self.number
            groups = GROUPS if self.all_tiles else GROUPS[2:3]
        now = self.now()
        hour, stamp = now.strftime("%Y-%m-%dT%H:00:00"), now.strftime("%Y-%m-%dT%H:%M:%S")
        records = "".join(_record(g, hour, stamp, n, whole=self.all_tiles) for g in groups)
        told = (
            "<TDiep><TTChung><PBan>2.0.1</PBan><MNGui>0107001729</MNGui><MNNhan>H38</MNNhan>"
            f"<MLTDiep>901</MLTDiep><MTDiep>{n}</MTDiep><MST>0107001729</MST>"
            f"<SLuong>{len(groups)}</SLuong></TTChung><DLieu><DSachTHop>{records}</DSachTHop>"
            f"</DLieu><PTrang><TiepTheo>{n}</TiepTheo><ConNua>0</ConNua><HetDen>{stamp}</HetDen>"
            "</PTrang></TDiep>"
        )
        return n, told.encode()


def _record(group: str, hour: str, stamp: str, n: int, *, whole: bool) -> str:
    """One hour of one office: ``n`` invoices; when ``whole``, every other figure changes too."""
    worth, refused, missing = (n * 1000, n % 50 + 1, n % 40) if whole else (1000, 1, 1)
    return (
        f'<THop PHanh="{stamp}" TDGui="{stamp}"><CQT>{group}</CQT><TGian>{hour}</TGian><DSLTDiep>'
        f'<LTDiep MLTDiep="200"><SLuong>{n}</SLuong><SLHDon>{n}</SLHDon>'
        f'<TgTTTBSo>{worth}</TgTTTBSo></LTDiep></DSLTDiep><DSLTBao><LTBao Ma="2"><SLuong>100'
        f'</SLuong></LTBao><LTBao Ma="1"><SLuong>{refused}</SLuong></LTBao></DSLTBao>'
        f"<DSoat><SLGui>{100 + missing}</SLGui><SLXNhan>100</SLXNhan></DSoat></THop>"
    )


@contextmanager
def serving(upstream: Upstream) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # noqa: N802 (the name http.server asks for)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(b'{"access_token":"t","expires_in":3600}', "application/json")

        def do_GET(self) -> None:  # noqa: N802
            n, body = upstream.page()
            self._answer(body, "application/xml")
            upstream.left[n] = time.time()

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


def profile(folder: Path, base_url: str) -> Path:
    """The province with this one feed, and a wall of 48 tiles that all change with it."""
    made = folder / "profile"
    shutil.copytree(ROOT / "app/profiles/laocai", made)
    for path in [*made.glob("sources/*.toml"), *made.glob("indicators/*.toml")]:
        if path.stem != "einvoice" and not path.stem.startswith("inv."):
            path.unlink()
    source = made / "sources/einvoice.toml"
    lines = []
    for line in source.read_text().splitlines():
        if line.startswith("base_url"):
            line = f'base_url = "{base_url}"'
        lines.append("every_s = 1" if line.startswith("every_s") else line)
    source.write_text("\n".join(lines) + "\n")
    scene = ""
    for group in (g.replace(",", "-") for g in GROUPS):
        tiles = "".join(
            f'  ["{indicator}", "group:{group}", "{period}"],\n'
            for indicator, period in (
                ("inv.issued", "day"), ("inv.issued", "hour"), ("inv.value", "day"),
                ("inv.value", "hour"), ("inv.rejected", "day"), ("inv.reconciliation_gap", "day"),
            )
        )  # fmt: skip
        scene += (
            f'[[group]]\nid = "g{group}"\ntitle_vi = "{group}"\ntitle_en = "{group}"\n'
            f"tiles = [\n{tiles}]\n\n"
        )
    scene += (
        '[map]\nindicator = "inv.issued"\nperiod = "day"\ntitle_vi = "Bản đồ"\ntitle_en = "Map"\n'
    )
    (made / "scene.toml").write_text(scene)
    return made


def turn(page: Page, upstream: Upstream, *, all_tiles: bool) -> tuple[list[float], int, int]:
    """Milliseconds of every measured change of one turn, tile changes seen, answers given."""
    upstream.all_tiles = all_tiles
    time.sleep(1.5)  # what is still on its way belongs to the turn before
    page.evaluate("() => { window.seen = []; }")
    first = upstream.number
    page.wait_for_timeout(TURN_S * 1000)
    last = upstream.number
    seen: list[tuple[str, float, float]] = page.evaluate("() => window.seen")
    found = []
    for key, value, at_ms in seen:
        n = round(value / 1000) if key.startswith("inv.value") else round(value)
        if key.startswith(("inv.issued", "inv.value")) and first < n <= last and n in upstream.left:
            found.append(at_ms - upstream.left[n] * 1000)
    return found, len(seen), last - first


def ready(run: Installation) -> None:
    for _ in range(300):
        try:
            answer = httpx2.get(f"{run.url}/api/v1/sources", timeout=5, trust_env=False)
            if answer.status_code == 200 and answer.json()["sources"][0]["quality"] == "fresh":
                return
        except (httpx2.HTTPError, LookupError):
            pass
        time.sleep(0.2)
    raise RuntimeError("the product did not show the feed as fresh within a minute")


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=3, help="of each pace")
    chosen = parser.parse_args()
    upstream = Upstream(time.time())
    folder = Path(tempfile.mkdtemp(prefix="ioc-paint-"))
    folder.chmod(0o755)
    clock = {
        "version": 1, "real_anchor": upstream.began_real_s, "data_anchor": BEGINS.isoformat(),
        "office_rate": RATE, "other_rate": RATE, "office_start": "07:30", "office_end": "17:00",
    }  # fmt: skip
    (folder / "clock.json").write_text(json.dumps(clock))
    few: list[float] = []
    many: list[float] = []
    told: list[tuple[str, int, int, float]] = []
    try:
        with serving(upstream) as address:
            env = {
                "IOC_PROFILE": str(profile(folder, address)),
                "IOC_CLOCK_FILE": str(folder / "clock.json"),
                "IOC_EINVOICE_SECRET": "x",
            }
            with installation("serve", env) as run, browser() as chromium:
                ready(run)
                page = chromium.new_page(viewport={"width": 1920, "height": 1080}, bypass_csp=True)
                page.goto(f"{run.url}/wall?page=all")
                page.wait_for_selector("article[data-quality=fresh]", timeout=20_000)
                page.evaluate(_SEEN)
                for _ in range(chosen.turns):
                    for pace, kept in (("few", few), ("many", many)):
                        found, changes, answers = turn(page, upstream, all_tiles=pace == "many")
                        kept += found
                        told.append((pace, changes, answers, TURN_S))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if not few or not many:
        print("paint: no change was seen; nothing is measured", file=sys.stderr)
        return 1
    print(
        f"{'pace':8}{'tile updates/s':>15}{'polls/s':>9}{'n':>7}"
        f"{'p50 ms':>9}{'p90 ms':>9}{'p99 ms':>9}"
    )
    for pace, values in (("few", few), ("many", many)):
        turns = [t for t in told if t[0] == pace]
        seconds = sum(t[3] for t in turns)
        print(
            f"{pace:8}{sum(t[1] for t in turns) / seconds:>15.0f}"
            f"{sum(t[2] for t in turns) / seconds:>9.1f}{len(values):>7}"
            f"{statistics.median(values):>9.1f}{quantile(values, 0.9):>9.1f}"
            f"{quantile(values, 0.99):>9.1f}"
        )
    polls = sum(t[2] for t in told) / sum(t[3] for t in told)
    print(f"poll interval beside it: {1000 / polls:.0f} ms; a screen draws every 16.7 ms\n")
    print(
        json.dumps(
            {
                "paint_p50_ms": round(statistics.median(few), 1),
                "paint_p99_ms": round(quantile(few, 0.99), 1),
                "paint_200_p50_ms": round(statistics.median(many), 1),
                "paint_200_p99_ms": round(quantile(many, 0.99), 1),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
