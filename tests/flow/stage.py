"""The stage of the flow tests: an installation in a data directory of its own, as any account."""

from __future__ import annotations

import contextlib
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
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from app.domain.clock import read_clock
from app.store.embedded_account import Account
from app.store.processes import Born, born, living_in, parse

ROOT = Path(__file__).parents[2]
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
ROLES = ("simulators", "web", "worker")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def passable_folder() -> Iterator[Path]:
    """Below a directory others may pass: as root, PostgreSQL runs under another account."""
    folder = Path(tempfile.mkdtemp(prefix="ioc-flow-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(
    told: Callable[[], Any],
    within_s: float,
    what: str,
    demo: Installation | None = None,
    every_s: float = 0.1,
) -> Any:
    """What ``told`` gives once it is true; else fails with what was meant and the last words."""
    until = time.monotonic() + within_s
    while not (value := told()):
        said = demo.said() if demo is not None else ""
        assert time.monotonic() < until, f"not within {within_s:g} s: {what}\n{said}"
        time.sleep(every_s)
    return value


class Installation:
    """``ioc demo`` of a very small province; started, asked, killed and ended by the tests."""

    def __init__(
        self,
        data_dir: Path,
        *,
        who: Account | None = None,
        command: tuple[str, ...] = (sys.executable,),
        root: Path = ROOT,
        settings: Mapping[str, str] | None = None,
        does: tuple[str, ...] = ("demo",),
    ) -> None:
        self.data_dir = data_dir
        self.port, self.sim_port = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._who, self._root = who, root
        self._command = (*command, "-m", "app.cli", *does)
        self._out = data_dir.parent / f"{data_dir.name}.out"
        self._settings = {
            "IOC_DATA_DIR": str(data_dir), "IOC_PORT": str(self.port),
            "IOC_SIM_PORT": str(self.sim_port), "IOC_SIM_SMTP_PORT": str(free_port()),
            "IOC_SCALE": "0.01", "IOC_SEED": "7",
        } | dict(settings or {})  # fmt: skip

    def start(self, within_s: float = 40) -> None:
        """Run it and wait until its web process answers."""
        self.launch()
        wait_for(lambda: self.get("/healthz") or self._ended(), within_s, "the web process", self)
        assert not self._ended(), self.said()

    def launch(self) -> None:
        """Run it and wait for nothing."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("IOC_")}
        with self._out.open("ab") as out:
            self.process = subprocess.Popen(
                self._command, cwd=self._root,
                env=kept | self._settings, stdout=out, stderr=out,
                # Who starts tests in the background of a shell has Ctrl-C ignored by all below.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                **(self._who.identity() if self._who else {}),
            )  # fmt: skip

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def get(self, path: str, timeout_s: float = 2) -> bytes | None:
        return fetch(f"http://127.0.0.1:{self.port}{path}", timeout_s)

    def json(self, path: str, timeout_s: float = 5) -> Any:
        body = self.get(path, timeout_s)
        return None if body is None else json.loads(body)

    def simulators(self, path: str, timeout_s: float = 60) -> Any:
        body = fetch(f"http://127.0.0.1:{self.sim_port}{path}", timeout_s)
        return None if body is None else json.loads(body)

    def loaded(self) -> bool:
        """Every source has reached the present and is fresh."""
        told = self.json("/api/v1/sources")
        return told is not None and [
            (s["progress"], s["quality"]) for s in told["sources"]
        ] == [(1.0, "fresh")] * 3  # fmt: skip

    def at_rest(self) -> bool:
        """The same at each look of two seconds: a fill's last work is done."""
        return all(self.loaded() for _ in range(20) if time.sleep(0.1) is None)

    def said(self) -> str:
        return self._out.read_text(errors="replace")[-4000:] if self._out.exists() else ""

    def log(self, name: str) -> str:
        """The last words of a process."""
        path = self.data_dir / ("postgres.log" if name == "postgres" else f"log/{name}.log")
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def data_time(self) -> float:
        return read_clock(self.data_dir / "clock.json").now_s()

    def everyone(self) -> list[Born]:
        """Children and servers that run now; the supervisor is ``process``."""
        path = self.data_dir / "children.pids"
        children = parse(path.read_text()) if path.exists() else []
        return [c for c in children if c.alive()] + living_in(self._postgres_data())

    def role(self, name: str) -> Born | None:
        """Who runs as this: a child by its name, ``postgres`` or ``supervisor``."""
        if name == "supervisor":
            return None if self._ended() or self.process is None else born(self.process.pid)
        if name == "postgres":
            path = self.data_dir / "postgres.pid"
            found = parse(path.read_text()) if path.exists() else []
        else:
            path = self.data_dir / "children.pids"
            told = parse(path.read_text()) if path.exists() else []
            word = "collectors" if name == "simulators" else name
            found = [b for b in told if word in _command_line(b.pid).split("\0")]
        return found[0] if found and found[0].alive() else None

    def database_url(self) -> str:
        """For a look at what is stored; only while the server runs."""
        port = (self._postgres_data() / "postmaster.pid").read_text().splitlines()[3]
        password = (self.data_dir / "postgres.password").read_text().strip()
        return f"postgresql://ioc:{password}@127.0.0.1:{port}/ioc"

    def _postgres_data(self) -> Path:
        return self.data_dir.resolve() / "postgres/data"

    def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Ask it to end; the seconds it took."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(20)
        return time.monotonic() - begun

    def close(self) -> None:
        """At the end of a test, however it went."""
        if not self._ended():
            self.end()


def fetch(url: str, timeout_s: float) -> bytes | None:
    """The body of a successful answer; None for everything else."""
    try:
        with OPENER.open(url, timeout=timeout_s) as answer:
            body: bytes = answer.read()
            return body
    except (urllib.error.URLError, OSError, ValueError):
        return None


def status(url: str, timeout_s: float = 5) -> int:
    """The status of an answer; 0 when there is none."""
    try:
        with OPENER.open(url, timeout=timeout_s) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except (OSError, ValueError):
        return 0


def gone(processes: list[Born], within_s: float) -> bool:
    until = time.monotonic() + within_s
    while any(p.alive() for p in processes) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(p.alive() for p in processes)


def belonging_to(data_dir: Path) -> list[str]:
    """Processes that name this data directory in arguments, environment or working directory."""
    told, found = str(data_dir.resolve()), []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            line = _command_line(int(entry.name))
            words = line + (entry / "environ").read_text(errors="replace")
            named = told in words or (entry / "cwd").readlink().is_relative_to(told)
            if named and born(int(entry.name)) is not None:
                found.append(f"{entry.name} {line[:120]}")
    return found


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""
