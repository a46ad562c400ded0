"""Models of why: a reading taken apart, as OpenAPI states it."""

from __future__ import annotations

from pydantic import Field

from app.api.models import Model, Reading


class WhyVersion(Model):
    version: str
    number: int
    begins: str = Field(description="data time when it took effect")
    known_real: str


class WhyDefinition(Model):
    id: str
    version: str = Field(description="changes with every change of the definition")
    number: int | None = Field(description="of this version, counted from 1; null: not judged yet")
    versions: list[WhyVersion] = Field(description="every one there was, the youngest first")
    formula_vi: str
    formula_en: str | None = Field(description="null: the profile states none")
    kind: str
    rule: str
    records: str
    num: list[str]
    den: list[str]
    legal_source: str
    legal_source_en: str
    assumption: str | None
    assumption_en: str | None


class WhyTarget(Model):
    value: float
    near: float
    critical: float
    deadline: str | None
    legal_source: str
    legal_source_en: str
    kind: str = Field(description="cumulative, level, milestone: reached along a way; else held")
    baseline: float | None = Field(description="where the way begins; null = no way")
    begins: str | None
    shape: str | None
    assumption: str | None
    assumption_en: str | None


class WhyPart(Model):
    subject: str | None = Field(description="null = counted for the whole and for no part")
    name_vi: str
    value: float | None
    num: int | None
    den: int | None


class WhyPage(Model):
    seq: int
    payload_sha256: str
    watermark: str
    records: int
    stored_real: str
    collector: str


class Why(Model):
    reading: Reading
    definition: WhyDefinition
    since: str | None = Field(
        description="the first day that closed in this state, without a break since"
    )
    target: WhyTarget | None
    parts: list[WhyPart]
    adds_up: bool = Field(
        description="num and den of the parts sum to the reading's, exactly; of a median its cases"
    )
    beside: list[Reading] = Field(
        description="of a share on time: what cannot be judged, and what was re-appointed after due"
    )
    pages: list[WhyPage]
    pages_looked_at: int
