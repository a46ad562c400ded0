"""Reading: one judged figure of an indicator for a subject and a period."""

from __future__ import annotations

from dataclasses import dataclass

STATES = ("none", "met", "near", "lagging", "critical", "missed")
# no_last_year: last year's was asked for, and there is no whole one, so that it is linear.
WAYS = ("linear", "milestones", "last_year", "no_last_year", "held")
QUALITIES = ("fresh", "late", "stale", "absent", "loading", "no_source")


@dataclass(frozen=True, slots=True)
class Pace:
    """How a figure comes towards a goal at the end of a year, in the figure's own unit.

    ``expected`` and ``lag_days`` (working days; below zero: ahead) are of the reading's instant.
    The rest is of ``judged_s``, the last close of a day, which also decided the state; in that
    state since ``since_s``. ``ratio``: how many times the present rate is needed from now on.
    ``low`` to ``high`` holds the value at the deadline four times in five; ``odds`` of the goal.
    ``until_s`` is the deadline. ``holds``: grace | coverage when too little is known for the state
    to change; lasting | leaving when what is to be held has not lasted long enough.
    ``way``: what ``expected`` follows (see ``WAYS``). ``band``: how many finished years of the
    installation's own the band was learnt from; 0: the table that was shipped.
    """

    expected: float
    lag_days: float | None
    judged_s: int | None = None
    since_s: int | None = None
    ratio: float | None = None
    forecast: float | None = None
    low: float | None = None
    high: float | None = None
    odds: float | None = None
    until_s: int | None = None
    holds: str = ""
    way: str = ""
    band: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure and its judgement.

    ``value`` is a fraction for ratios, minutes for register times, VND or a count else; None = no
    value. ``at_s`` is the instant judged, ``watermark_s`` what the source had given by then; all
    epoch seconds of data time. ``period_s`` is the first second of the period (0 for ``now``).
    """

    indicator: str
    subject: str
    period: str
    period_s: int
    at_s: int
    watermark_s: int
    source: str
    value: float | None
    num: int | None
    den: int | None
    target: float | None
    state: str
    reason: str
    pace: Pace | None = None
    definition: str = ""  # the version that judged it; told of past readings alone


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the change log: what the hub and the alerts follow.

    ``offset`` grows in commit order. ``kind`` is ``readings`` | ``alert`` | ``source``.
    ``filling`` marks changes made while history is being loaded (stored, never sent).
    """

    offset: int
    kind: str
    source: str
    at_s: int
    watermark_s: int
    filling: bool
    readings: tuple[Reading, ...] = ()
    alert_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes since a cursor; ``reset`` when that history is gone (read a snapshot instead)."""

    epoch: str
    offset: int
    changes: tuple[Change, ...]
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode of a lagging indicator at one level."""

    id: int
    indicator: str
    level: str
    subject: str
    severity: str
    state: str
    since_s: int
    resolved_s: int | None
    value: float | None
    target: float | None
    worst: tuple[tuple[str, float | None], ...]
    filling: bool
    sent: bool
