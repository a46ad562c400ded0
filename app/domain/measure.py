"""Measures: how a record contributes to an indicator, as steps in time.

A record's contribution at an instant t is a step function known ahead (a due date passes, a
period ends). ``steps`` gives those steps; the change a message makes is the steps of the record
after it minus those before. Summing all steps with a time <= t gives num and den at t, exactly.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from app.domain import dossier_spans, milestones
from app.domain.clauses import holds
from app.domain.dossier_spans import Span
from app.domain.indicator import Indicator, Measure
from app.domain.on_time import Phase, Rules, phases, received_s, working_days, working_seconds
from app.domain.period import bounds, date_of
from app.domain.record import Record

CARRIED = "carried"  # pseudo period: open at this instant, the base of the next period

# (indicator number, period kind, period begin, at, value or None for counts)
StepKey = tuple[int, str, int, int, int]
Steps = dict[StepKey, tuple[int, int]]
NO_VALUE = -1


@dataclass(slots=True)
class Measures:
    """The measures of one source, numbered in the order of the profile."""

    indicators: Sequence[Indicator]
    rules: Rules
    by_records: dict[str, list[tuple[int, Indicator]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, indicator in enumerate(self.indicators):
            self.by_records.setdefault(indicator.measure.records, []).append((number, indicator))

    def fingerprint(self) -> str:
        """Names what decides the steps of a record: definitions, rules and the code of both.

        Steps stored under another fingerprint mean something else and are made anew.
        """
        told = [(i.id, i.measure, i.periods) for i in self.indicators]
        rules = (
            sorted(self.rules.holidays),
            sorted(self.rules.worked_saturdays),
            self.rules.always_late,
            self.rules.fee_wait_stops_clock,
            self.rules.office,
        )
        return hashlib.sha256(repr((told, rules, _code())).encode()).hexdigest()[:32]

    def steps(self, record: Record | None) -> Steps:
        """Every step of a record over all measures; empty for None."""
        found: defaultdict[StepKey, tuple[int, int]] = defaultdict(lambda: (0, 0))
        if record is None or not record.owner:
            return found
        life = phases(record, self.rules) if record.kind == "dossier" else []
        for number, indicator in self.by_records.get(record.kind, ()):
            _contribute(found, number, indicator, record, life, self.rules)
        return found


@cache
def _code() -> str:
    """The modules that make steps and dates, without comments: forgetting to count up is not
    possible.
    """
    dates = milestones.__name__
    modules = (__name__, phases.__module__, dates, dossier_spans.__name__, holds.__module__)
    sources = [inspect.getsource(sys.modules[m]) for m in modules]
    return "".join(ast.dump(ast.parse(source)) for source in sources)


def net(before: Steps, after: Steps) -> Steps:
    """Steps of ``after`` minus steps of ``before``, without those that cancel."""
    found: Steps = {}
    for key, (num, den) in after.items():
        old = before.get(key)
        if old is None:
            if num or den:
                found[key] = (num, den)
        elif old != (num, den):
            found[key] = (num - old[0], den - old[1])
    for key, (num, den) in before.items():
        if key not in after and (num or den):
            found[key] = (-num, -den)
    return found


def _contribute(
    found: Steps,
    number: int,
    indicator: Indicator,
    record: Record,
    life: list[Phase],
    rules: Rules,
) -> None:
    measure = indicator.measure
    if measure.rule == "elapsed":
        _elapsed(found, number, indicator, record)
        return
    if measure.rule == "handling":
        flags = record.version.flags if record.version is not None else frozenset()
        if holds(indicator.measure.den, flags):
            _handling(found, number, indicator, life, rules)
        return
    spans = _SPANS[measure.rule](measure, record, life)
    if measure.kind == "stock" or indicator.periods == ("now",):
        _stock_steps(found, number, "now", spans)
    elif measure.carried:
        _stock_steps(found, number, CARRIED, _open_only(spans))
        for kind in indicator.periods:
            _carried_steps(found, number, kind, spans)
    else:
        for kind in indicator.periods:
            _flow_steps(found, number, kind, spans)


def _add(found: Steps, key: StepKey, num: int, den: int) -> None:
    if num or den:
        have = found.get(key, (0, 0))
        found[key] = (have[0] + num, have[1] + den)


def _stock_steps(found: Steps, number: int, kind: str, spans: Iterable[Span]) -> None:
    num = den = 0
    for span in spans:
        _add(found, (number, kind, 0, span.from_s, NO_VALUE), span.num - num, span.den - den)
        num, den = span.num, span.den


def _open_only(spans: Iterable[Span]) -> Iterable[Span]:
    for span in spans:
        yield span if span.end_s is None else Span(span.from_s, 0, 0)


def _carried_steps(found: Steps, number: int, kind: str, spans: Sequence[Span]) -> None:
    """Steps inside each period; what was open before it is its base (see CARRIED)."""
    before: Span | None = None
    for span in spans:
        begin, _ = bounds(kind, span.from_s)
        was = _in_period(before, begin)
        now = _in_period(span, begin)
        key = (number, kind, begin, span.from_s, NO_VALUE)
        _add(found, key, now[0] - was[0], now[1] - was[1])
        before = span


def _in_period(span: Span | None, begin: int) -> tuple[int, int]:
    """Received in it, or not ended before it: a stated end may precede a corrected receipt."""
    if span is None or (span.end_s is not None and span.end_s < begin and span.anchor_s < begin):
        return 0, 0
    return span.num, span.den


def _flow_steps(found: Steps, number: int, kind: str, spans: Sequence[Span]) -> None:
    counted: dict[tuple[int, int], tuple[int, int]] = {}
    for span in spans:
        if span.num or span.den:
            counted.setdefault(bounds(kind, span.anchor_s), (0, 0))
        for (begin, end), was in counted.items():
            inside = begin <= span.anchor_s <= end
            now = (span.num, span.den) if inside else (0, 0)
            if span.from_s <= end and now != was:
                key = (number, kind, begin, span.from_s, NO_VALUE)
                _add(found, key, now[0] - was[0], now[1] - was[1])
                counted[(begin, end)] = now


def _elapsed(found: Steps, number: int, indicator: Indicator, record: Record) -> None:
    """Seconds from the first ``start`` to the first ``end``; one value in the period of the end."""
    first: dict[str, int] = {}
    for event in record.all_events():
        first.setdefault(event.status, event.at_s)
    begin, end = first.get(indicator.measure.start), first.get(indicator.measure.end)
    if begin is None or end is None or begin > end:
        return
    for kind in indicator.periods:
        period, _ = bounds(kind, end)
        _add(found, (number, kind, period, end, end - begin), 0, 1)


def _handling(
    found: Steps, number: int, indicator: Indicator, life: list[Phase], rules: Rules
) -> None:
    """From receipt to the result, waits taken off, by the unit; in the period of the end."""
    for phase, after in zip(life, [*life[1:], None], strict=False):  # the last has none after
        if not phase.done or phase.end_s is None:
            continue
        end_s = max(life[0].from_s, phase.end_s - phase.waited_s)
        value = _taken(indicator.measure.start, life[0].from_s, end_s, rules)
        for kind in indicator.periods:
            begin, last = bounds(kind, phase.end_s)
            if phase.from_s <= last:
                _count(found, (number, kind, begin, phase.from_s, value), 1)
            if after is not None and after.from_s <= last:
                _count(found, (number, kind, begin, after.from_s, value), -1)


def _taken(unit: str, from_s: int, end_s: int, rules: Rules) -> int:
    """Whole working days as rule 7 counts them, or seconds of office hours or of the clock."""
    if unit == "working_hours":
        return working_seconds(from_s, end_s, rules)
    if unit == "days":
        return end_s - from_s
    return working_days(date_of(from_s), date_of(end_s), rules)


def _count(found: Steps, key: StepKey, by: int) -> None:
    """A step may cancel another of the same second and value."""
    num, den = found.get(key, (0, 0))
    found[key] = (num, den + by)


def _counted(measure: Measure, record: Record, life: list[Phase]) -> list[Span]:
    """One count for each record, in the period it was received or done in."""
    flags = record.version.flags if record.version is not None else frozenset()
    if record.kind == "dossier":
        marks = [(p.from_s, p.end_s, frozenset(("done",)) if p.done else frozenset()) for p in life]
    else:
        marks = _toggled(record)
    if not marks:
        return []
    received = life[0].from_s if life else received_s(record, record.all_events())
    spans = []
    for from_s, end_s, dated in marks:
        have = flags | dated
        anchor = received if measure.start == "received" else end_s
        counts = anchor is not None and (measure.start != "done" or "done" in dated)
        den = int(counts and holds(measure.den, have))
        num = int(bool(den) and holds(measure.num, have))
        spans.append(Span(from_s, num, den, anchor or 0))
    return spans


def _toggled(record: Record) -> list[tuple[int, int | None, frozenset[str]]]:
    """Dated flags ("+x", "-x") from the record's beginning on."""
    start = record.version.received_s if record.version is not None else None
    if start is None:
        return []
    marks: list[tuple[int, int | None, frozenset[str]]] = []
    have: set[str] = set()
    events = record.all_events()
    for event in events:
        if event.at_s <= start:
            _toggle(have, event.status)
    marks.append((start, None, frozenset(have)))
    for event in events:
        if event.at_s > start and event.status[0] in "+-":
            _toggle(have, event.status)
            marks.append((event.at_s, None, frozenset(have)))
    return marks


def _toggle(have: set[str], status: str) -> None:
    if status[0] == "+":
        have.add(status[1:])
    elif status[0] == "-":
        have.discard(status[1:])


def _stock(measure: Measure, record: Record, __: list[Phase]) -> list[Span]:
    flags = record.version.flags if record.version is not None else frozenset()
    have: set[str] = set(flags)
    spans = []
    for event in record.all_events():
        _toggle(have, event.status)
        den = int(holds(measure.den, have))
        spans.append(Span(event.at_s, int(bool(den) and holds(measure.num, have)), den))
    return spans


def _handled(_: Measure, record: Record, __: list[Phase]) -> list[Span]:
    """Incoming documents: decided when completed (06) or when the due date passes, the earlier."""
    due = record.version.due_s if record.version is not None else None
    if due is None:
        return []
    first: dict[str, int] = {}
    for event in record.all_events():
        first.setdefault(event.status, event.at_s)
    completed = first.get("06")
    decided = due if completed is None else min(completed, due)
    if any(first.get(code, decided + 1) <= decided for code in ("02", "15")):
        return []
    on_time = int(completed is not None and completed <= due)
    return [Span(decided, on_time, 1, decided)]


def _reopened(_: Measure, record: Record, __: list[Phase]) -> list[Span]:
    """First closed (9) within the 24 hours before it was due, and worked on again afterwards."""
    events = record.all_events()
    received = received_s(record, events)
    closed = [e.at_s for e in events if e.status == "9" and e.at_s >= (received or e.at_s + 1)]
    if not closed:
        return []
    due = record.version.due_s if record.version is not None else None
    again = [e.at_s for e in events if e.status in {"2", "4", "5", "6"} and e.at_s > closed[0]]
    spans = [Span(closed[0], 0, 1, closed[0])]
    if again and due is not None and 0 <= due - closed[0] <= 86400:
        spans.append(Span(again[0], 1, 1, closed[0]))
    return spans


def _amount(measure: Measure, record: Record, __: list[Phase]) -> list[Span]:
    if record.version is None or record.version.received_s is None:
        return []
    amounts: Mapping[str, int] = record.version.amounts
    at_s = record.version.received_s
    num = sum(amounts.get(name, 0) for name in measure.num)
    den = sum(amounts.get(name, 0) for name in measure.den)
    return [Span(at_s, num, den, at_s)]


_SPANS = {
    "on_time_766": dossier_spans.on_time,
    "unjudged_766": dossier_spans.unjudged,
    "overdue_766": dossier_spans.overdue,
    "backlog": dossier_spans.backlog,
    "aged": dossier_spans.aged,
    "reappointed": dossier_spans.reappointed,
    "counted": _counted,
    "stock": _stock,
    "handled": _handled,
    "amount": _amount,
    "reopened": _reopened,
}
RULES = frozenset((*_SPANS, "elapsed", "handling"))
