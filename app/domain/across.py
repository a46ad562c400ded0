"""Across: a series of an area from before the area stood: what stood on its land, summed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.domain.indicator import Indicator
from app.domain.period import midnight_s
from app.domain.profile import Profile
from app.domain.reading import Reading


@dataclass(frozen=True, slots=True)
class Rupture:
    """An instant a series may not be read across, and why."""

    at_s: int
    text_vi: str
    text_en: str


def province_on(profile: Profile, subject: str, at_s: int) -> str:
    """The province of an instant, whichever of its lives was asked about; others as they are."""
    found = profile.subjects.get(subject)
    if found is None or found.level != "province":
        return subject
    return profile.members.heir(subject, profile.members.tree(at_s)) or subject


def lands(profile: Profile, subject: str, from_s: int, to_s: int) -> list[str]:
    """Every area whose readings a series of the subject between two instants is made of."""
    members = profile.members
    instants = [from_s, *members.changes(from_s, to_s)]
    found = [s for at_s in instants for s in members.made_of(subject, to_s, at_s)]
    return list(dict.fromkeys([subject, *found]))


def across(
    profile: Profile, indicator: Indicator, subject: str, to_s: int, readings: Iterable[Reading]
) -> list[Reading]:
    """One reading an instant: that of the subject, or the sum of what stood on its land.

    A province that became a larger one is no sum: its own readings of before stand as they are.
    A median is not added up: before there is none.
    """
    members = profile.members
    province = profile.subjects[subject].level == "province"
    by_instant: defaultdict[int, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_instant[reading.at_s].append(reading)
    found: list[Reading] = []
    for at_s, those in sorted(by_instant.items()):
        wanted = members.made_of(subject, to_s, at_s)
        parts = [r for r in those if r.subject in wanted]
        if wanted == [subject]:
            found += parts
        elif province:
            found += parts  # under their own name: what they were is not what it became
        elif parts and indicator.measure.kind != "quantile":
            found.append(_sum(subject, indicator, parts))
    return found


def _sum(subject: str, indicator: Indicator, parts: Sequence[Reading]) -> Reading:
    num = sum(p.num or 0 for p in parts)
    ratio = indicator.measure.kind == "ratio"
    den = sum(p.den or 0 for p in parts) if ratio else None
    value = (num / den if den else None) if ratio else float(num)
    # Nobody judged this land as a whole on that day.
    return replace(
        parts[0], subject=subject, value=value, num=num, den=den, state="none", reason=""
    )


def ruptures(profile: Profile, subject: str, from_s: int, to_s: int) -> list[Rupture]:
    """Where a province became another one, or where districts ended."""
    found = []
    level = profile.subjects[subject].level if subject in profile.subjects else ""
    for change in profile.areas.breaks:
        at_s = midnight_s(change.day)
        if not from_s < at_s <= to_s:
            continue
        if level == "province":
            found.append(Rupture(at_s, change.joined_vi, change.joined_en))
        elif level == "district":
            found.append(Rupture(at_s, change.ended_vi, change.ended_en))
    return found
