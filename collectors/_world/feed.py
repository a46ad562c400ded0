"""The face between the simulated world and one simulated upstream system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from starlette.routing import BaseRoute

# Subject id -> (value, num, den), as a Truth answers.
Answer: TypeAlias = "dict[str, tuple[float | None, float | None, float | None]]"


@dataclass(frozen=True, slots=True)
class Message:
    """One record as the feed serves it; the position in the feed is added by the routes."""

    published_s: int  # epoch seconds, data time: when it appears in the feed
    body: bytes  # JSON object or XML fragment, without the feed position


@dataclass(frozen=True, slots=True)
class PageOf:
    """A run of messages that never ends inside one published second."""

    messages: list[tuple[int, Message]]  # position, message
    next: int  # position to ask with the next time
    more: bool  # whether more is there already
    upto_s: int  # everything published up to here is behind `next`


class Faults(Protocol):
    """The named faults of one feed, as they stand at this instant."""

    @property
    def session_valid_since(self) -> int:
        """Data second of the last switch-on of auth-expired: sessions issued before are refused."""

    @property
    def session_epoch(self) -> int:
        """Counts the switch-ons of auth-expired: a session of a smaller number is refused."""

    def active(self, name: str) -> bool:
        """Say whether the fault is on now."""

    def param(self, name: str, key: str, default: str) -> str:
        """Give a parameter the fault was switched on with."""


class Served(Protocol):
    """What the framework offers to the routes of a feed."""

    @property
    def faults(self) -> Faults:
        """The faults of this feed."""

    def page(self, after: int, limit: int, upto_s: int | None = None) -> PageOf:
        """Give messages with a position > after, published <= min(now - 1 s, upto_s)."""

    def now_s(self) -> int:
        """Give the data time."""


class Truth(Protocol):
    """Computes indicators from the emitted messages alone."""

    @property
    def indicators(self) -> tuple[str, ...]:
        """The ids of the indicators it answers for."""

    def add(self, message: Message) -> None:
        """Take one emitted message; they come in feed order, repeats included."""

    def ask(self, indicator: str, level: str, period: str, at_s: int) -> Answer:
        """Give value, num, den of every subject of the level."""


class Feed(Protocol):
    """One simulated upstream system: `def feed(world: World) -> Feed` in its simulator.py."""

    @property
    def name(self) -> str:
        """The URL prefix and the folder."""

    def day(self, day: date) -> list[Message]:
        """Give every message published on that day, in any order.

        Called once for each consecutive day from 2022-01-01; it carries its own state.
        """

    def routes(self, served: Served) -> Sequence[BaseRoute]:
        """Give the routes; their paths start with /<name>/."""

    def truth(self) -> Truth:
        """Give a fresh evaluator."""
