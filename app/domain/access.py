"""Access: which subjects a reader may see and what it may ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from app.domain.indicator import Subject


@dataclass(frozen=True, slots=True)
class Visible:
    """Subjects a reader may see; ``None`` = all of them, which only a grant of ``*`` gives."""

    subjects: frozenset[str] | None = None

    def allows(self, subject: str) -> bool:
        return self.subjects is None or subject in self.subjects


EVERYTHING = Visible()
NOTHING = Visible(frozenset())
EVERY_SUBJECT = "*"
# What a token may ask for; the routes of each are stated in app/api/rights.py.
RIGHTS = ("figures", "alerts", "cases", "sources", "metrics")


@dataclass(frozen=True, slots=True)
class Pass:
    """Who asks: the id of its token ("" = nobody's, let in without one), and what that opens."""

    token: str
    visible: Visible
    rights: frozenset[str]


ANYBODY = Pass("", EVERYTHING, frozenset(RIGHTS))


class NotAdmitted(Exception):
    """No token, or none that is alive; ``code`` is that of a closed live channel."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Gate(Protocol):
    """Decides who is let in; the secret is looked at here and kept nowhere."""

    async def admit(self, *, presented: str | None, near: bool) -> Pass:
        """``near``: the peer is on this machine. Raises NotAdmitted."""
        ...


_KEY = "ioc.pass"


def give_pass(scope: MutableMapping[str, Any], given: Pass) -> None:
    """Put a pass on a request, where everything behind the gate finds it."""
    scope[_KEY] = given


def pass_of(scope: Mapping[str, Any]) -> Pass:
    """The pass of a request; without a gate before it (tests, tools) everything is open."""
    found: Pass = scope.get(_KEY, ANYBODY)
    return found


@dataclass(frozen=True, slots=True)
class Grant:
    """One root of a token's scope. Both days are included and of data time; None = open."""

    subject: str
    valid_from: date | None = None
    valid_to: date | None = None

    def on(self, day: date) -> bool:
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_to is None or day <= self.valid_to)


def visible_on(grants: Iterable[Grant], subjects: Mapping[str, Subject], day: date) -> Visible:
    """The subtrees of the grants that hold on a day: a root and whatever rolls up to it."""
    roots = {g.subject for g in grants if g.on(day)}
    if EVERY_SUBJECT in roots:
        return EVERYTHING
    return Visible(subtrees(roots, subjects))


def subtrees(roots: set[str], subjects: Mapping[str, Subject]) -> frozenset[str]:
    """These subjects and all that rolls up to them."""
    return frozenset(s for s in subjects if _below(s, roots, subjects))


def _below(subject: str, roots: set[str], subjects: Mapping[str, Subject]) -> bool:
    at: str | None = subject
    seen: set[str] = set()
    while at is not None and at not in seen:
        if at in roots:
            return True
        seen.add(at)
        found = subjects.get(at)
        at = found.parent if found is not None else None
    return False
