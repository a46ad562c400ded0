"""docs/how-to/add-*.md, followed to the letter in a copy: new files only, and they work."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import json
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
from types import ModuleType
from typing import Any

import httpx2
import pytest

from app.domain.alerting import Notice
from app.notify.channel import RetryLater
from tests.chromium import browser
from tests.docs.conftest import clean_environment, copy_clone
from tests.docs.page import ROOT, Commands, follow

HOW_TO = ROOT / "docs/how-to"
PAGES = sorted(p.stem for p in HOW_TO.glob("add-*.md"))
NOTICE = Notice(
    "Chậm", "Hồ sơ chậm", "raised", "ps.on_time", "province", "area:10", "lagging", 0.9, 0.95,
    "2022-10-03T08:00:00+07:00", "2022-10-03T08:00:00+07:00", (), True, 7,
)  # fmt: skip
# What a page may change besides new files: the scene that asks for a tile type.
DATA = {"add-a-tile-type": {"app/profiles/laocai/scene.toml"}}


def _contents(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for name in ("app", "collectors", "docs", "tests", "frontend/src")
        for p in (folder / name).rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }


@dataclass(frozen=True, slots=True)
class Changed:
    """A clone in which every page of additions has been followed, one after the other."""

    place: Commands
    added: dict[str, set[str]]
    edited: dict[str, set[str]]
    steps: dict[str, int]


@pytest.fixture(scope="module")
def changed() -> Iterator[Changed]:
    # Where another account can reach it: as root, PostgreSQL runs under one.
    folder = Path(tempfile.mkdtemp(prefix="ioc-how-to-"))
    folder.chmod(0o755)
    place = Commands(copy_clone(folder / "clone"), clean_environment(folder / "data"))
    changed = Changed(place, {}, {}, {})
    for page in PAGES:
        before = _contents(place.folder)
        changed.steps[page] = len(follow(HOW_TO / f"{page}.md", place))
        after = _contents(place.folder)
        changed.added[page] = set(after) - set(before)
        changed.edited[page] = {name for name in before if after.get(name) != before[name]}
    yield changed
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_page_adds_without_an_edit_elsewhere(page: str, changed: Changed, record_property):
    record_property("steps of pages followed", changed.steps[page])
    assert changed.added[page], "nothing was added"
    seam = "the seam leaks: an existing file had to change"
    assert changed.edited[page] == DATA.get(page, set()), seam


def _channel(clone: Commands) -> ModuleType:
    path = clone.folder / "app/notify/channels/logbook.py"
    spec = importlib.util.spec_from_file_location("logbook_of_a_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_channel_of_the_page_sends_once_for_each_key(clone: Commands, tmp_path: Path):
    follow(HOW_TO / "add-a-channel.md", clone)
    channel, book = _channel(clone), tmp_path / "book.jsonl"
    config = channel.Config(str(book))
    for key in ("e1-7-raised-duty_room", "e1-7-raised-duty_room", "e1-8-raised-duty_room"):
        asyncio.run(channel.send(config, NOTICE, key))
    told = [json.loads(line) for line in book.read_text().splitlines()]
    assert [line["key"][:4] for line in told] == ["e1-7", "e1-8"]
    assert told[0]["title"] == "Chậm"
    with pytest.raises(ValueError, match="absolute"):
        channel.Config("book.jsonl")
    with pytest.raises(RetryLater, match="logbook"):
        asyncio.run(channel.send(channel.Config(str(tmp_path)), NOTICE, "k"))


@pytest.mark.slow
@pytest.mark.browser
def test_the_four_additions_live_together(changed: Changed):
    """A demo of the changed clone: the feed is polled, the figure judged, the tile painted."""
    _build_page(changed.place.folder)
    with _demo(changed.place) as api:
        sources = _wait(api, "/api/v1/sources", _all_live)["sources"]
        assert {s["id"] for s in sources} >= {"land_registry", "documents"}
        assert next(s for s in sources if s["id"] == "land_registry")["records"] > 50
        ask = "/api/v1/readings/latest?indicator=doc.agency_signed&subject=area:10&period=month"
        # The demo opens at the first office hour of the month: nothing has been sent yet.
        [reading] = _wait(api, ask, _counted)["readings"]
        assert reading["target"] == 0.9
        assert reading["state"] in {"met", "near", "lagging", "critical"}
        with browser() as chromium:
            page = chromium.new_page(viewport={"width": 1920, "height": 1080}, bypass_csp=True)
            page.goto(api + "/wall")
            tile = page.locator('[data-tile-type="figure"][data-quality="fresh"]')
            tile.wait_for(timeout=30_000)
            assert tile.get_attribute("data-tile") == "ps.overdue_open|area:10|now"


def _build_page(folder: Path) -> None:
    for name in ("index.html", "vite.config.ts", "vite.client.config.ts", "svelte.config.js",
                 "tsconfig.json", "package.json", "public"):  # fmt: skip
        source = ROOT / "frontend" / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, folder / "frontend" / name)
    (folder / "frontend/node_modules").symlink_to(ROOT / "frontend/node_modules")
    path = f"{os.environ['PATH']}{os.pathsep}{ROOT / '.node/bin'}"
    done = subprocess.run(
        ["npm", "run", "--silent", "build"], cwd=folder / "frontend",
        env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "app/static/index.html").is_file()


@contextlib.contextmanager
def _demo(place: Commands) -> Iterator[str]:
    ports = [_free_port() for _ in range(3)]
    names = ("IOC_PORT", "IOC_SIM_PORT", "IOC_SIM_SMTP_PORT")
    own = {name: str(port) for name, port in zip(names, ports, strict=True)}
    config = place.folder / "ioc.toml"
    environment = place.environment | own | {"IOC_SCALE": "0.01", "IOC_CONFIG": str(config)}
    log = place.folder / "demo.log"
    with log.open("wb") as out:
        running = subprocess.Popen(
            [".ci/ioc", "demo"], cwd=place.folder, env=environment, stdout=out, stderr=out
        )
    try:
        yield f"http://127.0.0.1:{ports[0]}"
    except AssertionError as failed:
        failed.add_note(log.read_text(errors="replace")[-2000:])
        raise
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _all_live(told: dict[str, Any]) -> bool:
    sources = told["sources"]
    return len(sources) == 4 and all(s["progress"] >= 1 for s in sources)


def _counted(told: dict[str, Any]) -> bool:
    return any(reading["den"] for reading in told["readings"])


def _wait(api: str, path: str, good: Callable[[Any], bool], seconds: float = 150) -> Any:
    deadline, last = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.HTTPError):
            answer = httpx2.get(api + path, timeout=10, trust_env=False)
            last = answer.json() if answer.status_code == 200 else answer.text
            if answer.status_code == 200 and good(last):
                return last
        time.sleep(0.3)
    raise AssertionError(f"{path} after {seconds:g} s: {str(last)[:900]}")
