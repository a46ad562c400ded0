"""An installation's life: started, stopped within five seconds, killed; it goes on each time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from app.domain.clock import read_clock
from app.store.processes import Born, living_in, parse

ROOT = Path(__file__).parents[2]
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Demo:
    """``ioc demo`` of a very small province in a data directory of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port, self.sim_port = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = {
            "IOC_DATA_DIR": str(self.data_dir), "IOC_PORT": str(self.port),
            "IOC_SIM_PORT": str(self.sim_port), "IOC_SCALE": "0.01",
        }  # fmt: skip
        kept = {k: v for k, v in os.environ.items() if not k.startswith("IOC_")}
        with (self.data_dir.parent / f"{self.data_dir.name}.out").open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "demo"], cwd=ROOT, env=kept | settings,
                stdout=out, stderr=out,
            )  # fmt: skip
        until = time.monotonic() + 40
        while self.get("/healthz") is None:
            assert time.monotonic() < until, self.said()
            assert self.process.poll() is None, self.said()
            time.sleep(0.1)

    def get(self, path: str) -> bytes | None:
        try:
            with OPENER.open(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return answer.read()
        except (urllib.error.URLError, OSError):
            return None

    def said(self) -> str:
        return (self.data_dir.parent / f"{self.data_dir.name}.out").read_text()

    def data_time(self) -> float:
        return read_clock(self.data_dir / "clock.json").now_s()

    def everyone(self) -> list[Born]:
        children = parse((self.data_dir / "children.pids").read_text())
        return children + living_in(self.data_dir.resolve() / "postgres/data")

    def end(self, number: signal.Signals) -> float:
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(20)
        return time.monotonic() - begun


@pytest.fixture
def demo():
    folder = Path(tempfile.mkdtemp(prefix="ioc-test-"))
    folder.chmod(0o755)
    (folder / "data").mkdir()
    demo = Demo(folder / "data")
    yield demo
    if demo.process is not None and demo.process.poll() is None:
        demo.end(signal.SIGTERM)
    shutil.rmtree(folder)


def gone(processes: list[Born], within_s: float) -> bool:
    until = time.monotonic() + within_s
    while any(p.alive() for p in processes) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(p.alive() for p in processes)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_every_child_within_five_seconds_and_goes_on(demo: Demo, number):
    demo.start()
    family = demo.everyone()
    assert len(family) >= 4, "simulators, web, worker and the database"
    assert demo.end(number) < 5
    assert gone(family, 0.2)
    assert demo.process is not None
    assert demo.process.returncode == 0, demo.said()
    stopped = json.loads((demo.data_dir / "lease").read_text())["data_s"]
    demo.start()
    begun = json.loads((demo.data_dir / "clock.json").read_text())["data_anchor"]
    assert demo.data_time() > stopped
    assert begun > "2022-10-03T07:30:00"


def test_after_kill_9_no_one_is_left_and_data_time_does_not_go_back(demo: Demo):
    demo.start()
    family, seen = demo.everyone(), demo.data_time()
    assert demo.process is not None
    demo.process.kill()
    demo.process.wait()
    assert gone(family, 8)
    demo.start()
    assert demo.data_time() > seen


def test_a_killed_database_comes_back_and_the_processes_find_it(demo: Demo):
    demo.start()
    pid_file = demo.data_dir / "postgres.pid"
    first = parse(pid_file.read_text())[0]
    os.kill(first.pid, signal.SIGKILL)
    until = time.monotonic() + 20
    while first.alive() or demo.get("/readyz") is None or demo.get("/api/v1/sources") is None:
        assert time.monotonic() < until, demo.said()
        time.sleep(0.2)
    assert parse(pid_file.read_text())[0] != first
    assert "starting it again" in demo.said()


def test_a_second_one_in_the_same_directory_or_port_is_refused_in_words(demo: Demo):
    demo.start()
    for change, says in (
        ({}, "Another installation runs in"),
        ({"IOC_DATA_DIR": str(demo.data_dir.parent / "other")}, "Set IOC_PORT to a free port"),
    ):
        settings = {"IOC_DATA_DIR": str(demo.data_dir), "IOC_PORT": str(demo.port)} | change
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", "demo"], cwd=ROOT, env=os.environ | settings,
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert says in done.stderr
        assert "Traceback" not in done.stderr
    assert demo.get("/healthz") is not None
