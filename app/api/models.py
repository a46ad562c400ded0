"""Models: the answers of the API as OpenAPI states them; strict, nothing more and nothing less."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Quality = Literal["fresh", "late", "stale", "absent", "loading", "no_source"]
State = Literal["none", "met", "near", "lagging", "critical", "missed"]
Period = Literal["now", "hour", "day", "month", "year"]


class Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Pace(Model):
    """A figure on its way to a goal at the end of a year; amounts in the figure's own unit."""

    expected: float = Field(description="due by `at`")
    lag_days: float | None = Field(description="working days behind; below zero = ahead")
    judged_at: str | None = Field(description="the close of a day that decided state and forecast")
    since: str | None = Field(description="in this state since")
    ratio: float | None = Field(description="times the present rate that is needed from now on")
    forecast: float | None = Field(description="at the deadline, if it goes on like this")
    low: float | None = Field(description="the 80 % band of the forecast")
    high: float | None
    odds: float | None = Field(description="of reaching the target")
    until: str | None = Field(description="the deadline")
    holds: Literal["", "grace", "coverage", "lasting", "leaving"] = Field(
        description="why the state cannot change: the year is young, or days are missing;"
        " lasting, leaving: what is to be held has not been missed, or made good, for long enough"
    )
    way: Literal["", "linear", "milestones", "last_year", "no_last_year", "held"] = Field(
        description="what `expected` follows; no_last_year: last year's way was asked for, there is"
        " no whole year of it, so it is linear; held: the target is to hold at every instant"
    )
    band_years: int = Field(
        description="finished years the 80 % band was learnt from; 0 = the table that was shipped"
    )


class Reading(Model):
    indicator: str
    subject: str
    period: Period
    period_start: str | None = Field(description="date; an instant for hours; null for `now`")
    at: str
    value: float | None = Field(description="null = no value; ratios are fractions")
    num: int | None
    den: int | None
    target: float | None
    state: State
    quality: Quality
    watermark: str
    source: str
    reason: str
    pace: Pace | None = Field(default=None, description="only of targets reached along a way")


class SnapshotReading(Reading):
    delta: float | None = Field(default=None, description="against the last daily close")
    trend: list[float | None] | None = Field(default=None, description="daily closes, null = gap")


class WorstSubject(Model):
    subject: str
    name_vi: str
    value: float | None


class Alert(Model):
    id: int
    indicator: str
    level: str
    subject: str
    severity: Literal["lagging", "critical", "quality"]
    state: Literal["active", "resolved", "pending"]
    since: str
    resolved_at: str | None
    value: float | None
    target: float | None
    worst: list[WorstSubject]
    owner: str
    response_vi: str
    sent: bool


class Clock(Model):
    data: str
    rate: float
    real: str
    simulated: bool


class Source(Model):
    id: str
    name_vi: str
    name_en: str
    quality: Quality
    watermark: str | None
    progress: float
    late_after_s: int
    stale_after_s: int
    absent_after_s: int
    last_error: str | None
    last_success: str | None
    simulated: bool
    owner: str
    records: int
    pages: int = Field(description="stored so far")
    quarantined: int


class Indicator(Model):
    id: str
    title_vi: str
    title_en: str
    label_wall_vi: str
    label_wall_en: str
    unit: Literal["percent", "count", "minutes", "working_days", "working_hours", "days", "vnd"]
    decimals: int
    better: Literal["up", "down"]
    kind: Literal["ratio", "count", "sum", "stock", "quantile"]
    periods: list[Period]
    levels: list[str]
    source: str
    legal_source: str
    assumption: str | None
    group: str


class Subject(Model):
    id: str
    level: str
    name_vi: str
    short_name: str
    parent: str | None
    row: int | None
    col: int | None


class Tile(Model):
    id: str
    type: str
    indicator: str
    subject: str
    period: Period


class TileGroup(Model):
    id: str
    title_vi: str
    title_en: str
    tiles: list[Tile]


class SceneMap(Model):
    indicator: str
    period: Period
    title_vi: str
    title_en: str
    subjects: list[str] = Field(description="empty once these units have ended: see `note`")
    note_vi: str | None = None
    note_en: str | None = None


class Scene(Model):
    groups: list[TileGroup]
    map: SceneMap


class LeftOut(Model):
    indicator: str
    subject: str
    period: Period
    quality: Quality


class Score(Model):
    value: float | None
    minimum: float | None
    below: int
    counted: int
    total: int
    left_out: list[LeftOut] = Field(description="with a target, but silent or without a value")


class Snapshot(Model):
    epoch: str
    offset: int
    build: str
    schema_: int = Field(alias="schema")
    clock: Clock
    sources: list[Source]
    indicators: list[Indicator]
    subjects: list[Subject]
    scene: Scene
    readings: list[SnapshotReading]
    alerts: list[Alert]
    score: Score


class Case(Model):
    code: str
    kind: str
    agency: str
    sector: str
    opened_at: str
    due_at: str | None
    state: str
    overdue_days: int


class Quarantined(Model):
    id: int
    source: str
    known_at: str
    reason: str
    payload: str
    count: int
    whole_page: bool = Field(description="a page that is asked for again, not a record passed over")
    replayed: bool = Field(description="read by now, or asked for again with success")


class Readings(Model):
    readings: list[Reading]


class Break(Model):
    at: str = Field(description="a series may not be read across this instant")
    text_vi: str
    text_en: str


class PastReading(Reading):
    definition: str | None = Field(
        default=None, description="the version of the definition that judged it"
    )


class History(Model):
    readings: list[PastReading]
    breaks: list[Break]


class Area(Model):
    id: str
    code: str
    level: str
    name_vi: str
    short_name: str
    parent: str | None
    valid_from: str
    valid_to: str | None
    predecessors: list[str]


class Centre(Model):
    id: str
    name_vi: str
    area: str
    valid_from: str
    valid_to: str | None
    assumption: str | None


class Code(Model):
    scheme: str
    code: str
    subject: str


class Codes(Model):
    on: str
    codes: list[Code]


class Areas(Model):
    on: str
    areas: list[Area]
    centres: list[Centre]
    assumptions: list[str]


class Subjects(Model):
    subjects: list[Subject]


class Sources(Model):
    sources: list[Source]


class Alerts(Model):
    alerts: list[Alert]


class Quarantine(Model):
    quarantine: list[Quarantined]
    next: str | None = Field(description="give it as `after` to read on; null = that was all")


class Cases(Model):
    cases: list[Case]
    total: int
    next: str | None = Field(description="give it as `after` to read on; null = that was all")


class Status(Model):
    status: str
    process: str | None = None


class ProblemError(Model):
    parameter: str
    message: str


class Problem(Model):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[ProblemError] = []
