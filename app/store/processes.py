"""Children that must not outlive us, and orphans of an earlier life told by pid and start time."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PROC = Path("/proc")
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Born:
    """A process for certain: pids are used again, a pid with its start time is not."""

    pid: int
    started: str

    def line(self) -> str:
        return f"{self.pid} {self.started}"

    def alive(self) -> bool:
        return born(self.pid) == self


def born(pid: int) -> Born | None:
    """Who has this pid now; None when nobody has, or only a zombie."""
    try:
        # The name in parentheses may hold spaces and parentheses itself.
        after_name = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return None if after_name[0] == "Z" else Born(pid, f"{after_name[19]}@{boot}")


def parse(text: str) -> list[Born]:
    """What ``Born.line`` wrote; lines that are not from it are skipped."""
    fields = (line.split() for line in text.splitlines())
    return [Born(int(f[0]), f[1]) for f in fields if len(f) == 2 and f[0].isdigit()]


def living_in(folder: Path) -> list[Born]:
    """Processes whose working directory is this folder (a postmaster and its backends)."""
    found = []
    for entry in _PROC.iterdir():
        # Other people's processes cannot be looked into: they are not ours either.
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                found.append(born(int(entry.name)))
    return [b for b in found if b is not None]


def end(processes: Iterable[Born], steps: Iterable[tuple[signal.Signals, float]]) -> list[Born]:
    """Send each signal in turn and wait its seconds; returns who is still there after the last."""
    left = [p for p in processes if p.alive()]
    for number, seconds in steps:
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)
        until = time.monotonic() + seconds
        while left and time.monotonic() < until:
            time.sleep(0.02)
            left = [p for p in left if p.alive()]
        if not left:
            break
    return left


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """For ``preexec_fn``: the kernel sends this signal when the thread that started us ends.

    Start such children from the main thread only: another thread's end would look like ours.
    """

    def ask() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)

    return ask
