"""Answers what an indicator must be, from the messages emitted and nothing else."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collectors._world.feed import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from collectors._world.feed import Answer, Truth
    from collectors._world.log import FeedLog

_KEPT_TRUTHS = 4
_KEPT_ANSWERS = 512
_GROW_BY = 20_000


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: every subject of a level, at an instant."""

    indicator: str
    level: str
    period: str
    at_s: int


class Grown:
    """A Truth and the position up to which it has been told."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.position = 0


class Oracle:
    """The Truths of one feed: a few are kept grown up to different positions and used again."""

    def __init__(self, log: FeedLog, fresh: Callable[[], Truth]) -> None:
        self._log = log
        self._fresh = fresh
        self._grown: list[Grown] = []  # the one used last is last
        self._answers: OrderedDict[tuple[Ask, int], Answer] = OrderedDict()
        self._lock = threading.Lock()
        self.indicators = tuple(fresh().indicators)

    def ask(self, ask: Ask, known_s: int) -> Answer:
        """Answer from the messages published up to `known_s`."""
        position = self._log.count(known_s)
        with self._lock:
            key = (ask, position)
            if key not in self._answers:
                truth = self._grown_to(position)
                self._answers[key] = truth.ask(ask.indicator, ask.level, ask.period, ask.at_s)
                while len(self._answers) > _KEPT_ANSWERS:
                    self._answers.popitem(last=False)
            return self._answers[key]

    def _grown_to(self, position: int) -> Truth:
        usable = [one for one in self._grown if one.position <= position]
        best = max(usable, key=lambda one: one.position, default=None)
        if best is None:
            best = Grown(self._fresh())
        else:
            self._grown.remove(best)
        while best.position < position:
            until = min(position, best.position + _GROW_BY)
            for _, message in self._log.read(best.position, until):
                best.truth.add(message)
            best.position = until
        self._grown = [*self._grown, best][-_KEPT_TRUTHS:]
        return best.truth


def evaluate(truth: Truth, records: Iterable[object], asks: Iterable[Ask]) -> list[Answer]:
    """Answer from given wire records: JSON objects, or XML as text."""
    for at, record in enumerate(records):
        text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)
        truth.add(Message(at, text.encode()))
    return [truth.ask(ask.indicator, ask.level, ask.period, ask.at_s) for ask in asks]
