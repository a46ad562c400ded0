"""Cuts screens off and kills servers under load; then every screen must show what is stored.

usage: python -m tests.soak.live --cuts 1000 --kills 10 --workers 3 --seed 766
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import secrets
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.profile import profile_folder
from app.store.pool import AWAY
from app.store.processes import Born, parse
from tests.flow.stage import Installation, passable_folder
from tests.soak.ledger import left_behind
from tests.soak.live_books import Books, History, read_state
from tests.soak.live_client import CUTS, Screen, Topic
from tests.soak.live_feed import Feed, all_keys

TARGETS = ("web", "worker", "postgres", "web")
BACK_WITHIN_S = 60.0
QUIET_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything."""

    cuts: int = 1000
    kills: int = 10
    workers: int = 3
    screens: int = 60
    every_s: float = 0.01  # between two commits, on the average
    cut_every_s: float = 0.06
    seed: int = 766


@dataclass(slots=True)
class Outcome:
    """What it went through, and everything that was wrong."""

    plan: Plan
    cuts: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    books: Books = field(default_factory=Books)
    commits: int = 0
    changes: int = 0
    connections: int = 0
    resumed: int = 0
    resets: int = 0
    terms: int = 0
    took_s: float = 0.0

    @property
    def wrong(self) -> list[str]:
        return self.books.wrong

    def lines(self) -> list[str]:
        b = self.books
        return [
            f"{self.cuts.total()} cuts {dict(self.cuts)}, {self.kills.total()} kills"
            f" {dict(self.kills)} in {self.took_s:.0f} s; {self.plan.screens} screens,"
            f" {self.plan.workers} web processes, {self.terms} terms of the worker",
            f"{self.commits} commits of the feed, {self.changes} changes in the log;"
            f" {self.connections} connections, {self.resumed} resumed, {self.resets} resets",
            f"{b.frames} frames read back: {b.changes} changes, {b.merged} frames of several,"
            f" {b.snapshots} snapshots, {b.figures} figures compared, {b.again} told as a refresh",
            f"missed {b.missed}, twice {b.twice}, out of order {b.out_of_order},"
            f" other values {b.differing}; {len(self.wrong)} wrong",
        ]


class Stage:
    """``ioc serve`` with several web processes; the feed and the screens are the soak's own."""

    def __init__(self, folder: Path, workers: int) -> None:
        (folder / "data").mkdir()
        profile = folder / "profile" / "laocai"
        shutil.copytree(profile_folder("laocai"), profile)
        for path in (profile / "sources").glob("*.toml"):
            # Nobody answers there, whoever runs a demo on this machine.
            path.write_text(path.read_text().replace("127.0.0.1:8900", "127.0.0.1:1"))
        self.demo = Installation(
            folder / "data", does=("serve",),
            settings={"IOC_PROFILE": str(profile), "IOC_WEB_PROCESSES": str(workers)},
        )  # fmt: skip

    def webs(self) -> list[Born]:
        """The web processes that run."""
        path = self.demo.data_dir / "children.pids"
        told = parse(path.read_text()) if path.exists() else []
        return [b for b in told if b.alive() and "web" in _words(b.pid)]

    def find(self, target: str, rng: random.Random) -> Born | None:
        if target == "web":
            webs = self.webs()
            return rng.choice(webs) if webs else None
        return self.demo.role(target)


def _words(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def screens(plan: Plan, port: int, rng: random.Random) -> list[Screen]:
    """Most see everything; every fourth a part; every tenth reads slowly."""
    made = []
    for number in range(plan.screens):
        own = random.Random(rng.random())
        topic = random_topic(own) if number % 4 == 3 else Topic()
        slow = 0.4 if number % 10 == 5 else 0.0
        made.append(Screen(number, port, own, [topic], slow))
    return made


def random_topic(rng: random.Random) -> Topic:
    keys = rng.sample(all_keys(), 12)
    subjects = frozenset(k[1] for k in keys) if rng.random() < 0.6 else frozenset()
    return Topic(frozenset(k[0] for k in keys), subjects)


@contextlib.asynccontextmanager
async def beside(*works: object) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Runs them while the body runs; what fails in them is not lost."""
    tasks = [asyncio.ensure_future(w) for w in works]  # type: ignore[call-overload]
    try:
        yield tasks
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def soak(plan: Plan, stage: Stage, say: Callable[[str], None] = print) -> Outcome:
    """One installation that is up: load, cuts, kills, and the books."""
    outcome, rng, begun = Outcome(plan), random.Random(plan.seed), time.monotonic()
    url = stage.demo.database_url()
    history, feed = History(), Feed(url, random.Random(rng.random()), plan.every_s)
    walls = screens(plan, stage.demo.port, rng)
    stop = asyncio.Event()
    async with beside(history.follow(url), feed.run(stop), *(w.run() for w in walls)):
        await wait_for(lambda: feed.commits > 20 and all(w.live for w in walls), 30, "screens")
        await _chaos(plan, stage, walls, rng, outcome, say)
        stop.set()
        await _settle(stage, history, walls, outcome, say)
    await history.end(url)
    outcome.took_s = time.monotonic() - begun
    outcome.commits, outcome.changes = feed.commits, len(history.offsets)
    for wall in walls:
        outcome.connections += wall.connections
        outcome.resumed += wall.resumed
        outcome.resets += wall.resets
        outcome.books.check(wall, history)
        outcome.wrong.extend(wall.wrong)
    return outcome


async def wait_for(told: Callable[[], object], within_s: float, what: str) -> None:
    until = time.monotonic() + within_s
    while not told():
        if time.monotonic() > until:
            raise AssertionError(f"not within {within_s:g} s: {what}")
        await asyncio.sleep(0.05)


async def _chaos(
    plan: Plan,
    stage: Stage,
    walls: list[Screen],
    rng: random.Random,
    outcome: Outcome,
    say: Callable[[str], None],
) -> None:
    """Cuts all the time; kills spread over them."""
    deck = [TARGETS[n % len(TARGETS)] for n in range(plan.kills)]
    rng.shuffle(deck)
    every = max(1, plan.cuts // (plan.kills + 1))
    while outcome.cuts.total() < plan.cuts:
        await asyncio.sleep(rng.uniform(0, 2 * plan.cut_every_s))
        how = rng.choice(CUTS)
        if rng.choice(walls).cut(how):
            outcome.cuts[how] += 1
        if rng.random() < 0.03:
            rng.choice(walls[3::4]).ask(random_topic(rng))
        if deck and outcome.cuts.total() >= every * (outcome.kills.total() + 1):
            await _kill(stage, deck.pop(), rng, outcome, say)
    while deck:
        await _kill(stage, deck.pop(), rng, outcome, say)
        await asyncio.sleep(1)


async def _kill(
    stage: Stage,
    target: str,
    rng: random.Random,
    outcome: Outcome,
    say: Callable[[str], None],
) -> None:
    await wait_for(lambda: stage.find(target, rng), BACK_WITHIN_S, f"{target} to come back")
    found = stage.find(target, rng)
    if found is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGKILL)
        outcome.kills[target] += 1
        say(f"  kill {outcome.kills.total()}: {target}, after {outcome.cuts.total()} cuts")


async def _settle(
    stage: Stage,
    history: History,
    walls: list[Screen],
    outcome: Outcome,
    say: Callable[[str], None],
) -> None:
    """Nothing is fed any more: in the end all show the same, and that is what is stored."""
    begun = time.monotonic()
    while True:
        await asyncio.sleep(1.0)
        wrong = await _compare(stage, history, walls, outcome)
        if outcome.kills["worker"] and outcome.terms < 2:
            wrong.append("no worker has taken over")
        if not wrong or time.monotonic() - begun > QUIET_WITHIN_S:
            break
    outcome.wrong.extend(wrong)
    say(f"  every screen compared {time.monotonic() - begun:.1f} s after the last commit")


async def _compare(
    stage: Stage, history: History, walls: list[Screen], outcome: Outcome
) -> list[str]:
    """What differs now; nothing when the log moved meanwhile is not nothing."""
    last = len(history.offsets)
    try:
        state = await read_state(stage.demo.database_url())
        outcome.terms = state.term
    except AWAY as away:
        return [f"the database is away: {away}"]
    body = await asyncio.to_thread(stage.demo.get, "/api/v1/snapshot", 10)
    if body is None:
        return ["no snapshot to be had"]
    told = json.loads(body)
    shown = {(r["indicator"], r["subject"], r["period"]) for r in told["readings"]}
    looked = Books()
    for wall in walls:
        looked.close(wall, state, shown)
        if not wall.live:
            looked.wrong.append(f"screen {wall.number} is not live")
    for r in told["readings"]:
        kept = state.readings.get((r["indicator"], r["subject"], r["period"]))
        if kept is None or kept[0] != r["value"]:
            looked.wrong.append(f"/api/v1/snapshot shows {r['value']} for {kept}")
    if len(history.offsets) != last:
        looked.wrong.append("the log moved while it was compared")
    outcome.books.figures += looked.figures if not looked.wrong else 0
    return looked.wrong


@contextlib.contextmanager
def opened(workers: int) -> Iterator[Stage]:
    """An installation that answers; ended, and looked after, at the end."""
    with passable_folder() as folder:
        stage = Stage(folder, workers)
        stage.demo.start()
        try:
            yield stage
        finally:
            stage.demo.close()


def run_soak(plan: Plan, say: Callable[[str], None] = print) -> Outcome:
    with opened(plan.workers) as stage:
        outcome = asyncio.run(soak(plan, stage, say))
        took = stage.demo.end()
        if took > 5:
            outcome.wrong.append(f"SIGTERM took {took:.1f} s")
        outcome.wrong.extend(f"left behind: {one}" for one in left_behind(stage.demo))
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--screens", type=int, default=60)
    parser.add_argument("--seed", type=int, default=None)
    asked = parser.parse_args()
    seed = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    # So that the installation is ended with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = Plan(asked.cuts, asked.kills, asked.workers, asked.screens, seed=seed)
    print(f"soak-live: {plan.cuts} cuts, {plan.kills} kills, seed {seed}", flush=True)
    outcome = run_soak(plan, lambda line: print(line, flush=True))
    for line in outcome.lines():
        print(line, flush=True)
    for one in outcome.wrong[:30]:
        print(f"  WRONG {one}", flush=True)
    print(f"soak-live: {len(outcome.wrong)} wrong (again: --seed {seed})")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
