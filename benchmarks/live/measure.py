"""Measure: a server on one core, its readers on another; CPU, memory and what the readers say."""

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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEERS = ROOT / "build/peers"
SIO_PATH = "/socket.io/?EIO=4&transport=websocket"
NATS_HELLO = 'CONNECT {"verbose":false}\r\nSUB d 1\r\n'
READERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ours": ("/api/v1/live", ()),
    "socketio": (SIO_PATH, ("first=40", "pong=2:3")),
    "nats": ("/", (f"first={NATS_HELLO}", "binary=1")),
}


def compiled(name: str) -> Path | None:
    """The program of ``name``.c; None without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    out = PEERS / name
    if not out.exists() or out.stat().st_mtime < (HERE / f"{name}.c").stat().st_mtime:
        PEERS.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, "-O2", "-o", out, HERE / f"{name}.c"], check=True)
    return out


def install_peers() -> set[str]:
    """Fetch what is compared with into build/peers; the names of those that are there."""
    found = {"naive", "broadcast"}
    PEERS.mkdir(parents=True, exist_ok=True)
    uv = ROOT / ".venv/bin/uv"
    command = [
        uv, "pip", "install", "-q", "--python", sys.executable, "--target", PEERS / "python",
        "--require-hashes", "-r", HERE / "requirements.txt",
    ]  # fmt: skip
    if (PEERS / "python/socketio").is_dir() or subprocess.run(command).returncode == 0:
        found |= {"socketio", "nats"}
    if shutil.which("npm") and shutil.which("node"):
        if not (PEERS / "node_modules/ws").is_dir():
            for name in ("package.json", "package-lock.json", "ws.cjs"):
                shutil.copy(HERE / name, PEERS / name)
            subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=PEERS)
        shutil.copy(HERE / "ws.cjs", PEERS / "ws.cjs")
        if (PEERS / "node_modules/ws").is_dir():
            found.add("ws")
    if compiled("limit") is not None:
        found.add("limit")
    return found


def _command(kind: str, port: int, hz: float, clients: int) -> list[str]:
    if kind == "limit":
        return [str(compiled("limit")), str(port), str(clients), str(hz), "378"]
    if kind == "ws":
        return ["node", str(PEERS / "ws.cjs"), str(port), str(hz)]
    return [sys.executable, "-m", "benchmarks.live.servers", kind, str(port), str(hz)]


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    kind: str
    port: int

    def _members(self) -> list[int]:
        found, at = [self.process.pid], 0
        while at < len(found):
            try:
                children = Path(f"/proc/{found[at]}/task/{found[at]}/children").read_text()
            except OSError:
                children = ""
            found += [int(c) for c in children.split()]
            at += 1
        return found

    def cpu_s(self) -> float:
        """Seconds of CPU of all its threads and children, in ns steps."""
        spent = 0
        for pid in self._members():
            for task in Path(f"/proc/{pid}/task").iterdir():
                spent += int((task / "schedstat").read_text().split()[0])
        return spent / 1e9

    def rss_kb(self) -> int:
        told = (Path(f"/proc/{pid}/status").read_text() for pid in self._members())
        return sum(int(status.split("VmRSS:")[1].split()[0]) for status in told)


@contextmanager
def serving(kind: str, hz: float, clients: int, tiles: int = 200) -> Iterator[Server]:
    """A server of this kind on the first core; ended by its own signal."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = dict(os.environ) | {
        "PATH": f"{PEERS / 'python/bin'}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{PEERS / 'python'}" if kind in ("socketio", "nats") else str(ROOT),
        "BENCH_TILES": str(tiles), "GOMAXPROCS": "1",
    }  # fmt: skip
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            _command(kind, port, hz, clients), cwd=ROOT, env=env, stdout=subprocess.PIPE,
            stderr=said, preexec_fn=lambda: os.sched_setaffinity(0, {_cores()[0]}),
        )  # fmt: skip
        try:
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                said.seek(0)
                raise RuntimeError(f"{kind} did not start: {said.read()[-2000:].decode()}")
            time.sleep(0.5)  # NATS opens its second listener a moment later
            yield Server(process, kind, port)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _cores() -> tuple[int, int]:
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[-1]


class Readers:
    """The load program at work; ``counting`` returns when its window has begun."""

    def __init__(
        self, server: Server, clients: int, warm_s: float, for_s: float, *options: str
    ) -> None:
        path, needed = READERS.get(server.kind, ("/", ()))
        program = compiled("load")
        if program is None:
            raise RuntimeError("the load program needs a C compiler: apt-get install gcc")
        self._process = subprocess.Popen(
            [program, str(server.port), path, str(clients), str(warm_s), str(for_s),
             *needed, *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, {_cores()[1]}),
        )  # fmt: skip

    def counting(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if line == b"counting\n":
                return
        raise RuntimeError("the readers ended before they counted")

    def end(self) -> dict[str, Any]:
        out, _ = self._process.communicate(timeout=120)
        found: dict[str, Any] = json.loads(out)
        return found
