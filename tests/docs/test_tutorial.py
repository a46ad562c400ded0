"""README and tutorial, executed: each command really run, what it prints compared."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.chromium import browser
from tests.docs.conftest import clean_environment
from tests.docs.page import ROOT, Commands, Step, dialogue, matches, steps

TUTORIAL = ROOT / "docs/tutorial/first-wall.md"


HOW_TO = sorted((ROOT / "docs/how-to").glob("*.md"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def recipe(target: str) -> str:
    """The last line of what make does for a target."""
    text = (ROOT / "Makefile").read_text()
    found = re.search(rf"^{target}:[^\n]*\n((?:\t.*\n)+)", text, re.MULTILINE)
    assert found, f"make {target}: no such target"
    return found[1].strip().splitlines()[-1].strip()


@dataclass(slots=True)
class Reader:
    """Follows the tutorial in this clone, on ports and with a world of its own."""

    commands: Commands
    log: Path
    running: subprocess.Popen[bytes] | None = field(default=None)
    told: int = field(default=0)

    def take(self, step: Step) -> None:
        if step.kind == "run":
            self.commands.run(step)
        elif step.kind == "stays":
            self._start(step)
        elif step.kind == "stop":
            self._stop(step)
        elif step.kind == "see":
            self._see(step)
        else:
            assert step.kind in {"skip", "read"}, f"{step.where}: {step.kind}"

    def _start(self, step: Step) -> None:
        [(command, expected)] = dialogue(step)
        assert command == "make demo"
        assert recipe("demo") == "@exec $(PY) -m app.cli demo"
        with self.log.open("ab") as log:
            self.told = log.tell()
            self.running = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "demo"], cwd=ROOT,
                env=self.commands.environment, stdout=log, stderr=log,
            )  # fmt: skip
        self._wait(step, expected)

    def _wait(self, step: Step, expected: str) -> None:
        deadline = time.monotonic() + step.within_s
        # It goes on printing: what the page shows is how it begins.
        wanted = self.commands.localised(expected) + "\n…"
        while not matches(wanted, said := self._said()):
            assert time.monotonic() < deadline, f"{step.where}: printed\n{said}\nexpected\n{wanted}"
            time.sleep(0.2)

    def _said(self) -> str:
        return self.log.read_bytes()[self.told :].decode(errors="replace").strip()

    def _stop(self, step: Step) -> None:
        assert self.running is not None, f"{step.where}: nothing runs"
        self.told = self.log.stat().st_size
        self.running.send_signal(signal.SIGINT)
        self.running.wait(step.within_s)
        assert step.text.strip() in self._said()
        self.running = None

    def _see(self, step: Step) -> None:
        port = self.commands.swap["127.0.0.1:8000"]
        with browser() as chromium:
            page = chromium.new_page(viewport={"width": 1920, "height": 1080})
            page.goto(f"http://{port}{step.path}")
            page.get_by_text(step.text).first.wait_for(timeout=20_000)


@pytest.fixture
def reader() -> Iterator[Reader]:
    folder = Path(tempfile.mkdtemp(prefix="ioc-tutorial-"))
    folder.chmod(0o755)  # as root, PostgreSQL runs under another account
    ports = {"IOC_PORT": 8000, "IOC_SIM_PORT": 8900, "IOC_SIM_SMTP_PORT": 8925}
    own = {name: _free_port() for name in ports}
    environment = clean_environment(folder / "data")
    environment |= {name: str(port) for name, port in own.items()} | {"IOC_SCALE": "0.01"}
    swap = {f"127.0.0.1:{told}": f"127.0.0.1:{own[name]}" for name, told in ports.items()}
    assert recipe("truth") == "@$(PY) -m tests.truth"
    told = f"{sys.executable} -m tests.truth --api http://{swap['127.0.0.1:8000']}"
    swap["make truth"] = f"{told} --truth http://{swap['127.0.0.1:8900']} --past 3"
    following = Reader(Commands(ROOT, environment, swap), folder / "log")
    yield following
    if following.running is not None:
        following.running.send_signal(signal.SIGTERM)
        following.running.wait(30)


@pytest.mark.slow
@pytest.mark.browser
def test_the_tutorial_does_what_it_says(reader: Reader, record_property):
    taken = steps(TUTORIAL)
    kinds = [step.kind for step in taken]
    assert kinds.count("run") >= 8
    assert {"stays", "stop", "see"} <= set(kinds)
    for step in taken:
        reader.take(step)
    record_property("steps of pages followed", len(taken))


def test_the_readme_names_what_there_is():
    page = ROOT / "README.md"
    commands = [c for s in steps(page) for c, _ in dialogue(s) if c.startswith("make ")]
    assert {"make demo", "make test"} <= {c.split("#")[0].strip() for c in commands}
    for command in commands:
        recipe(command.split()[1])


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", HOW_TO, ids=lambda p: p.name)
def test_every_block_of_a_how_to_is_one_a_test_can_follow(page: Path):
    for step in steps(page):
        assert step.kind in {"run", "edit", "create", "skip", "read"}, step.where


@pytest.mark.parametrize("page", pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target} is not there"


def test_a_page_that_lies_is_caught(tmp_path: Path):
    place = Commands(tmp_path, {"PATH": "/usr/bin:/bin"})
    place.run(Step("run", "x:1", "$ echo one; echo two\none\n…"))
    with pytest.raises(AssertionError, match="expected"):
        place.run(Step("run", "x:1", "$ echo one\ntwo"))
    with pytest.raises(AssertionError, match="false"):
        place.run(Step("run", "x:1", "$ false"))
    wrong = ROOT / "docs/how-to" / "unknown.md"
    assert not wrong.exists()
