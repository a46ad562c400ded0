"""Record: what is known of one thing a feed reports (a case, a register entry, a sampled hour).

The three share one life: they have a key, versions and dated events, and they are corrected.
A *version* (attributes) replaces an older one by the instant its sender stamped on it; *events*
accumulate as a set. Both are independent of the order of arrival.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """Something that happened to a record.

    ``status`` is the feed's code ("1".."10", "01".."16"), or "+flag" / "-flag" for a dated flag.
    """

    at_s: int
    status: str


# Twice as fast as comparing one event with another.
_moment = attrgetter("at_s", "status")


@dataclass(frozen=True, slots=True, order=True)
class Wait:
    """A supplement request: the citizen is asked at ``asked_s`` and answers at ``answered_s``."""

    ref: str
    asked_s: int
    answered_s: int | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """The attributes of a record as one message states them; replaces older ones whole.

    Instants are epoch seconds (data time); ``flags`` are facts that hold for the whole version;
    ``amounts`` are whole numbers (counts, VND); ``events`` are those the version itself dates.
    """

    sent_s: int
    received_s: int | None = None
    due_s: int | None = None
    max_working_days: int | None = None
    flags: frozenset[str] = frozenset()
    amounts: Mapping[str, int] = field(default_factory=dict)
    waits: tuple[Wait, ...] = ()
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordUpdate:
    """One message about one record: a new version, new events, or both.

    ``owner`` is the agency code or tax-office group the record counts for; ``sector`` its ngành.
    Empty strings mean "this message does not say".
    """

    kind: str
    code: str
    owner: str = ""
    sector: str = ""
    version: Version | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """The merged state of a record.

    ``promises``: for each due date ever stated, when it was said first and last (due, said).
    """

    kind: str
    code: str
    owner: str
    sector: str
    version: Version | None
    events: frozenset[Event]
    promises: frozenset[tuple[int, int]] = frozenset()

    def all_events(self) -> list[Event]:
        """Every known event, by time; those of the version and those reported one by one."""
        known = set(self.events)
        if self.version is not None:
            known.update(self.version.events)
        return sorted(known, key=_moment)


def merge(known: Record | None, update: RecordUpdate) -> Record:
    """Fold one update into what is known; the result does not depend on the order of updates."""
    if known is None:
        return Record(
            update.kind,
            update.code,
            update.owner,
            update.sector,
            update.version,
            frozenset(update.events),
            _promised(frozenset(), update),
        )
    version = _newer(known.version, update.version)
    return Record(
        known.kind,
        known.code,
        _stated(known.owner, update.owner),
        _stated(known.sector, update.sector),
        version,
        known.events.union(update.events) if update.events else known.events,
        _promised(known.promises, update),
    )


def _promised(
    known: frozenset[tuple[int, int]], update: RecordUpdate
) -> frozenset[tuple[int, int]]:
    """First and last are kept whatever the order of arrival; only dossiers are promised."""
    version = update.version
    if update.kind != "dossier" or version is None or version.due_s is None:
        return known
    said = [s for due, s in known if due == version.due_s]
    if said and min(said) <= version.sent_s <= max(said):
        return known
    ends = {min((*said, version.sent_s)), max((*said, version.sent_s))}
    others = {p for p in known if p[0] != version.due_s}
    return frozenset(others | {(version.due_s, s) for s in ends})


def _stated(one: str, other: str) -> str:
    """Prefer what is stated; two different statements are settled by text, not by arrival."""
    if not one or not other:
        return one or other
    return max(one, other)


def _newer(one: Version | None, other: Version | None) -> Version | None:
    if one is None or other is None:
        return one or other
    if one.sent_s != other.sent_s:
        return one if one.sent_s > other.sent_s else other
    # Two versions stamped in the same second: settle by content so that arrival order is nothing.
    return max(one, other, key=_content)


def _content(version: Version) -> tuple[object, ...]:
    return (
        len(version.events),
        version.events,
        version.waits,
        version.due_s or 0,
        version.received_s or 0,
        version.max_working_days or 0,
        sorted(version.flags),
        sorted(version.amounts.items()),
    )
