"""An installation of its own for a benchmark, and what its processes use."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.store.embedded import EmbeddedPostgres

ROOT = Path(__file__).parents[1]
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Installation:
    """A running `ioc`; ``folder`` holds its data directory."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        url = EmbeddedPostgres(self.folder / "data").running()
        if url is None:
            raise RuntimeError("the embedded PostgreSQL does not run; see the log above")
        return url

    def use(self) -> dict[str, Use]:
        """CPU seconds and peak memory of each process so far, PostgreSQL's added up."""
        found: dict[str, Use] = {}
        for pid in family(self.process.pid):
            name = _role(pid)
            if name is None:
                continue
            before = found.get(name, Use(0.0, 0.0))
            now = used(pid)
            found[name] = Use(before.cpu_s + now.cpu_s, max(before.peak_mb, now.peak_mb))
        return found


@dataclass(frozen=True, slots=True)
class Use:
    cpu_s: float
    peak_mb: float


@contextmanager
def installation(
    command: str, environment: Mapping[str, str], began_s: float | None = None
) -> Iterator[Installation]:
    """Start `ioc <command>`, with data time from ``began_s``; nothing of it is left at the end."""
    # Ended from outside, the installation must end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="ioc-bench-"))
    folder.chmod(0o755)  # as root, PostgreSQL runs under another account
    data = folder / "data"
    data.mkdir(mode=0o755)
    if began_s is not None:
        (data / "lease").write_text(json.dumps({"data_s": began_s}))
    ports = free_ports(3)
    env = {
        **os.environ,
        "IOC_DATA_DIR": str(data),
        "IOC_PORT": str(ports[0]),
        "IOC_SIM_PORT": str(ports[1]),
        "IOC_SIM_SMTP_PORT": str(ports[2]),
        **environment,
    }
    log = (folder / "log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", command], cwd=ROOT, env=env, stdout=log, stderr=log
    )
    try:
        yield Installation(process, ports[0], folder)
    except BaseException:
        sys.stderr.write((folder / "log").read_text(errors="replace")[-2000:])
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(p.getsockname()[1]) for p in probes]
    finally:
        for probe in probes:
            probe.close()


def family(top: int) -> list[int]:
    """All living descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [top]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue += children.get(pid, [])
    return found


def _role(pid: int) -> str | None:
    try:
        told = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return None
    for name, mark in {
        "web": "--role web", "worker": "--role worker", "simulators": "-m collectors",
        "postgres": "postgres",
    }.items():  # fmt: skip
        if mark in told:
            return name
    return None


def used(pid: int) -> Use:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return Use(0.0, 0.0)
    peak = next((li.split()[1] for li in status.splitlines() if li.startswith("VmHWM")), "0")
    # Children that have ended count with their parent: PostgreSQL's helpers come and go.
    return Use(sum(int(n) for n in stat[11:15]) / _TICK, int(peak) / 1024)
