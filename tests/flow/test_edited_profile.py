"""A profile edited while the installation runs: taken in seconds, on every open socket."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.flow.stage import ROOT, Installation, passable_folder, wait_for
from tests.flow.test_faults import Watch, switched

ABOUT = "ps.on_time"
FILE = f"indicators/{ABOUT}.toml"
MEASURED = "ps.fully_online"
RESULT = ', "e_result"'
MORE = 20  # the other measure counts hundreds more; a few come by themselves meanwhile
SOURCE = "sources/einvoice.toml"
# Short ones: at the pace of life nobody wants to wait for a quarter of an hour.
LIMITS = {
    "every_s": (60, 1), "timeout_s": (10, 2), "late_after_s": (300, 6), "stale_after_s": (900, 12),
}  # fmt: skip


@pytest.fixture
def folder() -> Iterator[Path]:
    with passable_folder() as found:
        shutil.copytree(ROOT / "app/profiles/laocai", found / "profile")
        for name, seconds in LIMITS.items():
            edit(found, *(f"\n{name} = {told}\n" for told in seconds), SOURCE)
        yield found


def edit(folder: Path, old: str, new: str, file: str = FILE) -> int:
    """Write a file anew, as an editor does; gives the line that changed."""
    path = folder / "profile" / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


async def heard(socket: ClientConnection, target: float, within_s: float) -> float:
    """Seconds until the socket says that the province is judged by this target."""
    began = time.monotonic()
    async with asyncio.timeout(within_s):
        while True:
            for reading in readings(json.loads(await socket.recv())):
                about = (reading["indicator"], reading["subject"])
                if about == (ABOUT, "area:10") and reading["target"] == target:
                    return time.monotonic() - began


async def counted(socket: ClientConnection, num: int, within_s: float) -> float:
    """Seconds until the socket says that more of the province's dossiers are counted than these."""
    began = time.monotonic()
    async with asyncio.timeout(within_s):
        while True:
            for reading in readings(json.loads(await socket.recv())):
                about = (reading["indicator"], reading["subject"], reading["period"])
                if about == (MEASURED, "area:10", "year") and reading["num"] > num:
                    return time.monotonic() - began


def readings(frame: Any) -> list[dict[str, Any]]:
    """Of a snapshot or a delta, wherever they lie in it."""
    if isinstance(frame, dict):
        if {"indicator", "subject", "target"} <= frame.keys() and "period" in frame:
            return [frame]
        return [r for value in frame.values() for r in readings(value)]
    return [r for value in frame for r in readings(value)] if isinstance(frame, list) else []


def alarm(demo: Installation, state: str) -> dict[str, Any] | None:
    told = demo.json(f"/api/v1/alerts?state={state}") or {"alerts": []}
    found = [a for a in told["alerts"] if a["indicator"] == "profile_broken"]
    return found[0] if found else None


def evaluated(demo: Installation) -> subprocess.CompletedProcess[str]:
    env = os.environ | {
        "IOC_DATA_DIR": str(demo.data_dir),
        "IOC_PROFILE": str(demo.data_dir.parent / "profile"),
    }
    command = [sys.executable, "-m", "app.cli", "evaluate", "--rebuild", "--compare"]
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )


async def test_a_target_a_slip_and_its_mending_on_an_open_socket(folder: Path) -> None:
    demo = Installation(
        folder / "data", settings={"IOC_PROFILE": str(folder / "profile"), "IOC_SPEED": "1"}
    )
    try:
        await asyncio.to_thread(demo.start)
        await asyncio.to_thread(wait_for, demo.loaded, 120, "every source loaded", demo)
        async with connect(f"ws://127.0.0.1:{demo.port}/api/v1/live", max_size=None) as socket:
            await heard(socket, 0.95, 15)
            old = (await why(demo))["definition"]
            await asyncio.to_thread(edit, folder, "value = 0.95", "value = 0.96")
            took = await heard(socket, 0.96, 15)
            print(f"taken in {took:.2f} s")
            told = await why(demo)
            assert told["reading"]["target"] == 0.96
            assert told["target"]["value"] == 0.96
            new = told["definition"]
            assert (old["number"], new["number"]) == (1, 2)
            assert [v["version"] for v in new["versions"]] == [new["version"], old["version"]]
            await the_past_keeps(demo, old["version"], 0.95)

            line = await asyncio.to_thread(edit, folder, "value = 0.96", "value = 0,96")
            raised = await asyncio.to_thread(
                wait_for, lambda: alarm(demo, "active"), 15, "the alarm", demo
            )
            assert raised["subject"] == f"profile:{FILE}:{line}"
            assert FILE in raised["response_vi"]
            assert str(line) in raised["response_vi"]
            assert (await why(demo))["reading"]["target"] == 0.96, "nothing was changed"
            assert alarm_on_screens(demo), "on the wall"

            await asyncio.to_thread(edit, folder, "value = 0,96", "value = 0.94")
            await heard(socket, 0.94, 15)
            await asyncio.to_thread(
                wait_for, lambda: alarm(demo, "resolved"), 15, "the alarm is over", demo
            )
            before = (await why(demo, MEASURED, "year"))["reading"]
            file = f"indicators/{MEASURED}.toml"
            three, two = (f'num = ["online", "!fee_due | paid_online"{e}]' for e in (RESULT, ""))
            await asyncio.to_thread(edit, folder, three, two, file)
            took = await counted(socket, before["num"] + MORE, 15)
            print(f"another measure is counted in {took:.2f} s")
            told = await why(demo, MEASURED, "year")
            assert told["definition"]["num"] == ["online", "!fee_due | paid_online"]
            assert told["reading"]["den"] >= before["den"]
            assert socket.close_code is None
        await asyncio.to_thread(a_silent_feed_at_the_pace_of_life, demo)
        found = await asyncio.to_thread(evaluated, demo)
        assert found.returncode == 0, found.stdout + found.stderr
        compared = [int(n) for n in re.findall(r"(\d+) compared", found.stdout)]
        assert len(compared) == 3
        assert min(compared) > 0
    finally:
        demo.close()


def a_silent_feed_at_the_pace_of_life(demo: Installation) -> None:
    """At real speed, too, it is late and stale when its file says, alone, and comes back."""
    wait_for(demo.loaded, 30, "all fresh before", demo)
    with Watch(demo) as watch:
        with switched(demo, "einvoice", "outage"):
            wait_for(lambda: watch.states("einvoice")[-1:] == ["stale"], 30, "stale", demo)
        wait_for(lambda: watch.states("einvoice")[-1] == "fresh", 30, "fresh by itself", demo)
    assert watch.states("einvoice") == ["fresh", "late", "stale", "fresh"]
    assert 6 <= watch.age_at("einvoice", "late") < 7.5
    assert 12 <= watch.age_at("einvoice", "stale") < 13.5
    for other in ("documents", "public_service"):
        assert watch.states(other) == ["fresh"]


async def why(demo: Installation, about: str = ABOUT, period: str = "month") -> dict[str, Any]:
    path = f"/api/v1/readings/why?indicator={about}&subject=area:10&period={period}"
    told = await asyncio.to_thread(demo.json, path)
    assert told is not None, demo.said()
    return dict(told)


async def the_past_keeps(demo: Installation, version: str, target: float) -> None:
    path = f"/api/v1/readings/history?indicator={ABOUT}&subject=area:10&period=month"
    told = await asyncio.to_thread(demo.json, path)
    past = {(r["definition"], r["target"]) for r in told["readings"]}
    assert (version, target) in past
    assert all(t == target for v, t in past if v == version)


def alarm_on_screens(demo: Installation) -> bool:
    told = demo.json("/api/v1/snapshot")
    return any(a["indicator"] == "profile_broken" for a in told["alerts"])
