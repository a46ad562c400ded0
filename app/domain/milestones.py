"""Milestones: the dates of a record that lists show: received, due, ended, late since."""

from __future__ import annotations

from app.domain.on_time import Phase, Rules, phases, received_s
from app.domain.record import Record

# Received, due, ended, and late since while open: epoch seconds.
Milestones = tuple[int | None, int | None, int | None, int | None]


def milestones(record: Record, rules: Rules) -> Milestones:
    """As known now; only dossiers have a rule that says when they ended."""
    version = record.version
    due = version.due_s if version is not None else None
    if record.kind != "dossier":
        return version.received_s if version is not None else None, due, None, None
    life = phases(record, rules)
    received = received_s(record, record.all_events())
    ended = life[-1].end_s if life else None
    return received, due, ended, _late_since(life) if ended is None else None


def _late_since(life: list[Phase]) -> int | None:
    """The begin of the last run of late phases."""
    since = None
    for phase in life:
        if not phase.late:
            since = None
        elif since is None:
            since = phase.from_s
    return since
