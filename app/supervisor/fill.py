"""Asks the web process how it is, and tells the fill's progress on the console."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

# Loopback only: a proxy of the environment must not see it.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_EVERY_S = 1.0
_BAR = 24


@dataclass(frozen=True, slots=True)
class Fill:
    """How far the sources are, 0 to 1, and what they brought."""

    share: float
    records: int
    by_source: tuple[tuple[str, float], ...]

    @property
    def done(self) -> bool:
        return bool(self.by_source) and self.share >= 1


def get(url: str, timeout_s: float = 2.0) -> bytes | None:
    """The body of a successful answer; None for everything else."""
    try:
        with _OPENER.open(url, timeout=timeout_s) as answer:
            body: bytes = answer.read()
            return body
    except (urllib.error.URLError, OSError, ValueError):
        return None


async def healthy(url: str, within_s: float, stop: asyncio.Event) -> bool:
    """Wait until an address answers."""
    until = time.monotonic() + within_s
    while not stop.is_set() and time.monotonic() < until:
        if await asyncio.to_thread(get, url) is not None:
            return True
        await asyncio.sleep(0.1)
    return False


def read_fill(body: bytes | None) -> Fill | None:
    """From ``GET /api/v1/sources``; None while it cannot be told."""
    try:
        told = json.loads(body or b"")
        sources = told["sources"] if isinstance(told, dict) else told
        shares = tuple((str(s["id"]), float(s["progress"] or 0)) for s in sources)
        records = sum(int(s.get("records") or 0) for s in sources)
    except (ValueError, KeyError, TypeError):
        return None
    share = sum(part for _, part in shares) / len(shares) if shares else 0.0
    return Fill(min(1.0, share), records, shares)


async def follow_fill(url: str, say: Callable[[str], None], stop: asyncio.Event) -> None:
    """A bar on a terminal, a line at every tenth elsewhere; ends when everything is loaded."""
    begun, told, bar = time.monotonic(), -1, sys.stdout.isatty()
    while not stop.is_set():
        fill = read_fill(await asyncio.to_thread(get, url))
        if fill is not None and fill.done:
            if bar:
                sys.stdout.write("\r\x1b[K")
            say(
                f"loaded: {fill.records:,} records in {time.monotonic() - begun:.0f} s;"
                " everything on the wall is live now"
            )
            return
        if fill is not None and bar:
            sys.stdout.write("\r\x1b[K" + _line(fill))
            sys.stdout.flush()
        elif fill is not None and int(fill.share * 10) > told:
            told = int(fill.share * 10)
            say(_line(fill))
        await asyncio.sleep(_EVERY_S)


def _line(fill: Fill) -> str:
    full = round(fill.share * _BAR)
    parts = "  ".join(f"{name} {share:.0%}" for name, share in fill.by_source)
    return f"loading [{'#' * full}{'.' * (_BAR - full)}] {fill.share:4.0%}  {parts}"
