"""A product of one's own for a test: embedded PostgreSQL, a copied profile, a clock."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[2]
LAO_CAI = ROOT / "app/profiles/laocai"


@dataclass(frozen=True, slots=True)
class Product:
    """A running `ioc serve`."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def wait_for(self, path: str, good: Callable[[Any], bool], seconds: float) -> Any:
        """What the API answers once it is good; fails with the last answer and the log."""
        deadline = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the product ended:\n{self._told()}"
            try:
                answer = httpx2.get(self.url + path, timeout=10, trust_env=False)
                last = answer.json() if answer.status_code == 200 else answer.text
                if answer.status_code == 200 and good(last):
                    return last
            except httpx2.HTTPError as error:
                last = error
            time.sleep(0.2)
        raise AssertionError(f"{path} after {seconds:g} s: {str(last)[:900]}\n{self._told()}")

    def _told(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


@contextmanager
def product(
    base_urls: Mapping[str, str], clock: Mapping[str, object], environment: Mapping[str, str]
) -> Iterator[Product]:
    """Serve with the addresses changed in `sources/<feed>.toml`, as docs/how-to says."""
    folder = Path(tempfile.mkdtemp(prefix="ioc-contract-"))
    folder.chmod(0o755)  # as root, PostgreSQL runs under another account
    for feed in base_urls:
        _point(folder / "profile", feed, base_urls[feed])
    (folder / "clock.json").write_text(json.dumps(clock))
    port = _free_port()
    env = {
        **os.environ, **environment,
        "IOC_PROFILE": str(folder / "profile"), "IOC_CLOCK_FILE": str(folder / "clock.json"),
        "IOC_DATA_DIR": str(folder / "data"), "IOC_PORT": str(port),
    }  # fmt: skip
    log = folder / "log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"], cwd=ROOT, env=env, stdout=out, stderr=out
        )
    try:
        yield Product(process, f"http://127.0.0.1:{port}", log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _point(profile: Path, feed: str, base_url: str) -> None:
    if not profile.exists():
        shutil.copytree(LAO_CAI, profile)
    source = profile / f"sources/{feed}.toml"
    text, changed = re.subn(
        r'(?m)^base_url = ".*"$', f'base_url = "{base_url}"', source.read_text()
    )
    assert changed == 1
    source.write_text(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
