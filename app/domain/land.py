"""Land: what is bound to areas with dates: operation centres, and the codes others use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar


class Dated(Protocol):
    @property
    def valid_from(self) -> date: ...

    @property
    def valid_to(self) -> date | None: ...


@dataclass(frozen=True, slots=True)
class Centre:
    """An operation centre and one area it serves; one that serves several stands several times."""

    id: str
    name_vi: str
    area: str
    valid_from: date
    valid_to: date | None
    assumption: str


@dataclass(frozen=True, slots=True)
class Code:
    """A code of another system, and one subject it names; many codes to many subjects."""

    scheme: str  # gso, h38 or tax
    code: str
    subject: str
    valid_from: date
    valid_to: date | None


T = TypeVar("T", bound=Dated)


def held_on(rows: Iterable[T], day: date) -> list[T]:
    """Those that hold on a day; both days of a row are included."""
    return [r for r in rows if r.valid_from <= day and (r.valid_to is None or day <= r.valid_to)]
