"""Compare: units of a level ranked fairly, and the units that make a gap."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api import score_models as models
from app.api.figures import json
from app.api.parts import ROOT, ApiParts
from app.api.problems import RESPONSES, Refused
from app.api.queries import (
    OnQuery,
    RankingQuery,
    WhyQuery,
    check_indicators,
    check_period,
    choose_subjects,
)
from app.api.seen import Seen
from app.api.then import asked_day, readings_on
from app.api.why import reading_and_parts
from app.domain.access import Visible
from app.domain.contribution import Shortfall, contribution
from app.domain.gaming import FALSE_ALARM, suspects
from app.domain.ranking import FEW, Place, prior_of, ranked
from app.domain.reading import Reading
from app.domain.shape import Json, qualities, reading_shape
from app.domain.why import add_up


def compare(parts: ApiParts) -> APIRouter:
    """``/ranking``, ``/contribution``."""
    router = APIRouter(prefix=ROOT, responses=RESPONSES, tags=["scores"])

    @router.get("/ranking", response_model=models.Ranking)
    async def ranking(seen: Seen, query: Annotated[RankingQuery, Query()]) -> Response:
        """Every subject of a level: its reading, its share drawn to the mean, its place."""
        return json(await _ranking(parts, seen, query))

    @router.get("/contribution", response_model=models.Contribution)
    async def gap(seen: Seen, query: Annotated[WhyQuery, Query()]) -> Response:
        """What each part of a subject lacks to the subject's target, in cases; they add up."""
        return json(await _gap(parts, seen, query))

    @router.get("/gaming", response_model=models.Gaming)
    async def gaming(seen: Seen, query: Annotated[OnQuery, Query()]) -> Response:
        """Units that close files just before they are due and reopen them, beyond chance."""
        return json(await _gaming(parts, seen, asked_day(parts, query.on)))

    return router


async def _gaming(parts: ApiParts, seen: Visible, on: date | None) -> Json:
    profile = parts.profile
    name = next((i.id for i in profile.indicators.values() if i.measure.rule == "reopened"), None)
    found = [] if name is None else await readings_on(parts, seen, on, indicators=[name])
    ids = {s.id for s in profile.subjects.values() if s.level in ("agency", "department")}
    counts = _shares([r for r in found if r.subject in ids])
    return {
        "indicator": name,
        "false_alarm": FALSE_ALARM,
        "looked_at": sum(den > 0 for _, den in counts.values()),
        "suspects": [
            {
                "subject": s.subject,
                "name_vi": profile.subjects[s.subject].name_vi,
                "num": s.num,
                "den": s.den,
                "usual": s.usual,
                "chance": s.chance,
            }
            for s in suspects(counts)
        ],
    }


async def _ranking(parts: ApiParts, seen: Visible, query: RankingQuery) -> Json:
    profile = parts.profile
    check_indicators(profile, [query.indicator])
    check_period(query.period)
    indicator = profile.indicators[query.indicator]
    found = await readings_on(
        parts,
        seen,
        asked_day(parts, query.on),
        indicators=[indicator.id],
        subjects=choose_subjects(profile, [], query.level),
        period=query.period or indicator.periods[0],
    )
    shares = _shares(found) if indicator.measure.kind == "ratio" else {}
    places, prior = ranked(shares, indicator.better), prior_of(shares)
    healths = {h.id: h for h in await parts.sources.health()}
    judged = qualities(profile, healths, parts.clock.now_s(), parts.clock.rate())
    last = len(found) + 1
    found.sort(key=lambda r: places[r.subject].place if r.subject in places else last)
    return {
        "mean": prior.mean if prior else None,
        "strength": prior.strength if prior else None,
        "few_below": FEW,
        "rows": [
            {"reading": reading_shape(r, judged), **_place(places.get(r.subject))} for r in found
        ],
    }


async def _gap(parts: ApiParts, seen: Visible, query: WhyQuery) -> Json:
    profile = parts.profile
    check_indicators(profile, [query.indicator])
    check_period(query.period)
    choose_subjects(profile, [query.subject], None)
    indicator = profile.indicators[query.indicator]
    if indicator.measure.kind != "ratio":
        detail = f"{indicator.id} is no ratio; expected one, whose gap is a number of cases"
        raise Refused(422, detail + "; see `kind` in /api/v1/indicators", "indicator")
    whole, others = await reading_and_parts(parts, seen, indicator, query)
    if whole.target is None or whole.num is None or whole.den is None:
        detail = f"{indicator.id} has no target for {query.subject}; expected one with a target"
        raise Refused(422, detail + "; see `targets` in /api/v1/indicators", "subject")
    made = contribution(whole.num, whole.den, whole.target, indicator.better, add_up(whole, others))
    return {
        "indicator": indicator.id,
        "subject": query.subject,
        "period": whole.period,
        "num": whole.num,
        "den": whole.den,
        "target": whole.target,
        "lacks": float(made.lacks),
        "few": made.few,
        "explained": None if made.explained is None else float(made.explained),
        "parts": [_share(parts, s) for s in made.parts],
    }


def _place(place: Place | None) -> Json:
    if place is None:
        return {"estimate": None, "low": None, "high": None, "place": None, "few": False}
    return {
        "estimate": place.estimate,
        "low": place.low,
        "high": place.high,
        "place": place.place,
        "few": place.few,
    }


def _shares(readings: list[Reading]) -> dict[str, tuple[int, int]]:
    return {r.subject: (r.num, r.den) for r in readings if r.num is not None and r.den is not None}


def _share(parts: ApiParts, told: Shortfall) -> Json:
    subject = parts.profile.subjects.get(told.part.subject or "")
    return {
        "subject": told.part.subject,
        "name_vi": subject.name_vi if subject is not None else "Cơ quan khác, ngoài danh mục",
        "num": told.part.num or 0,
        "den": told.part.den or 0,
        "lacks": float(told.lacks),
    }
