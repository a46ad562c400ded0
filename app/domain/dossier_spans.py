"""Dossier spans: what a dossier adds to an indicator from one instant of its life to the next."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from app.domain.indicator import Measure
from app.domain.on_time import Phase
from app.domain.period import DAY_S
from app.domain.record import Record


@dataclass(frozen=True, slots=True)
class Span:
    """What a record adds from ``from_s`` on; belongs to the period of ``anchor_s``.

    ``end_s`` is set for carried measures: the record left the stock at that instant.
    """

    from_s: int
    num: int
    den: int
    anchor_s: int = 0
    end_s: int | None = None


def on_time(_: Measure, __: Record, life: list[Phase]) -> list[Span]:
    return [
        Span(p.from_s, 0, 0, life[0].from_s, p.end_s)
        if p.late is None
        else Span(p.from_s, int(not p.late), 1, life[0].from_s, p.end_s)
        for p in life
    ]


def unjudged(_: Measure, __: Record, life: list[Phase]) -> list[Span]:
    """Counted beside the share on time: neither a due date nor a maximum to judge it by."""
    return [Span(p.from_s, int(p.late is None), 0, life[0].from_s, p.end_s) for p in life]


def overdue(_: Measure, __: Record, life: list[Phase]) -> list[Span]:
    return [Span(p.from_s, int(p.end_s is None and p.late is True), 0) for p in life]


def backlog(_: Measure, __: Record, life: list[Phase]) -> list[Span]:
    return [Span(p.from_s, int(p.end_s is None), 0) for p in life]


def aged(measure: Measure, __: Record, life: list[Phase]) -> list[Span]:
    """Open, and received more than so many days ago (``start``, calendar days)."""
    if not life:
        return []
    old_s = life[0].from_s + int(measure.start) * DAY_S + 1
    at_that_time = [p for p in life if p.from_s <= old_s][-1]
    spans = [Span(old_s, int(at_that_time.end_s is None), 0)]
    return spans + [Span(p.from_s, int(p.end_s is None), 0) for p in life if p.from_s > old_s]


def reappointed(__: Measure, record: Record, life: list[Phase]) -> list[Span]:
    """Once, when a due date that had passed was first moved later; see rule 6."""
    if not life:
        return []
    said = sorted((said_s, due_s) for due_s, said_s in record.promises)
    for (_, old), (said_s, new) in pairwise(said):
        if new > old and said_s > old:
            at_s = max(said_s, life[0].from_s)
            return [Span(at_s, 1, 0, at_s)]
    return []
