"""Parts: what the API is given; it reads through ports only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from app.api.snapshot import Snapshots
from app.domain.access import Gate
from app.domain.clock import Clock
from app.domain.ports import AlertStore, CaseStore, ChangeLog, Provenance, ReadingStore, SourceStore
from app.domain.profile import Profile

ROOT = "/api/v1"


@dataclass(frozen=True, slots=True)
class ApiParts:
    """``snapshots`` and ``gauges`` are shared with the hub; without them the API makes its own.
    Without ``provenance`` a reading is explained but for its feed pages; without a ``gate`` every
    request is let in and sees everything. ``process``: which of several behind one address it is.
    """

    profile: Profile
    clock: Clock
    readings: ReadingStore
    changes: ChangeLog
    sources: SourceStore
    cases: CaseStore
    alerts: AlertStore
    live: ASGIApp
    build: str
    static_dir: Path | None
    ready: Callable[[], Awaitable[bool]]
    snapshots: Snapshots | None = None
    gauges: Callable[[], Mapping[str, float]] | None = None
    provenance: Provenance | None = None
    gate: Gate | None = None
    process: str = ""
