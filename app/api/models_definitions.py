"""Models of definitions: an indicator with its formula and its targets, as OpenAPI states it."""

from __future__ import annotations

from pydantic import Field

from app.api.models import Indicator, Model


class Target(Model):
    value: float
    subjects: list[str]
    levels: list[str]
    legal_source: str
    legal_source_en: str
    deadline: str
    kind: str
    baseline: float = Field(description="where the way begins, of cumulative, level, milestone")
    assumption: str
    assumption_en: str | None


class IndicatorDetail(Indicator):
    formula_vi: str
    formula_en: str | None = Field(description="null: the profile states none")
    assumption_en: str | None
    legal_source_en: str
    targets: list[Target]


class Indicators(Model):
    indicators: list[IndicatorDetail]
