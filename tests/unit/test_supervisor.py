"""The supervisor: data time that never goes back, children that come back and never stay behind."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.domain.clock import Machine, read_clock
from app.settings import Settings
from app.store.processes import Born, born
from app.supervisor.children import Children, Program
from app.supervisor.data_time import OPENING_S, DataTime, DataTimeLost
from app.supervisor.fill import read_fill
from app.supervisor.run import StartFailed, web_names, web_program
from app.supervisor.web import shared_socket
from collectors._world import clock as world_clock

ROOT = Path(__file__).parents[2]


def test_the_demo_opens_on_monday_morning(tmp_path: Path):
    told = DataTime(tmp_path, 60)
    assert told.begins_s == OPENING_S
    clock = read_clock(told.clock_file)
    assert OPENING_S <= clock.now_s() < OPENING_S + 60
    assert clock.rate() == 60


def test_after_a_clean_stop_data_time_goes_on_from_there(tmp_path: Path):
    told = DataTime(tmp_path, 60)
    time.sleep(0.05)
    told.close()
    seen = read_clock(told.clock_file).now_s()
    assert 0 <= seen - DataTime(tmp_path, 60).begins_s < 30


def test_after_a_kill_data_time_is_ahead_of_all_that_was_seen(tmp_path: Path):
    told = DataTime(tmp_path, 60)
    seen = read_clock(told.clock_file).now_s()
    again = DataTime(tmp_path, 60).begins_s
    assert seen + 60 < again <= seen + 2 * 60 + 1


def test_the_lease_foresees_a_change_of_pace(tmp_path: Path):
    half_past_five = OPENING_S + 9.5 * 3600
    (tmp_path / "lease").write_text(f'{{"data_s": {half_past_five - 60}}}')
    told = DataTime(tmp_path, 60)
    assert told.begins_s == half_past_five - 60
    # One second at 60 brings the evening, the second one passes at 1200.
    assert DataTime(tmp_path, 60).begins_s == pytest.approx(half_past_five + 1200, abs=60)


def test_on_a_full_disk_the_promise_is_kept_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    hands = Hands()
    told = DataTime(tmp_path, 60, hands.machine)

    def full(path: Path, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    hands.on(100)
    told.mark()
    monkeypatch.undo()
    again = DataTime(tmp_path, 60, hands.machine)
    assert again.begins_s == pytest.approx(OPENING_S + 102 * 60, abs=0.01)


def test_a_broken_lease_is_named_with_the_remedy(tmp_path: Path):
    (tmp_path / "lease").write_text("{")
    with pytest.raises(DataTimeLost, match=r"lease does not tell.*or begin anew"):
        DataTime(tmp_path, 60)


class Hands:
    """A machine whose clock people set: ``on`` lets time pass, ``put`` changes the wall alone."""

    def __init__(self) -> None:
        self.wall_s, self.steady_s = 1_800_000_000.0, 50.0
        self.machine = Machine(lambda: self.wall_s, lambda: self.steady_s)

    def on(self, seconds: float) -> None:
        self.wall_s += seconds
        self.steady_s += seconds

    def put(self, seconds: float) -> None:
        self.wall_s += seconds


@pytest.mark.parametrize("step_s", [-86400, -3600, -1, 1, 3600, 86400])
def test_putting_the_clock_back_or_forward_does_not_move_data_time(tmp_path: Path, step_s: float):
    hands = Hands()
    told = DataTime(tmp_path, 60, hands.machine)
    running = read_clock(told.clock_file, hands.machine)
    hands.on(100)
    told.mark()
    seen = running.now_s()
    assert seen == OPENING_S + 6000
    hands.put(step_s)
    # Running processes go by the counted seconds; those that start now by the new anchor.
    assert running.now_s() == seen
    told.mark()
    started = read_clock(told.clock_file, hands.machine)
    assert started.now_s() == pytest.approx(seen, abs=0.01)
    hands.on(10)
    told.mark()
    assert started.now_s() == pytest.approx(running.now_s(), abs=0.01)
    assert running.now_s() == seen + 600


@pytest.mark.parametrize("step_s", [-86400, -3600, -1, 1, 3600, 86400])
def test_the_simulators_go_by_the_same_data_time(
    tmp_path: Path, step_s: float, monkeypatch: pytest.MonkeyPatch
):
    hands = Hands()
    told_time = SimpleNamespace(time=hands.machine.wall, monotonic=hands.machine.steady)
    monkeypatch.setattr(world_clock, "time", told_time)
    told = DataTime(tmp_path, 60, hands.machine)
    product = read_clock(told.clock_file, hands.machine)
    simulators = world_clock.FileClock(told.clock_file)
    hands.on(100)
    assert simulators.now() == pytest.approx(product.now_s(), abs=0.01)
    hands.put(step_s)
    assert simulators.now() == pytest.approx(product.now_s(), abs=0.01)
    told.mark()
    for _ in range(5):
        hands.on(1)
        assert simulators.now() == pytest.approx(product.now_s(), abs=0.01)
    again = world_clock.FileClock(told.clock_file)
    assert again.now() == pytest.approx(product.now_s(), abs=0.01)


@pytest.mark.parametrize("step_s", [-86400, -3600, 0, 3600])
@pytest.mark.parametrize("clean", [True, False])
def test_a_start_after_the_clock_was_put_back_goes_on(tmp_path: Path, step_s: float, clean: bool):
    """The clock file of the life before is ahead of the wall; the lease alone counts."""
    hands = Hands()
    told = DataTime(tmp_path, 60, hands.machine)
    hands.on(100)
    told.mark()
    seen = read_clock(told.clock_file, hands.machine).now_s()
    if clean:
        told.close()
    hands.put(step_s)
    # Another boot: the counted seconds begin anew as well.
    hands.steady_s = 1.0
    again = DataTime(tmp_path, 60, hands.machine)
    ahead = 0 if clean else 120
    assert again.begins_s == pytest.approx(seen + ahead, abs=0.01)
    assert read_clock(again.clock_file, hands.machine).now_s() >= seen


def test_ordinary_drift_does_not_rewrite_the_clock_file(tmp_path: Path):
    hands = Hands()
    told = DataTime(tmp_path, 60, hands.machine)
    before = told.clock_file.read_text()
    for _ in range(20):
        hands.on(0.5)
        hands.put(0.0005)
        told.mark()
    assert told.clock_file.read_text() == before


def test_in_production_time_waits_for_a_clock_that_was_put_back():
    hands = Hands()
    clock = read_clock(None, hands.machine)
    begun = clock.now_s()
    hands.on(100)
    assert clock.now_s() == begun + 100
    hands.put(-60)
    last = clock.now_s()
    assert last == begun + 100
    for _ in range(300):
        hands.on(1)
        now = clock.now_s()
        assert last < now <= last + 1
        last = now
    # Two seconds of waiting for each that was taken back; then it is the wall's again.
    assert last == hands.wall_s
    # Set forward it waits for a witness: tests/unit/test_clock_steps.py.
    hands.put(3600)
    assert clock.now_s() == last


SLEEPER = Program("sleeper", ["-c", "import time; time.sleep(600)"], dict(os.environ))


async def until(told, within_s: float = 10.0):
    end = time.monotonic() + within_s
    while not (value := told()):
        assert time.monotonic() < end, "it did not come to pass"
        await asyncio.sleep(0.02)
    return value


async def test_a_crashed_child_comes_back_and_all_end_together(tmp_path: Path):
    said: list[str] = []
    children = Children(tmp_path, said.append)
    children.start(SLEEPER)
    first = await until(lambda: children.pid("sleeper"))
    os.kill(first, signal.SIGKILL)
    second = await until(lambda: children.pid("sleeper") not in (None, first))
    assert second
    assert "sleeper ended with -9; starting it again" in said[0]
    last = born(children.pid("sleeper") or 0)
    assert last is not None
    await children.stop()
    assert not last.alive()
    assert not (tmp_path / "children.pids").exists()


async def test_one_child_is_let_go_and_the_others_stay():
    children = Children(None, print)
    for name in ("one", "other"):
        children.start(replace(SLEEPER, name=name))
    one, other = [born(await until(lambda n=n: children.pid(n))) for n in ("one", "other")]
    assert one is not None
    assert other is not None
    await children.let_go("one")
    assert not one.alive()
    assert other.alive()
    assert children.pid("one") is None
    await children.stop()
    assert not other.alive()


def test_the_only_web_process_is_as_ever_and_several_know_their_names():
    alone = Settings(web_processes=1)
    assert [web_program(n, alone).arguments[-1] for n in web_names(1)] == ["web"]
    three = Settings(web_processes=3)
    told = [web_program(n, three) for n in web_names(3)]
    assert [p.name for p in told] == ["web", "web-2", "web-3"]
    assert [p.arguments[-2:] for p in told] == [["--name", p.name] for p in told]


def test_a_shared_port_is_shared_with_its_own_kind_alone():
    first = shared_socket("127.0.0.1", 0)
    port = first.getsockname()[1]
    second, stranger = shared_socket("127.0.0.1", port), socket.socket()
    with first, second, stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(("127.0.0.1", port))
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", port))
        with pytest.raises(StartFailed, match=f"127.0.0.1:{port} cannot be had.*Set IOC_PORT"):
            shared_socket("127.0.0.1", port)


async def test_a_child_deaf_to_sigterm_is_ended_in_time(tmp_path: Path):
    deaf = (
        "import signal, time, pathlib, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    )
    ready = tmp_path / "ready"
    children = Children(tmp_path, print)
    children.start(Program("deaf", ["-c", deaf, str(ready)], dict(os.environ)))
    await until(ready.exists)
    begun = time.monotonic()
    await children.stop()
    assert time.monotonic() - begun < 4


PARENT = """
import asyncio, os, sys
from pathlib import Path
from app.supervisor.children import Children, Program
async def main():
    children = Children(Path(sys.argv[1]), print)
    children.start(Program("child", ["-c", "import time; time.sleep(600)"], dict(os.environ)))
    while children.pid("child") is None:
        await asyncio.sleep(0.01)
    print("up", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_children_die_with_a_killed_supervisor(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        child = Born(*parse_line(tmp_path / "children.pids"))
        assert child.alive()
        parent.kill()
    await until(lambda: not child.alive())


def parse_line(path: Path) -> tuple[int, str]:
    pid, started = path.read_text().split()
    return int(pid), started


async def test_orphans_are_told_by_pid_and_start_time(tmp_path: Path):
    orphan = subprocess.Popen(["/bin/sleep", "60"])
    innocent = subprocess.Popen(["/bin/sleep", "60"])
    try:
        told = born(orphan.pid)
        assert told is not None
        stale = Born(innocent.pid, "1@another-boot")
        (tmp_path / "children.pids").write_text(f"{told.line()}\n{stale.line()}\n")
        Children(tmp_path, print).end_orphans()
        assert orphan.wait(5) == -signal.SIGTERM
        assert innocent.poll() is None
    finally:
        for process in (orphan, innocent):
            process.kill()
            process.wait()


def test_the_fill_is_read_from_the_sources():
    body = b'{"sources":[{"id":"a","progress":1.0,"records":5},{"id":"b","progress":0.5}]}'
    fill = read_fill(body)
    assert fill is not None
    assert (fill.share, fill.records, fill.done) == (0.75, 5, False)
    assert read_fill(b'{"sources":[]}').done is False
    assert read_fill(b"nothing") is None
    assert read_fill(None) is None


TALKER = """
import logging, sys
import structlog
from app.cli._words import lose_words_rather_than_work
if sys.argv[1] == "patient":
    lose_words_rather_than_work()
logging.basicConfig()
for _ in range(3):
    structlog.get_logger("x").warning("the disk is full")
    logging.getLogger("y").error("so it is")
    print("nobody reads this", flush=True)
sys.exit(7)
"""


@pytest.mark.parametrize(("how", "code"), [("patient", 7), ("as usual", 1)])
def test_a_process_whose_words_find_no_room_goes_on(how: str, code: int):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", TALKER, how], cwd=ROOT, stdout=full, stderr=full, timeout=60,
            check=False, env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    assert done.returncode == code
