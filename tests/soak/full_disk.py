"""A full disk: everything of an installation lies on a small one, which fills up and is freed.

    python -m tests.soak.full_disk

It mounts a tmpfs, so it needs a mount namespace of its own; ``command`` tells how to get one.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.flow.stage import ROOT, Installation, passable_folder, status, wait_for
from tests.flow.test_database_away import WORSE, heard
from tests.soak.ledger import Watcher, close_ledger

SIZE = "400m"
REFUSES_WITHIN_S = 120.0  # room inside the pages and files there are lasts for a while
TOLD_WITHIN_S = 10.0
BACK_WITHIN_S = 60.0
FULL_S = 20.0


def command() -> list[str] | None:
    """How to run this in a mount namespace of its own; None where that is not allowed."""
    ways = [["unshare", "-m"]]
    if os.geteuid() != 0:
        ways = [["unshare", "-U", "-m", "--map-current-user", "--keep-caps"]]
    for way in ways:
        if shutil.which(way[0]) is None:
            continue
        probe = subprocess.run([*way, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
        if probe.returncode == 0:
            return [*way, sys.executable, "-m", "tests.soak.full_disk"]
    return None


def fill_up(ballast: Path) -> int:
    """Write until there is no room; the bytes written."""
    written, block = 0, b"\0" * 65536
    with ballast.open("wb", buffering=0) as out:
        for size in (65536, 512):
            try:
                while True:
                    written += out.write(block[:size])
            except OSError:
                continue
    return written


def main() -> int:
    with passable_folder() as folder:
        data = folder / "data"
        data.mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "none", str(data)], check=True
        )
        demo = Installation(data, root=ROOT)
        try:
            demo.start()
            wait_for(demo.loaded, 120, "the fill", demo, 0.5)
            return _scenario(demo, data / "ballast")
        finally:
            for more in data.glob("ballast*"):
                more.unlink()
            demo.close()
            subprocess.run(["umount", str(data)], check=True)


def _scenario(demo: Installation, ballast: Path) -> int:
    ready = f"http://127.0.0.1:{demo.port}/readyz"
    roles = [demo.role(r) for r in ("web", "worker")]
    with Watcher(demo) as watcher:
        print(f"full: {fill_up(ballast):,} bytes of ballast", flush=True)
        wait_for(lambda: status(ready) == 503, REFUSES_WITHIN_S, "readiness to say so", demo)
        told_s = asyncio.run(heard(demo, lambda told: told <= WORSE, TOLD_WITHIN_S))
        print(f"the wall said so {told_s:.1f} s after readiness did", flush=True)
        told, asked = _hold(demo, ready, ballast)
        print(f"readiness meanwhile: {told}; asked while it said so: {asked}", flush=True)
        assert told.count(503) > len(told) // 3, "it says so, but for moments with a little room"
        assert asked <= 10, "polling pauses: the feeds keep their data"
        ballast.unlink()
        begun = time.monotonic()
        wait_for(lambda: status(ready) == 200, BACK_WITHIN_S, "ready", demo)
        wait_for(demo.loaded, BACK_WITHIN_S, "fresh", demo)
        print(f"everything fresh {time.monotonic() - begun:.1f} s after there was room", flush=True)
    assert [demo.role(r) for r in ("web", "worker")] == roles, "nobody had to be started again"
    assert watcher.wrong == [], watcher.wrong
    books = close_ledger(demo)
    assert books.wrong == [], books.wrong
    print(f"{books.emitted:,} records emitted, {books.stored:,} stored: nothing lost")
    return 0


def _hold(demo: Installation, ready: str, ballast: Path) -> tuple[list[int], int]:
    """What readiness says second by second, and what the feeds were asked while it was 503.

    A server makes a little room now and then (old logs go): it is taken at once, but what is
    stored meanwhile is stored.
    """
    told, asked, before = [0], 0, _asked(demo)
    until = time.monotonic() + FULL_S
    while time.monotonic() < until:  # nobody looks after it meanwhile
        fill_up(ballast.with_name(f"ballast{len(told)}"))
        told.append(status(ready))
        now = _asked(demo)
        asked += now - before if told[-2:] == [503, 503] else 0
        before = now
        time.sleep(1)
    for more in ballast.parent.glob("ballast?*"):
        more.unlink()
    return told[1:], asked


def _asked(demo: Installation) -> int:
    """Requests the simulated feeds have answered."""
    return sum(demo.simulators("/control/requests").values())


if __name__ == "__main__":
    sys.exit(main())
