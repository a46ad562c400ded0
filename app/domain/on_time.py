"""Rule 2.1 of Decision 766 ("đúng hạn") as steps in time; see docs/reference/indicators.md."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from app.domain.period import date_of, midnight_s
from app.domain.record import Event, Record, Wait

_WORKING = frozenset(("2", "4", "5", "6"))
# Working hours of an office, seconds of the day: an assumption a profile may state otherwise.
OFFICE = ((27_000, 41_400), (46_800, 61_200))
_FEE = "\n6"  # marks a wait for a fee; no sender's name of a request begins with white space


@dataclass(frozen=True, slots=True)
class Rules:
    """The calendar and the two switches of the rule."""

    holidays: frozenset[date] = frozenset()
    always_late: bool = False
    fee_wait_stops_clock: bool = False
    worked_saturdays: frozenset[date] = frozenset()
    office: tuple[tuple[int, int], ...] = OFFICE


@dataclass(frozen=True, slots=True)
class Phase:
    """A dossier from ``from_s`` until the next phase: whether it has ended and whether it is late.

    ``late`` is None when it cannot be judged (neither a due date nor a maximum). ``waited_s`` is
    how long the citizen was waited for so far.
    """

    from_s: int
    end_s: int | None
    done: bool
    late: bool | None
    waited_s: int = 0

    def goes_on(self, before: Phase) -> bool:
        """Whether nothing but time has passed since."""
        return (self.end_s, self.done, self.late, self.waited_s) == (
            before.end_s, before.done, before.late, before.waited_s,
        )  # fmt: skip


def phases(record: Record, rules: Rules) -> list[Phase]:
    """The dossier's whole life as known now; empty when it was never received.

    One walk over its instants: a record of thousands of steps costs no more for each of them.
    """
    events = record.all_events()
    received = received_s(record, events)
    if received is None:
        return []
    due = _due_s(record, received, rules)
    waits = _waits(record, events, rules)
    ends, clock = _Ends(received, events), _Clock(waits)
    found: list[Phase] = []
    for at_s in _breakpoints(received, due, events, waits):
        ends.move(at_s)
        clock.move(at_s)
        phase = _phase(at_s, due, ends, clock, rules)
        if not found or not phase.goes_on(found[-1]):
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


@lru_cache(maxsize=50000)
def working_days(received_on: date, end_on: date, rules: Rules) -> int:
    """From the day after receipt to the end day, as rule 7 counts them."""
    span = (end_on - received_on).days
    return sum(is_working_day(received_on + timedelta(days=n), rules) for n in range(1, span + 1))


def working_seconds(from_s: int, to_s: int, rules: Rules) -> int:
    """Office hours of working days between two instants."""
    total, day = 0, date_of(from_s)
    while day <= date_of(to_s):
        if is_working_day(day, rules):
            begin = midnight_s(day)
            for opens, closes in rules.office:
                total += max(0, min(to_s, begin + closes) - max(from_s, begin + opens))
        day += timedelta(days=1)
    return total


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
    worked = [e.at_s for e in events if e.status in ("2", "4")]
    found = []
    for at_s, answered, ref in asked:
        if answered is None:
            after = bisect_right(worked, at_s)
            answered = worked[after] if after < len(worked) else None
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
                waited += max(0, wait.answered_s - wait.asked_s)
                points.add(due + waited + 1)
    return sorted(p for p in points if p >= received)


class _Ends:
    """When and with which status the dossier has ended, at an instant that moves forward."""

    def __init__(self, received: int, events: Sequence[Event]) -> None:
        self._received = received
        self._events = events
        self._next = 0
        self._last: dict[str, int] = {}  # 9 and 10: the last one counts
        self._stopped: Event | None = None  # 8 or 3: the first one counts
        self._withdrawn: Event | None = None  # 7: the first one that had been accepted

    def move(self, to_s: int) -> None:
        while self._next < len(self._events) and self._events[self._next].at_s <= to_s:
            self._take(self._second())

    def _second(self) -> list[Event]:
        """The events of the next second: in one second the end wins, in whatever order."""
        first = self._next
        at_s = self._events[first].at_s
        while self._next < len(self._events) and self._events[self._next].at_s == at_s:
            self._next += 1
        return list(self._events[first : self._next])

    def _take(self, events: Sequence[Event]) -> None:
        if any(e.status in _WORKING for e in events):
            self._last, self._stopped, self._withdrawn = {}, None, None
        for event in events:
            if event.status in ("9", "10"):
                self._last[event.status] = event.at_s
            elif event.status in ("8", "3"):
                self._stopped = self._stopped or event
            elif event.status == "7" and event.at_s >= self._received:
                self._withdrawn = self._withdrawn or event

    def now(self) -> tuple[int | None, str]:
        for status in ("9", "10"):
            if status in self._last:
                return self._last[status], status
        event = self._stopped or self._withdrawn
        return (event.at_s, event.status) if event is not None else (None, "")


class _Clock:
    """How long the citizen was waited for, at an instant that moves forward."""

    def __init__(self, waits: Sequence[Wait]) -> None:
        self._waits = waits
        # An answer dated before its request is a slip of the pen: nothing was waited for.
        self._answers = sorted(
            (w.answered_s, max(0, w.answered_s - w.asked_s))
            for w in waits
            if w.answered_s is not None
        )
        self._asked = self._answered = self._oldest = 0
        self.requests = 0
        self.waited = 0

    def move(self, to_s: int) -> None:
        while self._asked < len(self._waits) and self._waits[self._asked].asked_s <= to_s:
            self.requests += self._waits[self._asked].ref != _FEE
            self._asked += 1
        while self._answered < len(self._answers) and self._answers[self._answered][0] <= to_s:
            self.waited += self._answers[self._answered][1]
            self._answered += 1
        while self._oldest < self._asked and self._has_answer(self._oldest, to_s):
            self._oldest += 1

    def _has_answer(self, place: int, at_s: int) -> bool:
        answered = self._waits[place].answered_s
        return answered is not None and answered <= at_s

    def stopped_s(self, at_s: int) -> int:
        """The clock stands while the citizen has to act."""
        return self._waits[self._oldest].asked_s if self._oldest < self._asked else at_s


def _phase(at_s: int, due: int | None, ends: _Ends, clock: _Clock, rules: Rules) -> Phase:
    end_s, status = ends.now()
    done = status in ("9", "10")
    if due is None:
        return Phase(at_s, end_s, done, None, clock.waited)
    if clock.requests > 1 and (rules.always_late or not done):
        return Phase(at_s, end_s, done, True, clock.waited)
    effective = (clock.stopped_s(at_s) if end_s is None else end_s) - clock.waited
    return Phase(at_s, end_s, done, effective > due, clock.waited)
