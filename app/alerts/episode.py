"""Episode: the pure decision what a reading does to the episode of its indicator and subject.

Time is data time and comes with the reading, so a restart or a replay decides the same. A reading
without a value decides nothing: absence neither raises nor resolves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from app.domain.alerting import Episode, Kind
from app.domain.indicator import AlertRule
from app.domain.reading import Reading

BAD = frozenset(("lagging", "critical", "missed"))
GOOD = frozenset(("met", "near"))
WORST_UNITS = 5


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, why, and the episode as it is afterwards (None: there is none)."""

    kind: Kind
    reason: str
    episode: Episode | None


def decide(
    rule: AlertRule, level: str, episode: Episode | None, reading: Reading, *, filling: bool
) -> Decision:
    """What this reading does to the open episode (None: there is none open)."""
    if reading.pace is not None:
        # A state on the way to a goal has dwelt already, entering and leaving; see app.evaluation.
        rule = replace(rule, for_s=0)
    if reading.state in BAD:
        return _bad(rule, level, episode, reading, filling)
    if reading.state in GOOD:
        return _good(rule, episode, reading)
    return Decision("hold", "no data or no target: nothing changes", episode)


def severity(state: str) -> str:
    """A missed deadline weighs as much as a critical lag."""
    return "lagging" if state == "lagging" else "critical"


def exit_delay_s(rule: AlertRule) -> int:
    """How long a figure must be good again before the episode ends; half the entry delay."""
    return rule.for_s // 2


def worst(readings: Iterable[Reading], better: str) -> tuple[Reading, ...]:
    """The units furthest on the wrong side; equal values by subject, so that the answer is one."""
    known = [r for r in readings if r.value is not None]
    sign = 1.0 if better == "up" else -1.0
    known.sort(key=lambda r: (sign * (r.value or 0.0), r.subject))
    return tuple(known[:WORST_UNITS])


def _bad(
    rule: AlertRule, level: str, episode: Episode | None, reading: Reading, filling: bool
) -> Decision:
    now, weight = reading.at_s, severity(reading.state)
    if episode is None:
        told = reading.pace.since_s if reading.pace is not None else None
        since = now if told is None else min(now, told)
        begun = Episode(
            None, reading.indicator, level, reading.subject, "pending", weight, since, None, None,
            filling,
        )  # fmt: skip
        if rule.for_s > 0:
            return Decision("start", f"{reading.state}: waiting {rule.for_s} s", begun)
        episode = begun
    if episode.state == "pending":
        lasted = now - episode.since_s
        if lasted < rule.for_s:
            return Decision("hold", f"bad for {lasted} s of {rule.for_s} s", episode)
        raised = replace(
            episode, state="active", severity=weight, raised_s=now, clear_s=None, filling=filling
        )
        return Decision("raise", f"bad for {lasted} s, limit {rule.for_s} s", raised)
    if weight != episode.severity:
        changed = replace(episode, severity=weight, clear_s=None)
        return Decision("severity", f"{episode.severity} became {weight}", changed)
    if episode.clear_s is not None:
        return Decision(
            "relapse", "bad again before the exit delay was over", replace(episode, clear_s=None)
        )
    return Decision("hold", "still bad", episode)


def _good(rule: AlertRule, episode: Episode | None, reading: Reading) -> Decision:
    if episode is None:
        return Decision("hold", "good", None)
    if episode.state == "pending":
        return Decision("drop", "good again before the entry delay was over", None)
    keep_s = exit_delay_s(rule)
    since = reading.at_s if episode.clear_s is None else episode.clear_s
    lasted = reading.at_s - since
    if lasted >= keep_s:
        ended = replace(episode, state="resolved", clear_s=reading.at_s)
        return Decision("resolve", f"good for {lasted} s, limit {keep_s} s", ended)
    if episode.clear_s is None:
        return Decision("clearing", f"good: waiting {keep_s} s", replace(episode, clear_s=since))
    return Decision("hold", f"good for {lasted} s of {keep_s} s", episode)
