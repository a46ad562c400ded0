"""Goals: the numbered targets of a resolution, and where each stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api import score_models as models
from app.api.figures import json
from app.api.parts import ROOT, ApiParts
from app.api.problems import RESPONSES
from app.api.queries import OnQuery
from app.api.scores import Known, known_of
from app.api.seen import Seen
from app.api.then import as_of_s, asked_day
from app.domain.access import Visible
from app.domain.across import province_on
from app.domain.clock import iso
from app.domain.goal import Goal
from app.domain.period import DAY_S, date_of, midnight_s
from app.domain.reading import Reading
from app.domain.shape import Json


def goals(parts: ApiParts) -> APIRouter:
    """``/goals``."""
    router = APIRouter(prefix=ROOT, responses=RESPONSES, tags=["scores"])

    @router.get("/goals", response_model=models.Goals)
    async def all_of_them(seen: Seen, query: Annotated[OnQuery, Query()]) -> Response:
        """The targets of the resolution; one without a source says so and has no value."""
        return json(await _goals(parts, seen, asked_day(parts, query.on)))

    return router


async def _goals(parts: ApiParts, seen: Visible, on: date | None) -> Json:
    at_s = as_of_s(parts, on)
    # A goal of the province holds for what the province became.
    told = [
        replace(g, subject=province_on(parts.profile, g.subject, at_s)) for g in parts.profile.goals
    ]
    held = [g for g in told if g.indicator]
    known, judged = await known_of(
        parts, seen, {g.indicator for g in held}, list({g.subject for g in held}), on
    )
    found = []
    for goal, stated in zip(told, parts.profile.goals, strict=True):
        label = goal.label(date_of(at_s))
        # A day that is asked about is over with its last second.
        over = goal.indicator and at_s + (on is not None) >= _ends_s(goal)
        standing = await _final(parts, seen, stated) if over else _now(parts, goal, known, judged)
        found.append(
            {
                **_goal(parts, goal),
                **standing,
                "label_vi": label.vi,
                "label_en": label.en,
                "label_since": label.begins.isoformat(),
            }
        )
    return {"goals": found}


def _ends_s(goal: Goal) -> int:
    """The first instant after its last day."""
    return midnight_s(date.fromisoformat(goal.deadline)) + DAY_S


def _now(parts: ApiParts, goal: Goal, known: Known, judged: Mapping[str, str]) -> Json:
    if not goal.indicator:
        return _standing(None, "none", "no_source")
    reading = known.get((goal.indicator, goal.subject, goal.period))
    # Nothing counted yet is not a missing source.
    quality = judged.get(parts.profile.indicators[goal.indicator].source, "no_source")
    return _standing(reading, "none" if reading is None else reading.state, quality)


async def _final(parts: ApiParts, seen: Visible, goal: Goal) -> Json:
    """What was reached by the deadline stands; what comes after it is another year's."""
    ends_s = _ends_s(goal)
    subject = province_on(parts.profile, goal.subject, ends_s - 1)
    closes = await parts.readings.history(
        seen, indicator=goal.indicator, subjects=[subject], period=goal.period,
        from_s=ends_s - DAY_S, to_s=ends_s - 1,
    )  # fmt: skip
    reading = closes[-1] if closes else None
    state = goal.met(None if reading is None else reading.value)
    return _standing(reading, "missed" if state == "lagging" else state, "fresh")


def _standing(reading: Reading | None, state: str, quality: str) -> Json:
    if reading is None:
        return {"value": None, "at": None, "state": state, "quality": quality}
    return {"value": reading.value, "at": iso(reading.at_s), "state": state, "quality": quality}


def _goal(parts: ApiParts, goal: Goal) -> Json:
    return {
        "id": goal.id,
        "target": goal.value,
        "unit": goal.unit,
        "kind": goal.kind,
        "better": goal.better,
        "level": goal.level,
        "period": goal.period,
        "deadline": goal.deadline,
        "legal_source": goal.legal_source,
        "legal_source_en": parts.profile.legal_en(goal.legal_source),
        "feed": goal.feed,
        "indicator": goal.indicator or None,
        "subject": goal.subject or None,
        "note_vi": goal.note_vi,
        "note_en": goal.note_en,
    }
