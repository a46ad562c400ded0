"""Queries: what a request may ask, checked against the profile before anything is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.problems import Refused, unknown
from app.domain.clock import ZONE
from app.domain.period import DAY_S, KINDS, OFFSET_S, midnight_s
from app.domain.profile import Profile
from app.domain.reading import Reading

PERIODS = KINDS


class Query(BaseModel):
    """An unknown parameter is refused: a misspelt filter must not answer with everything."""

    model_config = ConfigDict(extra="forbid")


class OnQuery(Query):
    """A read of what is now, or of what a day closed with."""

    on: str | None = Field(default=None, description="date; default: now; else as that day closed")


class LatestQuery(OnQuery):
    indicator: list[str] = Field(default=[], max_length=50, description="repeat for several")
    subject: list[str] = Field(default=[], max_length=500, description="repeat for several")
    level: str | None = None
    period: str | None = None


class HistoryQuery(Query):
    indicator: str
    subject: str | None = None
    level: str | None = None
    period: str | None = Field(default=None, description="default: the indicator's first period")
    from_: str | None = Field(default=None, alias="from", description="date or instant")
    to: str | None = Field(default=None, description="date (whole day) or instant")
    step: Literal["tick", "hour", "day"] = "day"
    as_of: str | None = Field(
        default=None,
        description="date or instant: history as it was when its source had come that far;"
        " default: as it is known now",
    )


class WhyQuery(OnQuery):
    indicator: str
    subject: str = Field(description="a subject that has such a reading")
    period: str | None = Field(default=None, description="default: the indicator's first period")


class RankingQuery(OnQuery):
    indicator: str
    level: str
    period: str | None = Field(default=None, description="default: the indicator's first period")


class CompositeQuery(OnQuery):
    subject: str


class CompositeRowsQuery(OnQuery):
    level: str


class CasesQuery(OnQuery):
    kind: str = "dossier"
    subject: str | None = None
    state: Literal["overdue"] = "overdue"
    limit: int = Field(default=100, ge=1, le=1000)
    after: str | None = Field(default=None, pattern=r"^\d{1,9}$", description="`next` of a page")


class SubjectsQuery(Query):
    level: str | None = None
    parent: str | None = None
    on: str | None = Field(default=None, description="date; default: today in data time")


class AreasQuery(Query):
    on: str | None = Field(default=None, description="date; default: today in data time")


class CodesQuery(Query):
    scheme: Literal["gso", "h38", "tax"] | None = None
    code: str | None = None
    on: str | None = Field(default=None, description="date; default: today in data time")


class QuarantineQuery(Query):
    source: str | None = None
    limit: int = Field(default=100, ge=1, le=1000)
    after: str | None = Field(default=None, pattern=r"^\d{1,18}$", description="`next` of a page")


class AlertsQuery(OnQuery):
    state: Literal["active", "resolved", "pending"] | None = None
    limit: int = Field(default=200, ge=1, le=1000)


def check_indicators(profile: Profile, wanted: Sequence[str]) -> None:
    for one in wanted:
        if one not in profile.indicators:
            raise unknown("indicator", one, profile.indicators, "see /api/v1/indicators")


def check_period(period: str | None) -> None:
    if period is not None and period not in PERIODS:
        raise unknown("period", period, PERIODS, "see `periods` in /api/v1/indicators")


def levels_of(profile: Profile) -> set[str]:
    return {s.level for s in profile.subjects.values()}


def choose_subjects(
    profile: Profile, subjects: Sequence[str], level: str | None
) -> list[str] | None:
    """Subjects named and of the level; None = all of them."""
    for one in subjects:
        if one not in profile.subjects:
            raise unknown("subject", one, profile.subjects, "see /api/v1/subjects")
    if level is None:
        return list(subjects) or None
    if level not in levels_of(profile):
        raise unknown("level", level, levels_of(profile), "see `levels` in /api/v1/indicators")
    among: Iterable[str] = subjects or profile.subjects
    return [s for s in among if profile.subjects[s].level == level]


def instant(text: str, name: str, *, end: bool = False) -> int:
    """A date (its first second, or its last for ``end``) or an instant, as epoch seconds."""
    # A plus sign that was not escaped arrives as a space.
    told = text.replace(" ", "+") if "T" in text else text
    try:
        if len(told) == 10:
            return midnight_s(date.fromisoformat(told)) + (DAY_S - 1 if end else 0)
        at = datetime.fromisoformat(told)
        return int((at if at.tzinfo else at.replace(tzinfo=ZONE)).timestamp())
    except (ValueError, OverflowError):
        raise Refused(
            422,
            f"{name} {text!r} is no instant; expected 2022-10-03 or 2022-10-03T09:15:00+07:00;"
            " write it so",
            name,
        ) from None


def day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        detail = f"{name} {text!r} is no date; expected one like 2022-10-03; write it so"
        raise Refused(422, detail, name) from None


def thin(readings: Sequence[Reading], step: str) -> list[Reading]:
    """The last reading of every subject in each hour or day (Vietnamese time), oldest first."""
    if step == "tick":
        return list(readings)
    width = DAY_S if step == "day" else 3600
    last = {((r.at_s + OFFSET_S) // width, r.subject): r for r in readings}
    return sorted(last.values(), key=lambda r: (r.at_s, r.subject))


def owners_of(
    profile: Profile, subject: str | None, on: date
) -> tuple[list[str] | None, str | None]:
    """Owners and sector whose cases count for a subject; None = any."""
    if subject is None:
        return None, None
    found = profile.subjects.get(subject)
    if found is None:
        raise unknown("subject", subject, profile.subjects, "see /api/v1/subjects")
    kind, _, code = subject.partition(":")
    if kind == "sector":
        return None, code
    if kind in ("agency", "group"):
        return [code], None
    if found.level == "province":
        return None, None
    return [a for a in profile.agencies if subject in profile.subjects_of(a, "", on)], None


def days_between(from_s: int, to_s: int) -> int:
    return timedelta(seconds=max(0, to_s - from_s)).days
