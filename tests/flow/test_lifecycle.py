"""An installation's life: started, stopped within five seconds, killed; it goes on each time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from app.store.processes import parse
from tests.flow.stage import ROOT, Installation, gone, passable_folder, status, wait_for
from tests.soak.ledger import left_behind


@pytest.fixture
def demo() -> Iterator[Installation]:
    with passable_folder() as folder:
        (folder / "data").mkdir()
        demo = Installation(folder / "data")
        yield demo
        demo.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_every_child_within_five_seconds_and_goes_on(demo: Installation, number):
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


def test_a_start_cut_short_leaves_no_one_and_the_next_one_serves(demo: Installation):
    for delay_s in (0.3, 0.7, 1.1, 1.6, 2.2):
        demo.launch()
        time.sleep(delay_s)
        assert demo.end(signal.SIGINT) < 5
        assert left_behind(demo) == [], f"after {delay_s} s: {demo.said()}"
    demo.start()


def test_after_kill_9_no_one_is_left_and_data_time_does_not_go_back(demo: Installation):
    demo.start()
    family, seen = demo.everyone(), demo.data_time()
    assert demo.process is not None
    demo.process.kill()
    demo.process.wait()
    assert gone(family, 8)
    demo.start()
    assert demo.data_time() > seen


def test_a_killed_database_comes_back_and_the_processes_find_it(demo: Installation):
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


def test_a_second_one_in_the_same_directory_or_port_is_refused_in_words(demo: Installation):
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


def test_production_under_the_supervisor_serves_and_ends_as_well():
    """No simulated world, real time, upstream systems that are not there: it says so, and lives."""
    with passable_folder() as folder:
        (folder / "data").mkdir()
        real = Installation(folder / "data", does=("serve", "--role", "all"))
        try:
            real.start()
            assert status(f"http://127.0.0.1:{real.port}/readyz") == 200
            snapshot = wait_for(lambda: real.json("/api/v1/snapshot"), 20, "a snapshot", real)
            assert not snapshot["clock"]["simulated"]
            assert not (real.data_dir / "clock.json").exists()
            worker = wait_for(lambda: real.role("worker"), 10, "the worker", real)
            os.kill(worker.pid, signal.SIGKILL)
            wait_for(lambda: real.role("worker") not in (None, worker), 20, "another one", real)
            assert real.end() < 5
            assert left_behind(real) == []
        finally:
            real.close()
