"""Rule 2.1 of Decision 766 ("đúng hạn") as steps in time; see docs/reference/indicators.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from app.domain.period import date_of, midnight_s
from app.domain.record import Event, Record, Wait

_WORKING = frozenset(("2", "4", "5", "6"))
_ENDS = frozenset(("3", "7", "8", "9", "10"))
_NEVER = -(2**62)
_FEE = "\n6"  # marks a wait for a fee; no sender's name of a request begins with white space


@dataclass(frozen=True, slots=True)
class Rules:
    """The calendar and the two switches of the rule."""

    holidays: frozenset[date] = frozenset()
    always_late: bool = False
    fee_wait_stops_clock: bool = False
    worked_saturdays: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Phase:
    """A dossier from ``from_s`` until the next phase: whether it has ended and whether it is late.

    ``late`` is None when it cannot be judged (neither a due date nor a maximum).
    """

    from_s: int
    end_s: int | None
    done: bool
    late: bool | None


def phases(record: Record, rules: Rules) -> list[Phase]:
    """The dossier's whole life as known now; empty when it was never received."""
    events = record.all_events()
    received = received_s(record, events)
    if received is None:
        return []
    due = _due_s(record, received, rules)
    waits = _waits(record, events, rules)
    found: list[Phase] = []
    for at_s in _breakpoints(received, due, events, waits):
        phase = _phase(at_s, received, due, events, waits, rules)
        if not found or (phase.end_s, phase.done, phase.late) != (
            found[-1].end_s,
            found[-1].done,
            found[-1].late,
        ):
            found.append(phase)
    return found


def received_s(record: Record, events: Sequence[Event]) -> int | None:
    """NgayTiepNhan, else the first status 2."""
    if record.version is not None and record.version.received_s is not None:
        return record.version.received_s
    return next((e.at_s for e in events if e.status == "2"), None)


def _due_s(record: Record, received: int, rules: Rules) -> int | None:
    version = record.version
    if version is None:
        return None
    if version.due_s is not None:
        return version.due_s
    if version.max_working_days is None:
        return None
    return _last_allowed_s(date_of(received), version.max_working_days, rules)


@lru_cache(maxsize=50000)
def _last_allowed_s(received_on: date, working_days: int, rules: Rules) -> int:
    """The last second before the first working day that would be one too many."""
    left, day = working_days + 1, received_on
    while left:
        day += timedelta(days=1)
        if is_working_day(day, rules):
            left -= 1
    return midnight_s(day) - 1


def is_working_day(day: date, rules: Rules) -> bool:
    """Monday to Friday without holidays, and the Saturdays worked in exchange."""
    if day in rules.worked_saturdays:
        return True
    return day.weekday() < 5 and day not in rules.holidays


def _waits(record: Record, events: Sequence[Event], rules: Rules) -> list[Wait]:
    """Requests by time, each with its answer (or None)."""
    stated = record.version.waits if record.version is not None else ()
    if stated:
        asked = [(w.asked_s, w.answered_s, w.ref) for w in {w.ref: w for w in stated}.values()]
    else:
        asked = [(at, None, "") for at in sorted({e.at_s for e in events if e.status == "5"})]
    if rules.fee_wait_stops_clock:
        asked += [(at, None, _FEE) for at in sorted({e.at_s for e in events if e.status == "6"})]
    found = []
    for at_s, answered, ref in asked:
        if answered is None:
            answered = next(
                (e.at_s for e in events if e.at_s > at_s and e.status in ("2", "4")), None
            )
        found.append(Wait(ref, at_s, answered))
    return sorted(found, key=lambda w: w.asked_s)


def _breakpoints(
    received: int, due: int | None, events: Sequence[Event], waits: Sequence[Wait]
) -> list[int]:
    points = {received}
    points.update(e.at_s for e in events)
    for wait in waits:
        points.add(wait.asked_s)
        if wait.answered_s is not None:
            points.add(wait.answered_s)
    if due is not None:
        points.add(due + 1)
        waited = 0
        for wait in sorted(waits, key=lambda w: w.answered_s or 0):
            if wait.answered_s is not None:
                waited += wait.answered_s - wait.asked_s
                points.add(due + waited + 1)
    return sorted(p for p in points if p >= received)


def _phase(
    at_s: int,
    received: int,
    due: int | None,
    events: Sequence[Event],
    waits: Sequence[Wait],
    rules: Rules,
) -> Phase:
    end_s, status = _end(at_s, received, events)
    done = status in ("9", "10")
    if due is None:
        return Phase(at_s, end_s, done, None)
    asked = [w for w in waits if w.asked_s <= at_s]
    requests = [w for w in asked if w.ref != _FEE]
    waited = sum(
        w.answered_s - w.asked_s for w in asked if w.answered_s is not None and w.answered_s <= at_s
    )
    if len(requests) > 1 and (rules.always_late or not done):
        return Phase(at_s, end_s, done, True)
    waiting = [w.asked_s for w in asked if w.answered_s is None or w.answered_s > at_s]
    stopped = min(waiting, default=at_s)  # the clock stands while the citizen has to act
    effective = (stopped if end_s is None else end_s) - waited
    return Phase(at_s, end_s, done, effective > due)


def _end(at_s: int, received: int, events: Sequence[Event]) -> tuple[int | None, str]:
    """When and with which status the dossier has ended, judged at ``at_s``."""
    working = _NEVER
    ends: list[Event] = []
    for event in events:
        if event.at_s > at_s:
            break
        if event.status in _WORKING:
            working = event.at_s
        elif event.status in _ENDS:
            ends.append(event)
    ends = [e for e in ends if e.at_s >= working]
    if not ends:
        return None, ""
    for status in ("9", "10"):
        times = [e.at_s for e in ends if e.status == status]
        if times:
            return times[-1], status
    for event in ends:
        if event.status in ("8", "3"):
            return event.at_s, event.status
    first = ends[0]
    return (first.at_s, first.status) if received <= first.at_s else (None, "")
