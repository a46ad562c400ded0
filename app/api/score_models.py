"""Score models: the answers about composites, goals, ranking and contribution."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app.api.models import Model, Period, Quality, Reading, State

PartStatus = Literal["counted", "no_source", "not_applicable", "stale"]


class CompositePart(Model):
    id: str
    title_vi: str
    title_en: str
    rule_vi: str = Field(description="what is counted, in words; also of a part without a source")
    rule_en: str
    status: PartStatus = Field(description="what is not counted gives its weight away")
    indicator: str | None
    period: Period | None
    value: float | None
    num: int | None
    den: int | None
    full: float = Field(description="the share that earns all of the weight")
    assumption: bool = Field(description="the weight is an assumption, not a published one")
    weight: float = Field(description="as the profile states it")
    weight_now: float = Field(description="after redistribution, out of 100")
    points: float = Field(description="two decimals; they add up to the group's, exactly so")


class CompositeGroup(Model):
    id: str
    title_vi: str
    title_en: str
    weight: float
    weight_now: float
    points: float
    own_points: float | None = Field(description="out of `weight`, as it is published")
    parts: list[CompositePart]


class Published(Model):
    until: str
    total: float
    rank: int
    of: int
    source: str
    groups: dict[str, float]
    national: dict[str, float]


class NotCounted(Model):
    id: str = Field(description="of the part")
    status: PartStatus


class Composite(Model):
    id: str
    subject: str
    title_vi: str
    title_en: str
    legal_source: str
    legal_source_en: str
    rule_vi: str
    rule_en: str
    levels: list[str]
    points: float | None = Field(description="the sum of the groups' points; null: none counted")
    covered: float = Field(description="share of the stated weight that figures stand behind")
    counted: int
    total: int
    coverage: str = Field(description='parts counted, as it is printed: "7/12"')
    left_out: list[NotCounted] = Field(description="parts that do not count, and why")
    groups: list[CompositeGroup]
    published: list[Published]


class CompositeRow(Model):
    subject: str
    name_vi: str
    points: float | None
    covered: float
    counted: int
    total: int
    coverage: str = Field(description='parts counted, as it is printed: "7/12"')
    left_out: list[NotCounted] = Field(description="parts that do not count, and why")
    groups: dict[str, float | None] = Field(description="own points of each group")
    place: int | None = Field(description="1 is the best; by `estimate`: few cases tell little")
    estimate: float | None = Field(description="points by shares drawn to the mean of the peers")
    few: bool = Field(description="too few cases to be first or last")


class CompositeRows(Model):
    few_below: int
    rows: list[CompositeRow]


class ScorePart(Model):
    indicator: str
    title_vi: str
    title_en: str
    subject: str
    period: Period
    value: float | None
    target: float
    legal_source: str
    legal_source_en: str
    status: Literal["counted", "left_out"]
    quality: Quality
    ratio: float | None = Field(description="value over target, capped; null = left out")
    points: float = Field(description="its share of the mean; together they are `points`, exactly")


class ScoreWhy(Model):
    value: float | None
    points: float | None = Field(description="the value to four decimals: the parts' sum")
    sum: float = Field(description="of the ratios; value = sum ÷ counted")
    minimum: float | None
    below: int = Field(description="how many are below `below_limit`")
    below_limit: float
    at_best: float
    counted: int
    total: int
    coverage: str = Field(description='as it is printed: "21/24"')
    rule_vi: str
    rule_en: str
    parts: list[ScorePart]


class Goal(Model):
    id: str
    label_vi: str
    label_en: str
    label_since: str
    target: float
    unit: Literal["percent", "rank"]
    kind: Literal["cumulative", "level", "milestone", "maintain", "rank", "instant"]
    better: Literal["up", "down"]
    level: str
    period: Period
    deadline: str
    legal_source: str
    legal_source_en: str
    feed: str
    indicator: str | None = Field(description="null: no source yet")
    subject: str | None
    value: float | None
    at: str | None = Field(description="instant of the value; after the deadline, its end")
    state: State
    quality: Quality
    note_vi: str
    note_en: str


class Goals(Model):
    goals: list[Goal]


class Placed(Model):
    reading: Reading
    estimate: float | None = Field(description="the share drawn to the mean of the level")
    low: float | None = Field(description="90 % interval")
    high: float | None
    place: int | None
    few: bool = Field(description="fewer cases than it takes to be first or last")


class Ranking(Model):
    mean: float | None
    strength: float | None = Field(description="cases the mean of the level is worth")
    few_below: int
    rows: list[Placed]


class Share(Model):
    subject: str | None
    name_vi: str
    num: int
    den: int
    lacks: float = Field(description="cases short of the target; negative: to spare")


class Contribution(Model):
    indicator: str
    subject: str
    period: Period
    num: int
    den: int
    target: float
    lacks: float = Field(description="the sum of the parts'")
    few: int = Field(description="so many of the first parts make `explained` of all that lacks")
    explained: float | None
    parts: list[Share]


class Suspect(Model):
    subject: str
    name_vi: str
    num: int
    den: int
    usual: float = Field(description="the share of all the others together")
    chance: float = Field(description="of so many or more, if the unit worked as the others do")


class Gaming(Model):
    indicator: str | None
    false_alarm: float = Field(description="chance that any honest unit at all is named")
    looked_at: int
    suspects: list[Suspect]
