"""Fill: how fast a simulated year is loaded through the real collectors, and at what cost.

    python -m benchmarks.fill --scale 1

Same page size, durability and code path as live; the last seven days are judged by the hour. While
it runs, a second process asks for snapshots and counts the beats of the live channel, and does the
same again afterwards, when nothing is loaded: the figures stand beside each other.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing as mp
import statistics
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.synchronize import Event
from typing import Any

import asyncpg
import httpx2
import websockets

from benchmarks.installation import Installation, installation

BEGAN = datetime(2021, 12, 31, 17, tzinfo=UTC)
OPENS = datetime(2023, 1, 2, 0, 30, tzinfo=UTC)  # Monday 07:30 in Vietnam, a year and a day later
FEEDS = ("public_service", "documents", "einvoice")


@dataclass(slots=True)
class Heard:
    """What a screen met with: times of snapshots, and the longest wait for a beat."""

    snapshots_ms: list[float] = field(default_factory=list)
    longest_gap_s: float = 0.0
    beats: int = 0

    @property
    def p99_ms(self) -> float:
        ordered = sorted(self.snapshots_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] if ordered else 0.0

    @property
    def p50_ms(self) -> float:
        return statistics.median(self.snapshots_ms) if self.snapshots_ms else 0.0


def _listen(url: str, stop: Event, told: mp.Queue[Heard]) -> None:
    told.put(asyncio.run(_hear(url, stop)))


async def _hear(url: str, stop: Event) -> Heard:
    heard = Heard()

    async def ask() -> None:
        async with httpx2.AsyncClient(trust_env=False) as client:
            while not stop.is_set():
                began = time.perf_counter()
                (await client.get(f"{url}/api/v1/snapshot", timeout=30)).raise_for_status()
                heard.snapshots_ms.append((time.perf_counter() - began) * 1000)
                await asyncio.sleep(0.5)

    async def beat() -> None:
        address = url.replace("http", "ws") + "/api/v1/live"
        async with websockets.connect(address, max_size=None) as socket:
            last = None
            while not stop.is_set():
                try:
                    text = await asyncio.wait_for(socket.recv(), 0.5)
                except TimeoutError:
                    continue
                if json.loads(text)["t"] == "beat":
                    now = time.perf_counter()
                    if last is not None:
                        heard.longest_gap_s = max(heard.longest_gap_s, now - last)
                    last = now
                    heard.beats += 1

    await asyncio.gather(ask(), beat())
    return heard


class Screen:
    """A screen in a process of its own, so that measuring does not slow what is measured."""

    def __init__(self, url: str) -> None:
        context = mp.get_context("spawn")
        self._stop, self._told = context.Event(), context.Queue()
        self._process = context.Process(target=_listen, args=(url, self._stop, self._told))
        self._process.start()

    def end(self) -> Heard:
        self._stop.set()
        heard: Heard = self._told.get(timeout=60)
        self._process.join(10)
        return heard


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", default="766")
    chosen = parser.parse_args()
    # At speed 1 the present does not run away while the past is loaded.
    env = {"IOC_SCALE": str(chosen.scale), "IOC_SEED": chosen.seed, "IOC_SPEED": "1"}
    began = time.monotonic()
    with installation("demo", env, OPENS.timestamp()) as run:
        _answers(run)
        loading = Screen(run.url)
        ends = _wait(run, began)
        year_s = time.monotonic() - began
        during = loading.end()
        use = run.use()
        counts = asyncio.run(_counts(run.database_url))
        idle = Screen(run.url)
        time.sleep(20)
        after = idle.end()
    _print(year_s, ends, counts, use, during, after)
    print(
        json.dumps(
            {
                "year_s": round(year_s, 1),
                "records": counts["records"],
                "records_per_s": round(counts["records"] / year_s),
                "commits": counts["commits"],
                "readings": counts["readings"],
                "web_rss_mb": round(use["web"].peak_mb),
                "worker_rss_mb": round(use["worker"].peak_mb),
            }
        )
    )
    return 0


def _answers(run: Installation) -> None:
    for _ in range(600):
        try:
            if httpx2.get(f"{run.url}/healthz", timeout=2, trust_env=False).status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the web process did not answer within a minute")


def _wait(run: Installation, began: float) -> dict[str, float]:
    """When each feed had been loaded and judged, in seconds; prints how far they are."""
    ends: dict[str, float] = {}
    shown = 0.0
    while len(ends) < len(FEEDS):
        if run.process.poll() is not None:
            raise RuntimeError("the installation ended by itself")
        try:
            answer = httpx2.get(f"{run.url}/api/v1/sources", timeout=30, trust_env=False).json()
        except httpx2.HTTPError:
            time.sleep(0.5)
            continue
        now = time.monotonic() - began
        for source in answer["sources"]:
            if source["progress"] == 1.0:
                ends.setdefault(source["id"], now)
        if now - shown > 15:
            shown = now
            far = "  ".join(f"{s['id']} {s['progress']:.0%}" for s in answer["sources"])
            print(f"  {now:5.0f} s  {far}", file=sys.stderr)
        time.sleep(0.25)
    return ends


async def _counts(url: str) -> dict[str, int]:
    db = await asyncpg.connect(url)
    try:
        return {
            "records": await db.fetchval(
                "SELECT sum(records + quarantined)::bigint FROM source_state"
            ),
            "pages": await db.fetchval("SELECT count(*) FROM page"),
            "kept": await db.fetchval("SELECT count(*) FROM record"),
            "frames": await db.fetchval("SELECT count(*) FROM reading_frame"),
            "readings": await db.fetchval(
                "SELECT sum(cardinality(subject))::bigint FROM reading_frame"
            ),
            "commits": await db.fetchval(
                "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
            ),
            "bytes": await db.fetchval("SELECT pg_database_size(current_database())"),
            **{
                feed: await db.fetchval("SELECT records FROM source_state WHERE source = $1", feed)
                for feed in FEEDS
            },
        }
    finally:
        await db.close()


def _print(
    year_s: float,
    ends: dict[str, float],
    counts: dict[str, int],
    use: dict[str, Any],
    during: Heard,
    after: Heard,
) -> None:
    print(f"\n{'stage':24}{'count':>12}{'seconds':>10}{'per second':>12}")
    for feed in sorted(ends, key=ends.__getitem__):
        print(
            f"{'collected ' + feed:24}{counts[feed]:>12,}{ends[feed]:>10.1f}"
            f"{counts[feed] / ends[feed]:>12,.0f}"
        )
    for name, key in (
        ("records", "records"),
        ("pages", "pages"),
        ("commits", "commits"),
        ("day closes kept", "frames"),
        ("readings in closes", "readings"),
    ):
        print(f"{name:24}{counts[key]:>12,}{year_s:>10.1f}{counts[key] / year_s:>12,.0f}")
    print(f"{'records kept':24}{counts['kept']:>12,}   database {counts['bytes'] / 1e6:,.0f} MB")
    print(f"\n{'process':24}{'CPU s':>12}{'peak MB':>10}")
    for name in sorted(use):
        print(f"{name:24}{use[name].cpu_s:>12.1f}{use[name].peak_mb:>10.0f}")
    print(f"\n{'a screen meanwhile':24}{'loading':>12}{'idle':>10}")
    print(f"{'snapshot p50 ms':24}{during.p50_ms:>12.1f}{after.p50_ms:>10.1f}")
    print(f"{'snapshot p99 ms':24}{during.p99_ms:>12.1f}{after.p99_ms:>10.1f}")
    print(
        f"{'longest wait for a beat s':25}{during.longest_gap_s:>11.2f}{after.longest_gap_s:>10.2f}"
    )
    print(f"{'beats':24}{during.beats:>12}{after.beats:>10}\n")


if __name__ == "__main__":
    sys.exit(main())
