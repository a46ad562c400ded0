"""Milestones: the dates of a record that lists show: received, due, ended, late since, overdue."""

from __future__ import annotations

from app.domain.on_time import Phase, Rules, phases, received_s
from app.domain.record import Record

# From when to when it was open and late; None: it still is.
Overdue = tuple[tuple[int, int | None], ...]
# Received, due, ended, late since while open, and overdue where that says more: epoch seconds.
Milestones = tuple[int | None, int | None, int | None, int | None, Overdue]


def milestones(record: Record, rules: Rules) -> Milestones:
    """As known now; only dossiers have a rule that says when they ended."""
    version = record.version
    due = version.due_s if version is not None else None
    if record.kind != "dossier":
        return version.received_s if version is not None else None, due, None, None, ()
    life = phases(record, rules)
    received = received_s(record, record.all_events())
    ended = life[-1].end_s if life else None
    late = _late_since(life) if ended is None else None
    overdue = _overdue(life)
    # Most are never overdue, or have been since they were late and still are.
    return received, due, ended, late, () if overdue == ((late, None),) else overdue


def _late_since(life: list[Phase]) -> int | None:
    """The begin of the last run of late phases."""
    since = None
    for phase in life:
        if not phase.late:
            since = None
        elif since is None:
            since = phase.from_s
    return since


def _overdue(life: list[Phase]) -> Overdue:
    """As the indicator of open overdue dossiers counts them."""
    spans: list[tuple[int, int | None]] = []
    open_s = None
    for phase in life:
        overdue = phase.end_s is None and phase.late is True
        if overdue and open_s is None:
            open_s = phase.from_s
        elif not overdue and open_s is not None:
            spans.append((open_s, phase.from_s))
            open_s = None
    return (*spans, (open_s, None)) if open_s is not None else tuple(spans)
