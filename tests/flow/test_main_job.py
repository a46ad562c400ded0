"""The main job, whole: the demo starts, fills, judges; every figure is true; a tile is painted."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.chromium import browser
from tests.truth import compare

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Demo:
    process: subprocess.Popen[bytes]
    api: str
    sim: str
    data_dir: Path
    env: dict[str, str]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(env: dict[str, str], data_dir: Path) -> Demo:
    with (data_dir.parent / "demo.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "demo"], cwd=ROOT, env=env, stdout=log, stderr=log
        )
    return Demo(
        process,
        f"http://127.0.0.1:{env['IOC_PORT']}",
        f"http://127.0.0.1:{env['IOC_SIM_PORT']}",
        data_dir,
        env,
    )


def _stop(demo: Demo) -> float:
    began = time.monotonic()
    demo.process.send_signal(signal.SIGTERM)
    demo.process.wait(30)
    return time.monotonic() - began


def _log(demo: Demo) -> str:
    return (demo.data_dir.parent / "demo.log").read_text(errors="replace")[-3000:]


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    # Below a directory others may pass: as root, PostgreSQL runs under another account.
    folder = Path(tempfile.mkdtemp(prefix="ioc-flow-"))
    folder.chmod(0o755)
    env = {
        **os.environ,
        "IOC_PORT": str(_free_port()),
        "IOC_SIM_PORT": str(_free_port()),
        "IOC_SIM_SMTP_PORT": str(_free_port()),
        "IOC_DATA_DIR": str(folder / "data"),
        "IOC_SCALE": "0.01",
        "IOC_SEED": "7",
    }
    running = _start(env, folder / "data")
    yield running
    if running.process.poll() is None:
        _stop(running)
    shutil.rmtree(folder, ignore_errors=True)


def _wait_for(demo: Demo, path: str, good: Any, seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    last: Any = None
    while time.monotonic() < deadline:
        if demo.process.poll() is not None:
            raise AssertionError(f"the demo ended while waiting for {what}:\n{_log(demo)}")
        try:
            answer = httpx2.get(demo.api + path, timeout=10, trust_env=False)
            if answer.status_code == 200:
                last = answer.json()
                if good(last):
                    return last
        except httpx2.HTTPError as error:
            last = error
        time.sleep(0.3)
    raise AssertionError(f"no {what} within {seconds:g} s; last: {str(last)[:600]}\n{_log(demo)}")


def _caught_up(answer: dict[str, Any]) -> bool:
    sources = answer["sources"]
    return len(sources) == 3 and all(s["progress"] >= 1.0 for s in sources)


def test_the_wall_has_judged_tiles_soon_and_fills(demo: Demo) -> None:
    snapshot = _wait_for(
        demo,
        "/api/v1/snapshot",
        lambda s: any(r["state"] not in ("none",) for r in s["readings"]),
        60,
        "judged reading",
    )
    assert snapshot["clock"]["simulated"] is True
    _wait_for(demo, "/api/v1/sources", _caught_up, 240, "end of the fill")


def test_every_figure_is_true_now_and_at_past_instants(
    demo: Demo, record_property: Callable[[str, object], None]
) -> None:
    with (
        httpx2.Client(base_url=demo.api, timeout=60, trust_env=False) as api,
        httpx2.Client(base_url=demo.sim, timeout=300, trust_env=False) as truth,
    ):
        outcome = compare(api, truth, past=4, seed=3)
    record_property("comparisons with the truth", outcome.compared)
    assert outcome.compared > 5000
    assert outcome.differences == []


def test_a_feed_event_becomes_a_painted_tile(demo: Demo) -> None:
    tile = '[data-tile^="ps.filed_online|area:10"]'
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1920, "height": 1080}, bypass_csp=True)
        page.goto(demo.api + "/wall")
        page.wait_for_selector(f"{tile}[data-value]", timeout=20000)
        page.wait_for_function("document.body.dataset.link === 'live'", timeout=20000)
        before = page.get_attribute(tile, "data-value")
        page.wait_for_function(
            "([tile, before]) => document.querySelector(tile).dataset.value !== before",
            arg=[tile, before],
            timeout=90000,
        )
        painted = float(page.get_attribute(tile, "data-value") or "nan")
        text = page.inner_text(tile)
    latest = _wait_for(
        demo,
        "/api/v1/readings/latest?indicator=ps.filed_online&subject=area:10&period=month",
        lambda a: bool(a["readings"]),
        10,
        "the reading",
    )["readings"][0]
    assert abs(latest["value"] - painted) < 0.05
    assert f"{painted * 100:.1f}".replace(".", ",") in text


def test_an_outage_changes_only_its_own_tiles(demo: Demo) -> None:
    httpx2.put(
        f"{demo.sim}/control/faults/einvoice/outage", json={"on": True}, trust_env=False
    ).raise_for_status()
    try:
        sources = _wait_for(
            demo,
            "/api/v1/sources",
            lambda a: any(
                s["id"] == "einvoice" and s["quality"] in ("late", "stale") for s in a["sources"]
            ),
            60,
            "a late source",
        )["sources"]
        others = {s["id"]: s["quality"] for s in sources if s["id"] != "einvoice"}
        assert set(others.values()) == {"fresh"}
    finally:
        httpx2.delete(f"{demo.sim}/control/faults/einvoice/outage", trust_env=False)
    _wait_for(
        demo,
        "/api/v1/sources",
        lambda a: all(s["quality"] == "fresh" for s in a["sources"]),
        60,
        "recovery",
    )


def test_it_ends_fast_and_starts_again_where_it_was(demo: Demo) -> None:
    before = httpx2.get(f"{demo.api}/api/v1/snapshot", trust_env=False).json()
    took = _stop(demo)
    assert took < 5.5, f"SIGTERM took {took:.1f} s"
    again = _start(demo.env, demo.data_dir)
    try:
        after = _wait_for(
            again, "/api/v1/snapshot", lambda s: bool(s["readings"]), 60, "a snapshot after restart"
        )
        assert after["clock"]["data"] >= before["clock"]["data"]
        assert after["epoch"] == before["epoch"]
        assert all(s["progress"] >= 1.0 for s in after["sources"])
    finally:
        _stop(again)
