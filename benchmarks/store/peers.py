"""Peers: VictoriaMetrics and Prometheus from Debian's packages, unpacked beside the build.

The packages are fetched with apt-get but not installed: no account, no service, nothing left to
undo. Each peer listens on loopback, keeps its data in a folder of this run and is ended by it.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from benchmarks.installation import free_ports
from benchmarks.store.questions import Question
from benchmarks.store.remote_write import METRIC

PACKAGES = {"victoria-metrics": "victoria-metrics", "prometheus": "prometheus"}
_CACHE = Path(__file__).parents[2] / "build" / "peers"
_FETCH_S, _START_S = 180, 30
_NOW, _RANGE = "/api/v1/query", "/api/v1/query_range"


class _Row(msgspec.Struct):
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] = []  # msgspec copies it


class _Rows(msgspec.Struct):
    result: list[_Row]


class _Answer(msgspec.Struct):
    data: _Rows


class _Block(msgspec.Struct):
    values: list[float]
    timestamps: list[int]


@dataclass(slots=True)
class Peer:
    """A running server and the one connection the benchmark has to it."""

    name: str
    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    http: http.client.HTTPConnection

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        self.http.request(method, path, body or None, headers)
        answer = self.http.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{self.name} answered {answer.status}: {text[:300]!r}")
        return text

    def write(self, body: bytes) -> None:
        headers = {
            "Content-Encoding": "snappy",
            "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        }
        self.ask("POST", "/api/v1/write", body, **headers)

    def query(self, path: str, **parameters: object) -> int:
        """How many values the answer holds, once parsed: what a client has in its hands."""
        told = msgspec.json.decode(self.ask("GET", f"{path}?{urlencode(parameters)}"), type=_Answer)
        return sum(len(row.values) or 1 for row in told.data.result)

    def export(self, path: str, **parameters: object) -> int:
        """VictoriaMetrics' way to give raw points: one line of JSON a block."""
        text = self.ask("GET", f"{path}?{urlencode(parameters)}")
        lines = text.splitlines()
        return sum(len(msgspec.json.decode(line, type=_Block).values) for line in lines)

    def answer(self, question: Question, *, kept: bool = False) -> int:
        """How many values came back; ``kept``: it may give the answer it gave before."""
        anew = {} if kept else {"nocache": 1}
        if question.kind == "latest":
            return self.query(_NOW, query=METRIC, time=question.to_s, **anew)
        if question.kind == "raw24h" and self.name == "VictoriaMetrics":
            chosen = {"match[]": _one(question), "start": question.from_s, "end": question.to_s}
            return self.export("/api/v1/export", **chosen)
        if question.kind == "raw24h":
            text = f"{_one(question)}[{question.to_s - question.from_s}s]"
            return self.query(_NOW, query=text, time=question.to_s)
        chosen = _one(question) if len(question.series) == 1 else _all_of(question)
        text = f"avg_over_time({chosen}[{question.step_s}s])"
        begin = question.from_s + question.step_s
        return self.query(
            _RANGE, query=text, start=begin, end=question.to_s, step=question.step_s, **anew
        )

    def settle(self) -> None:
        """What was sent is asked about next: have it visible without waiting for a timer."""
        if self.name == "VictoriaMetrics":
            self.ask("GET", "/internal/force_flush")

    def bytes_on_disk(self) -> int:
        """Files come and go while it merges: those that stay long enough are counted."""
        total = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with suppress(FileNotFoundError):
                    total += Path(folder, name).stat().st_blocks * 512
        return total


def _one(question: Question) -> str:
    return f'{METRIC}{{source="{question.source.code}",series="{question.series[0]}"}}'


def _all_of(question: Question) -> str:
    return f'{METRIC}{{source="{question.source.code}"}}'


def fetch(package: str) -> Path | None:
    """The program of a Debian package, or None where apt-get cannot give it."""
    program = _CACHE / package / "usr/bin" / PACKAGES[package]
    installed = shutil.which(PACKAGES[package])
    if program.is_file() or installed:
        return program if program.is_file() else Path(str(installed))
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return None
    folder = _CACHE / f"{package}.part"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if not _download(package, folder):
        return None
    for deb in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", deb.name, "."], cwd=folder, check=True)
        deb.unlink()
    shutil.rmtree(_CACHE / package, ignore_errors=True)
    folder.rename(_CACHE / package)
    return program if program.is_file() else None


def _download(package: str, folder: Path) -> bool:
    """Try as things are; where the lists of packages are missing and we may, fetch them once."""
    for attempt in range(2):
        if attempt and (os.geteuid() or not _apt(["update", "-qq"], folder)):
            return False
        if _apt(["download", "-qq", package], folder) and any(folder.glob("*.deb")):
            return True
    return False


def _apt(command: list[str], folder: Path) -> bool:
    try:
        done = subprocess.run(
            ["apt-get", *command], cwd=folder, capture_output=True, timeout=_FETCH_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


@contextmanager
def victoria_metrics(program: Path, folder: Path) -> Iterator[Peer]:
    port = free_ports(1)[0]
    command = [
        str(program), f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder}",
        "-retentionPeriod=100y", "-search.latencyOffset=0s", "-loggerLevel=ERROR",
        "-http.idleConnTimeout=1h",
        "-search.maxPointsPerTimeseries=100000", "-search.cacheTimestampOffset=0s",
    ]  # fmt: skip
    with _running("VictoriaMetrics", command, folder, port, "/health") as peer:
        yield peer


@contextmanager
def prometheus(program: Path, folder: Path) -> Iterator[Peer]:
    port = free_ports(1)[0]
    folder.mkdir(parents=True, exist_ok=True)
    # A batch of a slow source reaches back half a day behind the newest point of a fast one.
    config = folder.with_suffix(".yml")
    config.write_text("storage:\n  tsdb:\n    out_of_order_time_window: 2d\n")
    command = [
        str(program), f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={folder}",
        f"--config.file={config}", "--web.enable-remote-write-receiver", "--log.level=error",
        "--storage.tsdb.retention.time=100y", "--web.read-timeout=1h",
        f"--web.console.templates={folder}",
        f"--web.console.libraries={folder}",
    ]  # fmt: skip
    with _running("Prometheus", command, folder, port, "/-/ready") as peer:
        yield peer


@contextmanager
def _running(name: str, command: list[str], folder: Path, port: int, ready: str) -> Iterator[Peer]:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.with_suffix(".log").open("ab")
    process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    peer = Peer(name, process, folder, port, connection)
    try:
        _wait(peer, ready)
        yield peer
    finally:
        connection.close()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        log.close()


def _wait(peer: Peer, ready: str) -> None:
    until = time.monotonic() + _START_S
    while True:
        if peer.process.poll() is not None:
            said = peer.folder.with_suffix(".log").read_text(errors="replace")[-1500:]
            raise RuntimeError(f"{peer.name} ended at once and said:\n{said}")
        try:
            peer.ask("GET", ready)
        except (OSError, http.client.HTTPException, RuntimeError):
            peer.http.close()
            if time.monotonic() > until:
                raise RuntimeError(f"{peer.name} was not ready after {_START_S} s") from None
            time.sleep(0.05)
        else:
            return


STARTS: Mapping[str, Callable[[Path, Path], AbstractContextManager[Peer]]] = {
    "victoria-metrics": victoria_metrics,
    "prometheus": prometheus,
}


def missing(name: str) -> None:
    """Say that a peer is left out; its figures become null."""
    sys.stderr.write(f"bench-store: {name} cannot be had from apt-get here; its ratios are null\n")
