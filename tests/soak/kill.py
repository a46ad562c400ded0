"""Kills every process of an installation at random moments; then the books must balance.

usage: python -m tests.soak.kill --kills 200 --seed 766
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.store.processes import Born
from tests.flow.stage import Installation, gone, passable_folder
from tests.soak.ledger import Books, Watcher, close_books, left_behind

TARGETS = {"worker": 6, "postgres": 4, "web": 4, "simulators": 4, "supervisor": 2}
LOADED_WITHIN_S = 300.0
BACK_WITHIN_S = 60.0
A_ROUND = 50


@dataclass(slots=True)
class Round:
    """What one installation went through."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    looks: int = 0
    books: Books = field(default_factory=Books)
    wrong: list[str] = field(default_factory=list)

    def phase(self, name: str) -> int:
        return sum(n for (_, phase), n in self.kills.items() if phase == name)

    def line(self) -> str:
        told = Counter[str]()
        for (target, _), number in self.kills.items():
            told[target] += number
        kinds = ", ".join(f"{name} {number}" for name, number in sorted(told.items()))
        books = self.books
        return (
            f"{self.kills.total()} kills ({kinds}; {self.phase('fill')} in the fill,"
            f" {self.phase('live')} live): {books.emitted} emitted = {books.stored} stored +"
            f" {books.quarantined} quarantined in {books.pages} pages; {books.truth} figures"
            f" compared; {self.looks} looks at the clock; {len(self.wrong)} wrong"
        )


def run_round(
    kills: int,
    seed: int,
    *,
    pause_s: tuple[float, float] = (0.1, 3.0),
    past: int = 3,
    scale: str = "0.01",
    say: Callable[[str], None] = print,
) -> Round:
    """Half of the kills from the first moment on, the other half once everything is loaded."""
    rng, outcome = random.Random(seed), Round()
    with passable_folder() as folder:
        (folder / "data").mkdir()
        demo = Installation(folder / "data", settings={"IOC_SCALE": scale})
        demo.launch()
        try:
            with Watcher(demo) as watcher:
                deck, half = _deck(kills, rng), kills // 2
                _kill(demo, watcher, deck[:half], rng, pause_s, outcome, say)
                if _settled(demo, outcome, say):
                    _kill(demo, watcher, deck[half:], rng, pause_s, outcome, say)
                    if _settled(demo, outcome, say):
                        outcome.books = close_books(demo, past, seed)
            outcome.looks = watcher.looks
            outcome.wrong += watcher.wrong + outcome.books.wrong
            if not watcher.looks:
                outcome.wrong.append("nobody looked at the clock")
            _end(demo, outcome)
        finally:
            demo.close()
    return outcome


def _deck(kills: int, rng: random.Random) -> list[str]:
    """Every process its share of the kills, in random order."""
    cards: list[str] = []
    while len(cards) < kills:
        fresh = [name for name, share in TARGETS.items() for _ in range(share)]
        rng.shuffle(fresh)
        cards += fresh
    return cards[:kills]


def _kill(
    demo: Installation,
    watcher: Watcher,
    names: Sequence[str],
    rng: random.Random,
    pause_s: tuple[float, float],
    outcome: Round,
    say: Callable[[str], None],
) -> None:
    for number, name in enumerate(names, 1):
        if _awaited(demo, name, outcome) is None:
            return
        time.sleep(rng.uniform(*pause_s))
        # It may have been started again meanwhile: whoever it is now.
        process = _awaited(demo, name, outcome)
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        phase = "live" if watcher.caught_up else "fill"
        outcome.kills[(name, phase)] += 1
        if name == "supervisor":
            _again(demo, rng, outcome)
        if number % 10 == 0:
            say(f"  {outcome.kills.total()} kills, last {name} ({phase})")


def _awaited(demo: Installation, name: str, outcome: Round) -> Born | None:
    """Who runs as this, once somebody does; None when nobody does within a minute."""
    until = time.monotonic() + BACK_WITHIN_S
    while (process := demo.role(name)) is None:
        ended = demo.process is None or demo.process.poll() is not None
        if ended or time.monotonic() > until:
            word = "the installation ended by itself" if ended else f"{name} did not come back"
            outcome.wrong.append(f"{word}: {demo.said()}\n{demo.log(name)}")
            return None
        time.sleep(0.02)
    return process


def _again(demo: Installation, rng: random.Random, outcome: Round) -> None:
    """Started again at once, or after a look whether anyone outlives a killed supervisor."""
    if demo.process is not None:
        demo.process.wait(10)
    family = demo.everyone()
    if rng.random() < 0.5 and not gone(family, 10):
        outcome.wrong.append(f"outlived the supervisor: {[b for b in family if b.alive()]}")
    demo.launch()


def _settled(demo: Installation, outcome: Round, say: Callable[[str], None]) -> bool:
    """Everything loaded and fresh again, by itself."""
    begun = time.monotonic()
    while not demo.loaded():
        if demo.process is not None and demo.process.poll() is not None:
            outcome.wrong.append(f"the installation ended by itself: {demo.said()}")
            return False
        if time.monotonic() - begun > LOADED_WITHIN_S:
            told = demo.json("/api/v1/sources")
            outcome.wrong.append(f"not fresh within {LOADED_WITHIN_S:g} s: {told} {demo.said()}")
            return False
        time.sleep(0.3)
    say(f"  fresh again after {time.monotonic() - begun:.1f} s")
    return True


def _end(demo: Installation, outcome: Round) -> None:
    took = demo.end()
    if took > 5:
        outcome.wrong.append(f"SIGTERM took {took:.1f} s")
    outcome.wrong += [f"left behind: {one}" for one in left_behind(demo)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--scale", default="0.02")
    asked = parser.parse_args()
    seed = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    # So that the installation is ended with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"soak-kill: {asked.kills} kills, seed {seed}", flush=True)
    begun, left, wrong, number = time.monotonic(), asked.kills, 0, 0
    while left > 0:
        kills = min(A_ROUND, left)
        print(f"round {number + 1}: {kills} kills, seed {seed + number}", flush=True)
        outcome = run_round(
            kills, seed + number, scale=asked.scale, say=lambda line: print(line, flush=True)
        )
        print(outcome.line(), flush=True)
        for one in outcome.wrong[:20]:
            print(f"  WRONG {one}", flush=True)
        wrong += len(outcome.wrong)
        left, number = left - outcome.kills.total(), number + 1
    print(
        f"soak-kill: {asked.kills - left} kills in {time.monotonic() - begun:.0f} s, {wrong} wrong"
        f" (again: --seed {seed})"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
