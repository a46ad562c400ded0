"""Follow: reads the change log since the alerts' own cursor and stores what readings bring about.

Each change that moves an episode is one transaction: transition, messages, change row, cursor.
All timers are columns of the episode, so a restart at any point goes on as if nothing happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import structlog

from app.alerts.episode import Decision, decide, worst
from app.alerts.notice import write
from app.domain.access import EVERYTHING
from app.domain.alerting import (
    ANNOUNCED,
    AlertStep,
    AlertWriter,
    Cursor,
    Episode,
    Transition,
    WorstUnit,
)
from app.domain.indicator import AlertRule, Indicator
from app.domain.ports import ChangeLog, ReadingStore
from app.domain.profile import Profile
from app.domain.reading import Change, Reading

log = structlog.get_logger(__name__)
POLL_S = 0.5
LONGEST_WAIT_S = 10.0
_Key = tuple[str, str, str]  # as the store's unique index: indicator, level, subject


@dataclass(slots=True)
class Parts:
    """What the alerts need of the others. ``receivers``: ids of those that are told.

    ``profile`` is another one once the folder has been edited.
    """

    profile: Profile
    changes: ChangeLog
    readings: ReadingStore
    writer: AlertWriter
    receivers: tuple[str, ...]
    simulated: bool


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Step until ``stop``; whatever fails is tried again, the longer it fails the later."""
    wait_s = POLL_S
    while not stop.is_set():
        try:
            if not await step(parts):
                await parts.changes.wait(POLL_S)
            wait_s = POLL_S
        except Exception as error:  # nothing was committed: safe to try again
            log.warning("alerts wait", error=repr(error), seconds=wait_s)
            await _sleep(stop, wait_s)
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)


async def step(parts: Parts) -> bool:
    """Follow the next changes; False when there was nothing new."""
    place = await parts.writer.cursor()
    if place is None:
        epoch, _ = await parts.changes.position()
        start = Cursor(epoch, 0)
    else:
        start = place
    found = await parts.changes.since(start.epoch, start.offset)
    if found.reset:
        # History is gone. Episodes keep their timers, and every watched reading is announced
        # again with the next evaluation, so going on from the end loses nothing but time.
        epoch, offset = await parts.changes.position()
        await parts.writer.commit(AlertStep(place, Cursor(epoch, offset)))
        log.warning("alerts skip lost history", epoch=epoch, offset=offset)
        return False
    if not found.changes:
        return False
    for change in found.changes:
        if change.kind != "readings":
            continue
        transitions = await _follow(parts, change)
        if transitions:
            after = Cursor(found.epoch, change.offset)
            await parts.writer.commit(_commit(parts, place, after, change, transitions))
            place = after
    last = Cursor(found.epoch, found.changes[-1].offset)
    if place != last:
        await parts.writer.commit(AlertStep(place, last))
    return True


def _commit(
    parts: Parts,
    before: Cursor | None,
    after: Cursor,
    change: Change,
    transitions: tuple[Transition, ...],
) -> AlertStep:
    return AlertStep(
        before, after, change.source, change.at_s, change.watermark_s, change.filling,
        transitions, parts.receivers,
    )  # fmt: skip


async def _follow(parts: Parts, change: Change) -> tuple[Transition, ...]:
    watched = list(_watched(parts.profile, change.readings))
    if not watched:
        return ()
    open_now = {_key(e): e for e in await parts.writer.open_episodes()}
    transitions = []
    for indicator, rule, reading in watched:
        level = parts.profile.subjects[reading.subject].level
        key = (indicator.id, level, reading.subject)
        decision = decide(rule, level, open_now.get(key), reading, filling=change.filling)
        if decision.kind == "hold":
            continue
        transitions.append(
            await _transition(parts, indicator, rule, open_now.get(key), reading, decision)
        )
        if decision.kind in ANNOUNCED:
            log.info("alert", kind=decision.kind, indicator=indicator.id, subject=reading.subject)
    return (*transitions, *_ended(parts, change, open_now.values()))


def _ended(parts: Parts, change: Change, open_now: Iterable[Episode]) -> Iterable[Transition]:
    """Close what was said about a unit that has ended: no figure of it will ever come again."""
    profile = parts.profile
    for episode in open_now:
        indicator = profile.indicators.get(episode.indicator)
        if indicator is None or indicator.source != change.source:
            continue
        if profile.members.stands_at(episode.subject, change.at_s):
            continue
        if episode.state == "pending":
            yield Transition("drop", episode, None, None)
            continue
        over = replace(episode, state="resolved", clear_s=change.at_s)
        period = indicator.alert.period if indicator.alert is not None else indicator.periods[0]
        none = Reading(
            indicator.id, episode.subject, period, change.at_s, change.at_s, change.watermark_s,
            change.source, None, None, None, None, "none", "",
        )  # fmt: skip
        told = not episode.filling
        notice = write(profile, indicator, over, none, (), simulated=parts.simulated)
        log.info("alert", kind="ended", indicator=indicator.id, subject=episode.subject)
        yield Transition("resolve", over, None, None, (), notice if told else None)


def _watched(
    profile: Profile, readings: Iterable[Reading]
) -> Iterable[tuple[Indicator, AlertRule, Reading]]:
    """The readings a rule looks at, the newest of each when a change holds several."""
    newest: dict[tuple[str, str], tuple[Indicator, AlertRule, Reading]] = {}
    for reading in readings:
        indicator = profile.indicators.get(reading.indicator)
        rule = indicator.alert if indicator is not None else None
        if indicator is None or rule is None:
            continue
        if reading.period == rule.period and reading.subject in rule.subjects:
            newest[(reading.indicator, reading.subject)] = (indicator, rule, reading)
    return newest.values()


async def _transition(
    parts: Parts,
    indicator: Indicator,
    rule: AlertRule,
    before: Episode | None,
    reading: Reading,
    decision: Decision,
) -> Transition:
    """What the store is given. An episode raised in a fill is never told, nor is its end."""
    episode = decision.episode or before
    if episode is None:
        raise AssertionError(f"decision {decision.kind} about no episode")
    units: tuple[WorstUnit, ...] = ()
    if decision.kind in ("raise", "severity"):  # a resolve keeps those the raise has named
        units = await _worst_units(parts, indicator, rule, reading)
    notice = None
    if decision.kind in ("raise", "resolve") and not episode.filling:
        notice = write(parts.profile, indicator, episode, reading, units, simulated=parts.simulated)
    return Transition(decision.kind, episode, reading.value, reading.target, units, notice)


async def _worst_units(
    parts: Parts, indicator: Indicator, rule: AlertRule, reading: Reading
) -> tuple[WorstUnit, ...]:
    found: Sequence[Reading] = ()
    for level in dict.fromkeys((rule.worst_level, "commune")):  # districts may have ended
        wanted = members(parts.profile, level, reading.subject)
        if wanted and not found:
            found = await parts.readings.latest(
                EVERYTHING, indicators=[indicator.id], subjects=wanted, period=rule.period
            )
    return tuple(
        WorstUnit(r.subject, parts.profile.subjects[r.subject].name_vi, r.value)
        for r in worst(found, indicator.better)
    )


def members(profile: Profile, level: str, subject: str) -> list[str]:
    """The subjects of a level that count towards the watched one.

    A tier is made of its own agencies, whatever the level asked for: naming a commune as the worst
    of the departments would send the owner to the wrong door.
    """
    if subject.startswith("tier:"):
        tier = subject.removeprefix("tier:")
        ids = (f"agency:{a.code}" for a in profile.agencies.values() if a.tier == tier)
        return sorted(i for i in ids if i in profile.subjects)
    at_level = [s for s in profile.subjects.values() if s.level == level and s.id != subject]
    if profile.subjects[subject].level == "province":
        return sorted(s.id for s in at_level)
    return sorted(s.id for s in at_level if _inside(profile, s.id, subject))


def _inside(profile: Profile, unit: str, subject: str) -> bool:
    parent = profile.subjects[unit].parent
    while parent is not None and parent != subject:
        found = profile.subjects.get(parent)
        parent = found.parent if found is not None else None
    return parent is not None


def _key(episode: Episode) -> _Key:
    return episode.indicator, episode.level, episode.subject


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


__all__ = ["Parts", "members", "run", "step"]
