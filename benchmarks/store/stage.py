"""Stage: every system behind the same three verbs, and what was measured of each."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from benchmarks.installation import family, used
from benchmarks.store.dataset import Batch
from benchmarks.store.ours import Ours
from benchmarks.store.peers import Peer
from benchmarks.store.plain import PlainRows
from benchmarks.store.questions import Kind, Question
from benchmarks.store.remote_write import encode

OURS, SEALING, PLAIN, VM, PROMETHEUS = (
    "ours", "sealing", "plain rows", "VictoriaMetrics", "Prometheus",
)  # fmt: skip
BARE, VM_KEPT = "ours, no shelf", "VM, kept answers"
# Slices written while what was written before is sealed: as the product does it.
BESIDE, LAST_SEAL = "ours beside sealing", "last seal"
POSTGRES = "PostgreSQL"
Bytes = dict[str, float]


@dataclass(frozen=True, slots=True)
class Contender:
    """``prepare`` is outside the timer, ``write`` inside; it takes every ``nth`` batch."""

    name: str
    prepare: Callable[[Batch], Any]
    write: Callable[[Any], Awaitable[None]]
    ask: Callable[[Question], Awaitable[int]]
    nth: int = 1
    server: str = ""  # whose turn it is; empty: that of its own name


@dataclass(slots=True)
class Seen:
    """Points a second by slice, seconds and log bytes in all, milliseconds a question."""

    points: int = 0
    tops: dict[str, int] = field(default_factory=dict)
    rates: dict[str, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    written: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    cpu_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    wal: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    size: Bytes = field(default_factory=dict)
    parts: Bytes = field(default_factory=dict)
    ms: dict[tuple[str, Kind], list[float]] = field(default_factory=lambda: defaultdict(list))
    values: dict[tuple[str, Kind], int] = field(default_factory=lambda: defaultdict(int))
    memory: Bytes = field(default_factory=dict)


class Clocked:
    """Times what is done, the cores it took, and what the write-ahead log grew by meanwhile.

    For ours count this process and PostgreSQL's, for a peer its own.
    """

    def __init__(self, db: asyncpg.Connection, seen: Seen) -> None:
        self.seen = seen
        self._db, self._tops = db, seen.tops

    def _cpu_s(self, name: str) -> float:
        top = self._tops.get(name)
        if top is not None:
            return used(top).cpu_s
        return time.process_time() + sum(used(p).cpu_s for p in family(self._tops[POSTGRES]))

    async def run(self, name: str, points: int, work: Callable[[], Awaitable[None]]) -> float:
        before = await self._wal(name)
        cpu_s, began = self._cpu_s(name), time.perf_counter()
        await work()
        took = time.perf_counter() - began
        seen = self.seen
        seen.cpu_s[name] += self._cpu_s(name) - cpu_s
        seen.wal[name] += await self._wal(name) - before
        seen.seconds[name] += took
        if points:
            seen.written[name] += points
            seen.rates[name][seen.points] = points / took
        return took

    async def _wal(self, name: str) -> int:
        """Bytes of log so far; in the turn of a peer PostgreSQL stands still and writes none."""
        if name in self._tops:
            return 0
        told = await self._db.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(told)


def of_ours(ours: Ours) -> Contender:
    return Contender(OURS, ours.known, ours.write, ours.ask)


def of_bare(ours: Ours) -> Contender:
    """Asked only: it is the same store."""
    return Contender(BARE, ours.known, ours.write, ours.bare().ask)


def of_kept(peer: Peer) -> Contender:
    """Asked only: the same server, which may answer with what it has kept of its answers."""

    async def ask(question: Question) -> int:
        return peer.answer(question, kept=True)

    return replace(of_peer(peer), name=VM_KEPT, ask=ask, server=peer.name)


def of_plain(plain: PlainRows) -> Contender:
    # So slow that it gets a twentieth of each slice.
    return Contender(PLAIN, lambda batch: batch, plain.write, plain.ask, nth=20)


def of_peer(peer: Peer) -> Contender:
    async def write(body: bytes) -> None:
        peer.write(body)

    async def ask(question: Question) -> int:
        return peer.answer(question)

    return Contender(peer.name, encode, write, ask)
