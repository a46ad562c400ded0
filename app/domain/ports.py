"""Ports: what rooms ask of each other, joined in app.wiring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from app.domain.access import Visible
from app.domain.alerting import ALWAYS
from app.domain.quality_alert import Drift
from app.domain.reading import Alert, Changes, Reading
from app.domain.source import Pulse, SourceHealth
from app.domain.why import DefinitionVersion, FeedPage


@dataclass(frozen=True, slots=True)
class CaseRow:
    """An open or closed case as a list shows it; instants epoch seconds (data time)."""

    code: str
    kind: str
    agency: str
    sector: str
    received_s: int
    due_s: int | None
    late_s: int | None


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    id: int
    source: str
    known_s: int
    reason: str
    payload: str
    count: int
    whole_page: bool = False
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """Closing values of one (indicator, subject, period), oldest first; None = gap."""

    indicator: str
    subject: str
    period: str
    values: tuple[float | None, ...]


class ReadingStore(Protocol):
    """Judged figures. All instants epoch seconds of data time."""

    async def latest(
        self,
        visible: Visible,
        *,
        indicators: Sequence[str] | None = None,
        subjects: Sequence[str] | None = None,
        period: str | None = None,
    ) -> list[Reading]: ...

    async def history(
        self,
        visible: Visible,
        *,
        indicator: str,
        subjects: Sequence[str] | None,
        period: str,
        from_s: int,
        to_s: int,
        as_of_s: int | None = None,
    ) -> list[Reading]:
        """Kept readings (day closes and live ticks), oldest first; subjects None = all.

        ``as_of_s``: as they were when their source had come that far; None: as they are known now.
        """
        ...

    async def trends(
        self, visible: Visible, keys: Sequence[tuple[str, str, str]], days: int
    ) -> list[Series]:
        """Daily closes of (indicator, subject, period) keys over the last ``days`` days."""
        ...


class ChangeLog(Protocol):
    """The one change table, read since a cursor and only below the oldest running transaction."""

    def still(self) -> AbstractAsyncContextManager[None]:
        """What one task reads inside, here and of the other stores, is as of one instant."""
        ...

    async def position(self) -> tuple[str, int]:
        """Epoch and the newest readable offset."""
        ...

    async def since(
        self, epoch: str, offset: int, limit: int = 500, *, filled: bool = True
    ) -> Changes:
        """What was written after ``offset``, not necessarily all; at most ``limit`` changes.

        ``filled``: False leaves the readings out of changes that are part of a fill.
        """
        ...

    async def wait(self, timeout_s: float) -> None:
        """Return at the next doorbell or after the time-out."""
        ...


class SourceStore(Protocol):
    async def health(self) -> list[SourceHealth]: ...

    async def pulse(self) -> Pulse: ...

    async def drifts(self) -> list[Drift]:
        """Sources of which records wait in quarantine to be read again."""
        ...

    async def quarantine(
        self, visible: Visible, source: str | None, limit: int, before: int | None = None
    ) -> list[QuarantineRow]:
        """The newest first; ``before``: only what was set aside before that id."""
        ...


class CaseStore(Protocol):
    async def overdue(
        self,
        visible: Visible,
        *,
        kind: str,
        owners: Sequence[str] | None,
        sector: str | None,
        at_s: int,
        limit: int,
        after: str | None,
    ) -> tuple[int, list[CaseRow]]:
        """Cases open and late at ``at_s``, as known now, the longest overdue first; their total."""
        ...


class Provenance(Protocol):
    async def pages(
        self, source: str, number: int, counts: Callable[[str, str], bool], most: int
    ) -> tuple[list[FeedPage], int]:
        """The youngest feed pages that moved a figure, and how many were looked at."""
        ...

    async def since(self, reading: Reading) -> int | None:
        """The first kept close of a day in the state a figure is in now, without a break."""
        ...

    async def versions(self, indicator: str) -> list[DefinitionVersion]:
        """What the definition was, the youngest first."""
        ...


class AlertStore(Protocol):
    async def alerts(
        self, visible: Visible, state: str | None, limit: int, at_s: int = ALWAYS
    ) -> list[Alert]:
        """Active ones first, then the newest; pending ones only when asked for.

        ``at_s``: those raised by then, in the state they had then; else as they are.
        """
        ...

    async def alerts_by_id(self, visible: Visible, ids: Sequence[int]) -> list[Alert]: ...
