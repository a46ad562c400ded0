"""Then: figures as a day closed with them, for whoever asks about a day that is over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from app.api.parts import ApiParts
from app.api.problems import Refused
from app.api.queries import day
from app.domain.access import Visible
from app.domain.indicator import Indicator, target_of
from app.domain.judgement import pace_reason, reason
from app.domain.period import DAY_S, bounds, date_of, midnight_s
from app.domain.reading import Reading
from app.domain.trajectory import Milestone, due, year_before


def asked_day(parts: ApiParts, on: str | None) -> date | None:
    """A day that is over; None for today, whose figures are the newest."""
    if on is None:
        return None
    asked, today = day(on, "on"), date_of(int(parts.clock.now_s()))
    if asked > today:
        detail = f"on {on} is to come; expected {today} or earlier; ask for a day that was"
        raise Refused(422, detail, "on")
    return None if asked == today else asked


def as_of_s(parts: ApiParts, on: date | None) -> int:
    """The instant that is asked about: the last second of a day that is over, or now."""
    return int(parts.clock.now_s()) if on is None else midnight_s(on) + DAY_S - 1


async def readings_on(
    parts: ApiParts,
    seen: Visible,
    on: date | None,
    *,
    indicators: Sequence[str] | None = None,
    subjects: Sequence[str] | None = None,
    period: str | None = None,
) -> list[Reading]:
    """The newest readings, or what a day closed with, as it is known now."""
    if on is None:
        return await parts.readings.latest(
            seen, indicators=indicators, subjects=subjects, period=period
        )
    close_s = as_of_s(parts, on)
    found: list[Reading] = []
    for name in parts.profile.indicators if indicators is None else indicators:
        indicator = parts.profile.indicators[name]
        for kind in indicator.periods if period is None else (period,):
            kept = await parts.readings.history(
                seen, indicator=name, subjects=subjects, period=kind, from_s=close_s, to_s=close_s
            )
            found += await retold(parts, seen, indicator, kept)
    return found


async def retold(
    parts: ApiParts, seen: Visible, indicator: Indicator, readings: Sequence[Reading]
) -> list[Reading]:
    """Readings of the past with their words, and what was due then."""
    models = await _models(parts, seen, indicator, readings)
    return [_told(parts, indicator, r, models.get(r.subject, ())) for r in readings]


async def _models(
    parts: ApiParts, seen: Visible, indicator: Indicator, readings: Sequence[Reading]
) -> dict[str, list[Milestone]]:
    """Closes of the year before, of the subjects whose way is that year's."""
    found: dict[str, list[Milestone]] = {}
    rules = parts.profile.rules()
    wanted: defaultdict[tuple[int, int, str], list[str]] = defaultdict(list)
    for subject, period in {(r.subject, r.period) for r in readings}:
        target = target_of(indicator, parts.profile.subjects[subject])
        if target is not None and target.shape == "last_year":
            year = year_before(target, rules)
            if year is not None:
                wanted[(year.begin_s, year.end_s, period)].append(subject)
    for (from_s, to_s, period), subjects in wanted.items():
        kept = await parts.readings.history(
            seen, indicator=indicator.id, subjects=subjects, period=period, from_s=from_s, to_s=to_s
        )
        for r in kept:
            if r.value is not None and r.at_s == bounds("day", r.at_s)[1]:
                found.setdefault(r.subject, []).append((r.at_s, r.value))
    return found


def _told(
    parts: ApiParts, indicator: Indicator, reading: Reading, closes: Sequence[Milestone]
) -> Reading:
    """Frames keep the target that judged a figure; the words, and what was due, follow from it."""
    target = target_of(indicator, parts.profile.subjects[reading.subject])
    pace = None
    if target is not None and target.value == reading.target:
        pace = due(target, parts.profile.rules(), reading, closes)
    if pace is None:
        return replace(reading, reason=reason(reading.value, reading.target, indicator))
    words = pace_reason(reading.value, reading.target, indicator, pace)
    return replace(reading, reason=words, pace=pace)
