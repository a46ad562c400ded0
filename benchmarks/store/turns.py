"""Turns: only the server that is being measured runs; the others stand still meanwhile.

A server works on after it has answered: it flushes, merges, checkpoints. Left to itself it would do
so in the time of whoever is measured next. So after each turn of writing it gets time to come to
rest, which counts for nobody, and is stopped until its next one.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress

from benchmarks.installation import family, used
from benchmarks.store.stage import POSTGRES

_LOOK_S, _REST_S = 0.25, 4.0
_AT_REST = 0.05  # of a core


class Turns:
    """``tops``: the first process of every server, by name; who has none is PostgreSQL's."""

    def __init__(self, tops: Mapping[str, int]) -> None:
        self._tops = tops

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Inside, a server runs in its own turn only."""
        try:
            for top in self._tops.values():
                _send(top, signal.SIGSTOP)
            yield
        finally:
            for top in self._tops.values():
                _send(top, signal.SIGCONT)

    @asynccontextmanager
    async def of(self, name: str, *, rests: bool = False) -> AsyncIterator[None]:
        """The turn of one; ``rests``: with time afterwards to end what it has begun."""
        top = self._tops.get(name, self._tops[POSTGRES])
        _send(top, signal.SIGCONT)
        yield
        if rests:
            await _come_to_rest(top)
        _send(top, signal.SIGSTOP)


def _send(top: int, number: signal.Signals) -> None:
    for pid in family(top):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


async def _come_to_rest(top: int) -> None:
    until, before = time.monotonic() + _REST_S, _cpu_s(top)
    while time.monotonic() < until:
        await asyncio.sleep(_LOOK_S)
        now = _cpu_s(top)
        if now - before < _AT_REST * _LOOK_S:
            return
        before = now


def _cpu_s(top: int) -> float:
    return sum(used(pid).cpu_s for pid in family(top))
