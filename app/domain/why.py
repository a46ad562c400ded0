"""Why: what a reading is made of: the parts it adds up from, and the feed pages behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.domain.indicator import Indicator
from app.domain.profile import Profile
from app.domain.reading import Reading


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A stored page: its number, the SHA-256 of the bytes it was read from, and who read it."""

    seq: int
    payload_sha256: str
    watermark_s: int
    records: int
    stored: str
    collector: str


@dataclass(frozen=True, slots=True)
class DefinitionVersion:
    """One version of a definition: ``from_s`` data time, ``known`` the real instant, ISO 8601."""

    version: str
    number: int
    from_s: int
    known: str


@dataclass(frozen=True, slots=True)
class Part:
    """A share of a reading. ``subject`` None: what is counted for the whole and for no part."""

    subject: str | None
    value: float | None
    num: int | None
    den: int | None


def parts_of(profile: Profile, subject: str, on: date, *, by_group: bool) -> list[str]:
    """Subjects that together make up another one, none twice; empty for what is not made of others.

    As memberships stood on a day.
    An area is its child areas and the agencies that work for it as a whole; a tier its agencies.
    ``by_group``: counted by tax office, of which the province alone is made.
    """
    kind, _, code = subject.partition(":")
    if by_group:
        whole = profile.subjects[subject].level == "province"
        return [s.id for s in profile.subjects.values() if s.level == "group"] if whole else []
    if kind == "area":
        standing = profile.subjects_on(on)
        areas = [s.id for s in standing if s.parent == subject and s.level in _AREAS]
        members, tree = profile.members, profile.members.tree_on(on)
        agencies = [f"agency:{c}" for c in profile.agencies if members.place(c, tree) == subject]
        return [*areas, *agencies]
    if kind == "tier":
        return [f"agency:{a.code}" for a in profile.agencies.values() if a.tier == code]
    return []


def add_up(whole: Reading, found: Sequence[Reading]) -> list[Part]:
    """The parts that count at all, the largest first; the last one is what no part holds.

    Sums of ``num`` and ``den`` over the parts equal those of the whole, exactly. Of a median the
    cases add up, and its own value follows from no others.
    """
    parts = [Part(r.subject, r.value, r.num, r.den) for r in found if r.num or r.den]
    parts.sort(key=lambda p: (-(p.den if p.den is not None else p.num or 0), p.subject or ""))
    if not found:
        return parts
    if whole.num is None:
        rest = (whole.den or 0) - sum(p.den or 0 for p in parts)
        return [*parts, Part(None, None, None, rest)] if rest else parts
    num = whole.num - sum(p.num or 0 for p in parts)
    den = None if whole.den is None else whole.den - sum(p.den or 0 for p in parts)
    if num or den:
        value = num / den if den else (None if den is not None else float(num))
        parts.append(Part(None, value, num, den))
    return parts


def numbers(profile: Profile) -> Mapping[str, int]:
    """By indicator: its place among those of its source, which is what stored steps name."""
    found: dict[str, int] = {}
    seen: dict[str, int] = {}
    for indicator in profile.indicators.values():
        found[indicator.id] = seen.get(indicator.source, 0)
        seen[indicator.source] = found[indicator.id] + 1
    return found


def version_of(indicator: Indicator) -> str:
    """Names a definition as it stands: any change of it, of a target or of a word, is another."""
    told = repr(indicator) + "".join(map(repr, indicator.wordings))
    told += indicator.formula_en + indicator.assumption_en
    return hashlib.sha256(told.encode()).hexdigest()[:12]


_AREAS = frozenset(("district", "commune"))
