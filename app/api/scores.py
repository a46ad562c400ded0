"""Scores: composites, counted from the newest readings when asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api import score_models as models
from app.api.figures import json
from app.api.parts import ROOT, ApiParts
from app.api.problems import RESPONSES, unknown
from app.api.queries import CompositeQuery, CompositeRowsQuery, choose_subjects
from app.api.seen import Seen
from app.api.then import as_of_s, asked_day, readings_on
from app.domain.access import Visible
from app.domain.across import province_on
from app.domain.composite import (
    COUNTED,
    HUNDREDTHS,
    NO_SOURCE,
    NOT_APPLICABLE,
    STALE,
    Composed,
    Composite,
    GroupScore,
    Input,
    PartScore,
    compose,
)
from app.domain.league import Standing, league
from app.domain.period import date_of
from app.domain.ranking import FEW
from app.domain.reading import Reading
from app.domain.score import COUNTED as TRUSTED
from app.domain.shape import Json, qualities

Known = Mapping[tuple[str, str, str], Reading]


def scores(parts: ApiParts) -> APIRouter:
    """``/composites/{id}``, ``/composites/{id}/subjects``."""
    router = APIRouter(prefix=ROOT, responses=RESPONSES, tags=["scores"])

    @router.get("/composites/{name}", response_model=models.Composite)
    async def one(name: str, seen: Seen, query: Annotated[CompositeQuery, Query()]) -> Response:
        """A composite of one subject: groups, parts and weights, beside what was published."""
        definition = _definition(parts, name)
        choose_subjects(parts.profile, [query.subject], None)
        on = asked_day(parts, query.on)
        subject = province_on(parts.profile, query.subject, as_of_s(parts, on))
        known, judged = await known_of(parts, seen, _indicators(definition), [subject], on)
        composed = compose(definition, _inputs(parts, definition, subject, known, judged))
        return json(_composite(parts, definition, subject, composed))

    @router.get("/composites/{name}/subjects", response_model=models.CompositeRows)
    async def many(
        name: str, seen: Seen, query: Annotated[CompositeRowsQuery, Query()]
    ) -> Response:
        """A composite of every subject of a level, by fair places; without points last."""
        definition = _definition(parts, name)
        if query.level not in definition.levels:
            raise unknown("level", query.level, definition.levels, "see `levels` of the composite")
        on = asked_day(parts, query.on)
        standing = parts.profile.subjects_on(on or date_of(int(parts.clock.now_s())))
        subjects = [s for s in standing if s.level == query.level and seen.allows(s.id)]
        ids = [s.id for s in subjects]
        known, judged = await known_of(parts, seen, _indicators(definition), ids, on)
        given = {s: _inputs(parts, definition, s, known, judged) for s in ids}
        made = {s: compose(definition, given[s]) for s in ids}
        table = league(definition, given)
        last = len(ids) + 1
        ids.sort(key=lambda s: (table[s].place if s in table else last, -(made[s].points or 0), s))
        rows = [_row(s, parts.profile.subjects[s].name_vi, made[s], table.get(s)) for s in ids]
        return json({"few_below": FEW, "rows": rows})

    return router


def _definition(parts: ApiParts, name: str) -> Composite:
    known = parts.profile.composites
    if name not in known:
        raise unknown("composite", name, known, "composites/<id>.toml of the profile")
    return known[name]


def _indicators(definition: Composite) -> set[str]:
    return {p.indicator for p in definition.parts() if p.indicator}


async def known_of(
    parts: ApiParts,
    seen: Visible,
    indicators: Iterable[str],
    subjects: Sequence[str],
    on: date | None = None,
) -> tuple[Known, Mapping[str, str]]:
    """Readings, and the quality of each source; what a day closed with is whole."""
    healths = {h.id: h for h in await parts.sources.health()}
    judged = qualities(parts.profile, healths, parts.clock.now_s(), parts.clock.rate())
    if on is not None:
        judged = dict.fromkeys(judged, "fresh")
    wanted = sorted(indicators)
    if not wanted or not subjects:
        return {}, judged
    found = await readings_on(parts, seen, on, indicators=wanted, subjects=subjects)
    return {(r.indicator, r.subject, r.period): r for r in found}, judged


def _inputs(
    parts: ApiParts, definition: Composite, subject: str, known: Known, judged: Mapping[str, str]
) -> dict[str, Input]:
    found = {}
    for part in definition.parts():
        if not part.indicator:
            found[part.id] = Input(NO_SOURCE)
            continue
        reading = known.get((part.indicator, subject, part.period))
        source = parts.profile.indicators[part.indicator].source
        if judged.get(source, "no_source") not in TRUSTED:
            found[part.id] = Input(STALE)
        elif reading is None or reading.value is None:
            found[part.id] = Input(NOT_APPLICABLE)
        else:
            found[part.id] = Input(COUNTED, reading.value, reading.num, reading.den)
    return found


def _composite(parts: ApiParts, definition: Composite, subject: str, composed: Composed) -> Json:
    return {
        "id": definition.id,
        "subject": subject,
        "title_vi": definition.title_vi,
        "title_en": definition.title_en,
        "legal_source": definition.legal_source,
        "legal_source_en": parts.profile.legal_en(definition.legal_source),
        "rule_vi": definition.rule_vi,
        "rule_en": definition.rule_en,
        "levels": list(definition.levels),
        **_totals(composed),
        "groups": [_group(g) for g in composed.groups],
        "published": [
            {
                "until": p.until, "total": p.total, "rank": p.rank, "of": p.of,
                "source": p.source, "groups": dict(p.groups), "national": dict(p.national),
            }
            for p in definition.published
        ],
    }  # fmt: skip


def _totals(composed: Composed) -> Json:
    return {
        "points": _points(composed.points),
        "covered": float(composed.covered),
        "counted": composed.counted,
        "total": composed.total,
        "coverage": f"{composed.counted}/{composed.total}",
        "left_out": [
            {"id": p.part.id, "status": p.given.status}
            for g in composed.groups
            for p in g.parts
            if p.rate is None
        ],
    }


def _row(subject: str, name: str, composed: Composed, standing: Standing | None) -> Json:
    return {
        "subject": subject,
        "name_vi": name,
        **_totals(composed),
        "groups": {g.group.id: _points(g.own_points) for g in composed.groups},
        "place": None if standing is None else standing.place,
        "estimate": None if standing is None else _points(standing.estimate),
        "few": standing is not None and standing.few,
    }


def _group(told: GroupScore) -> Json:
    group = told.group
    return {
        "id": group.id,
        "title_vi": group.title_vi,
        "title_en": group.title_en,
        "weight": float(group.weight),
        "weight_now": float(told.weight),
        "points": _points(told.points),
        "own_points": _points(told.own_points),
        "parts": [_part(p) for p in told.parts],
    }


def _part(told: PartScore) -> Json:
    part, given = told.part, told.given
    return {
        "id": part.id,
        "title_vi": part.title_vi,
        "title_en": part.title_en,
        "rule_vi": part.rule_vi,
        "rule_en": part.rule_en,
        "status": given.status,
        "indicator": part.indicator or None,
        "period": part.period or None,
        "value": given.value,
        "num": given.num,
        "den": given.den,
        "full": float(part.full),
        "assumption": part.assumption,
        "weight": float(part.weight),
        "weight_now": float(told.weight),
        "points": _points(told.points),
    }


def _points(hundredths: int | None) -> float | None:
    return None if hundredths is None else hundredths / HUNDREDTHS
