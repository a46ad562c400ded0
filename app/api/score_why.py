"""Score why: *điểm điều hành* taken apart: every member and its share, and who is left out."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from math import fsum
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api import score_models as models
from app.api.figures import json
from app.api.parts import ROOT, ApiParts
from app.api.problems import RESPONSES
from app.api.queries import OnQuery
from app.api.scores import known_of
from app.api.seen import Seen
from app.api.then import asked_day
from app.domain.indicator import target_of
from app.domain.period import date_of
from app.domain.profile import Profile
from app.domain.scene import scene_for
from app.domain.score import AT_BEST, BELOW, Member, members, score_of, shares
from app.domain.shape import Json

RULE_VI = (
    "Trung bình của giá trị ÷ mục tiêu (mục tiêu ÷ giá trị khi càng thấp càng tốt), mỗi chỉ số tối"
    " đa 1,25; chỉ số mất nguồn hoặc chưa có giá trị không tính và được nêu tên"
)
RULE_EN = (
    "Mean of value ÷ target (target ÷ value where less is better), at most 1.25 each; an indicator"
    " whose source is silent, or without a value, does not count and is named"
)


def score_why(parts: ApiParts) -> APIRouter:
    """``/score``."""
    router = APIRouter(prefix=ROOT, responses=RESPONSES, tags=["scores"])

    @router.get("/score", response_model=models.ScoreWhy)
    async def score(seen: Seen, query: Annotated[OnQuery, Query()]) -> Response:
        """Every member of the operating score; what they give adds up to it, exactly."""
        on = asked_day(parts, query.on)
        day = on or date_of(int(parts.clock.now_s()))
        scene = scene_for(parts.profile, seen, day)
        tiles = [t for group in scene.groups for t in group.tiles]
        known, judged = await known_of(
            parts, seen, {t.indicator for t in tiles}, sorted({t.subject for t in tiles}), on
        )
        found = members(scene, parts.profile.indicators, known.values(), judged)
        return json(shape(parts.profile, found, day))

    return router


def shape(profile: Profile, found: list[Member], on: date) -> Json:
    """As JSON: ``points`` are of the mean to four decimals, and their sum is the mean's."""
    told = score_of(found)
    points = shares(found)
    return {
        "value": told.value,
        "points": None if told.value is None else float(Fraction(sum(points), 10_000)),
        "sum": fsum(m.ratio for m in found if m.ratio is not None),
        "minimum": told.minimum,
        "below": told.below,
        "below_limit": BELOW,
        "at_best": AT_BEST,
        "counted": told.counted,
        "total": told.total,
        "coverage": f"{told.counted}/{told.total}",
        "rule_vi": RULE_VI,
        "rule_en": RULE_EN,
        "parts": [_member(profile, m, p, on) for m, p in zip(found, points, strict=True)],
    }


def _member(profile: Profile, member: Member, points: int, on: date) -> Json:
    name, subject, period = member.key
    indicator = profile.indicators[name]
    target = target_of(indicator, profile.subjects[subject])
    law = target.legal_source if target is not None else indicator.legal_source
    return {
        "indicator": name,
        "title_vi": indicator.wording(on).title_vi,
        "title_en": indicator.wording(on).title_en,
        "subject": subject,
        "period": period,
        "value": member.value,
        "target": member.target,
        "legal_source": law,
        "legal_source_en": profile.legal_en(law),
        "status": "counted" if member.ratio is not None else "left_out",
        "quality": member.quality,
        "ratio": member.ratio,
        "points": float(Fraction(points, 10_000)),
    }
