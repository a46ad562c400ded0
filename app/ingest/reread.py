"""Reread: tries what lies in quarantine once more with the collector of today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from app.domain.record import RecordUpdate
from app.ingest.discover import Reader


class Payload(Protocol):
    @property
    def id(self) -> int: ...

    @property
    def payload(self) -> bytes: ...

    @property
    def whole(self) -> bool: ...


@dataclass(slots=True)
class Reread:
    """What could be read (ids and updates), and why the rest could not (reason → how many)."""

    ids: list[int] = field(default_factory=list)
    updates: list[RecordUpdate] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)

    def refuse(self, reason: str) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + 1


def reread(payloads: Iterable[Payload], reader: Reader, settings: Mapping[str, str]) -> Reread:
    """Read each payload alone; one that still cannot be read stays where it is."""
    found = Reread()
    for one in payloads:
        if not one.whole:
            found.refuse("longer than what is kept of a payload: ask the source to send it again")
            continue
        try:
            updates = reader(one.payload, dict(settings))
        except Exception as error:  # a plug-in's code
            found.refuse(str(error)[:200] or type(error).__name__)
            continue
        found.ids.append(one.id)
        found.updates += updates
    return found
