"""Alerting: episodes, transitions and notices as alerts, store and notify exchange them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["hold", "start", "drop", "raise", "severity", "clearing", "relapse", "resolve"]
# What people see of an episode; the others only move its timers.
ANNOUNCED: frozenset[Kind] = frozenset(("raise", "severity", "resolve"))
ALWAYS = 2**62  # epoch seconds: later than all that is kept


@dataclass(frozen=True, slots=True)
class Episode:
    """One open episode. ``id`` is None before it is stored; instants epoch seconds (data time).

    ``since_s``: bad since; ``raised_s``: None while pending; ``clear_s``: good again since, while
    the exit delay runs. ``filling``: raised while history was being loaded, so nobody is told.
    """

    id: int | None
    indicator: str
    level: str
    subject: str
    state: str  # pending | active | resolved
    severity: str  # lagging | critical
    since_s: int
    raised_s: int | None
    clear_s: int | None
    filling: bool


@dataclass(frozen=True, slots=True)
class WorstUnit:
    subject: str
    name_vi: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to people, written when the transition is decided and sent unchanged.

    ``reason`` is why it is sent: ``raised``, ``resolved``, or ``raised_resolved`` when the resolve
    overtook a raise that had not been sent. Instants are ISO 8601, data time.
    """

    title: str
    text: str
    reason: str
    indicator: str
    level: str
    subject: str
    severity: str
    value: float | None
    target: float | None
    since: str
    at: str
    worst: tuple[WorstUnit, ...]
    simulated: bool
    alert_id: int = 0  # given by the store


@dataclass(frozen=True, slots=True)
class Transition:
    """A decided change of one episode, ready to be stored. ``notice`` None: nobody is told."""

    kind: Kind
    episode: Episode
    value: float | None
    target: float | None
    worst: tuple[WorstUnit, ...] = ()
    notice: Notice | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    epoch: str
    offset: int


@dataclass(frozen=True, slots=True)
class AlertStep:
    """What one transaction stores: the cursor, and what the changes up to it brought about."""

    before: Cursor | None
    after: Cursor
    source: str = ""
    at_s: int = 0
    watermark_s: int = 0
    filling: bool = False
    transitions: tuple[Transition, ...] = ()
    receivers: tuple[str, ...] = ()


class OtherFollower(RuntimeError):
    """Another process has moved the cursor of the alerts; nothing was stored, read it again."""


class AlertWriter(Protocol):
    """The alerts' own place in the change log, and their rows."""

    async def cursor(self) -> Cursor | None: ...

    async def open_episodes(self) -> list[Episode]: ...

    async def commit(self, step: AlertStep) -> None:
        """Store the step or nothing of it; OtherFollower when ``before`` is not the place."""
        ...


@dataclass(frozen=True, slots=True)
class Leased:
    """One message a worker may send until its lease ends; ``key`` is the idempotency key."""

    id: int
    alert_id: int
    transition: str
    receiver: str
    key: str
    notice: Notice
    attempts: int
    age_s: float


class OutboxStore(Protocol):
    """Messages to be sent; real time, kept by the database's clock."""

    async def lease(self, receiver: str, lease_s: float) -> Leased | None: ...

    async def sent(self, leased: Leased) -> None: ...

    async def later(self, leased: Leased, delay_s: float, error: str) -> None: ...

    async def dead(self, leased: Leased, error: str) -> None: ...

    async def expire(self, after_s: float) -> list[str]:
        """Give up what has waited longer, whoever it was for; the keys given up."""
        ...
