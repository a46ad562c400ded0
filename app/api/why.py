"""Why: one reading taken apart, so that whoever is judged by it can check it."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api import models_why
from app.api.figures import json
from app.api.parts import ROOT, ApiParts
from app.api.problems import RESPONSES, Refused
from app.api.queries import WhyQuery, check_indicators, check_period, choose_subjects
from app.api.seen import Seen
from app.api.then import asked_day, readings_on
from app.domain.access import Visible
from app.domain.clock import iso, local_date
from app.domain.indicator import Indicator, Target, target_of
from app.domain.period import date_of
from app.domain.reading import Reading
from app.domain.shape import Json, qualities, reading_shape
from app.domain.trajectory import trajectory_of
from app.domain.why import DefinitionVersion, FeedPage, Part, add_up, numbers, parts_of, version_of

PAGES_SHOWN = 5
BESIDE = ("unjudged_766", "reappointed")


def why(parts: ApiParts) -> APIRouter:
    """``/readings/why``."""
    router = APIRouter(prefix=ROOT, responses=RESPONSES, tags=["figures"])
    origin = _Origin(parts)

    @router.get("/readings/why", response_model=models_why.Why)
    async def explain(seen: Seen, query: Annotated[WhyQuery, Query()]) -> Response:
        """Formula, parts that add up to the reading, target, and the feed pages that moved it."""
        check_indicators(parts.profile, [query.indicator])
        check_period(query.period)
        choose_subjects(parts.profile, [query.subject], None)
        indicator = parts.profile.indicators[query.indicator]
        on = asked_day(parts, query.on)
        whole, others = await reading_and_parts(parts, seen, indicator, query)
        shares = add_up(whole, others)
        # Which pages moved a figure of a day that is over is not told: the log is read backwards.
        pages, looked = ([], 0) if on else await origin.pages(indicator, query.subject)
        healths = {h.id: h for h in await parts.sources.health()}
        judged = qualities(parts.profile, healths, parts.clock.now_s(), parts.clock.rate())
        body: Json = {
            "reading": reading_shape(whole, judged),
            "definition": _definition(
                parts, indicator, await origin.versions(indicator), whole.definition
            ),
            "since": await origin.since(whole),
            "target": _target(parts, indicator, whole),
            "parts": [_part(parts, p) for p in shares],
            "adds_up": bool(shares),
            "beside": [reading_shape(r, judged) for r in await _beside(parts, seen, whole, on)],
            "pages": [_page(p) for p in pages],
            "pages_looked_at": looked,
        }
        return json(body)

    return router


async def reading_and_parts(
    parts: ApiParts, seen: Visible, indicator: Indicator, query: WhyQuery
) -> tuple[Reading, list[Reading]]:
    """The reading asked about and those of its parts, read together so that they add up."""
    subject, period = query.subject, query.period or indicator.periods[0]
    on = asked_day(parts, query.on)
    day = on or date_of(int(parts.clock.now_s()))
    wanted = parts_of(parts.profile, subject, day, by_group="group" in indicator.levels)
    found = await readings_on(
        parts, seen, on, indicators=[indicator.id], subjects=[subject, *wanted], period=period
    )
    whole = next((r for r in found if r.subject == subject), None)
    if whole is None:
        raise Refused(
            404,
            f"{indicator.id} has no {period} reading for {subject}; expected one of the levels"
            f" {', '.join(indicator.levels)}; see /api/v1/readings/latest",
        )
    return whole, [r for r in found if r.subject != subject]


async def _beside(parts: ApiParts, seen: Visible, whole: Reading, on: date | None) -> list[Reading]:
    """What rule 2.1 counts beside the share on time, so that neither can hide."""
    if parts.profile.indicators[whole.indicator].measure.rule != "on_time_766":
        return []
    wanted = [
        i.id
        for i in parts.profile.indicators.values()
        if i.source == whole.source and i.measure.rule in BESIDE
    ]
    return await readings_on(
        parts, seen, on, indicators=wanted, subjects=[whole.subject], period=whole.period
    )


class _Origin:
    """Which feed pages moved a figure; who counts for whom is remembered."""

    def __init__(self, parts: ApiParts) -> None:
        self._provenance = parts.provenance
        self._places = numbers(parts.profile)
        self._clock = parts.clock
        self._subjects = lru_cache(maxsize=50_000)(
            lambda owner, sector, on: frozenset(parts.profile.subjects_of(owner, sector, on))
        )

    async def pages(self, indicator: Indicator, subject: str) -> tuple[list[FeedPage], int]:
        if self._provenance is None:
            return [], 0
        today = date_of(int(self._clock.now_s()))
        return await self._provenance.pages(
            indicator.source,
            self._places[indicator.id],
            lambda owner, sector: subject in self._subjects(owner, sector, today),
            PAGES_SHOWN,
        )

    async def versions(self, indicator: Indicator) -> list[DefinitionVersion]:
        return [] if self._provenance is None else await self._provenance.versions(indicator.id)

    async def since(self, reading: Reading) -> str | None:
        """A course knows it to the day; else the kept closes are asked."""
        since = None if reading.pace is None else reading.pace.since_s
        if since is None and self._provenance is not None:
            since = await self._provenance.since(reading)
        return None if since is None else iso(since)


def _definition(
    parts: ApiParts, indicator: Indicator, versions: list[DefinitionVersion], judged_by: str
) -> Json:
    """``judged_by``: the version of then; the words are those of today."""
    version = judged_by or version_of(indicator)
    return {
        "id": indicator.id,
        "version": version,
        "number": next((v.number for v in versions if v.version == version), None),
        "versions": [
            {
                "version": v.version,
                "number": v.number,
                "begins": iso(v.from_s),
                "known_real": v.known,
            }
            for v in versions
        ],
        "formula_vi": indicator.formula_vi,
        "formula_en": indicator.formula_en or None,
        "kind": indicator.measure.kind,
        "rule": indicator.measure.rule,
        "records": indicator.measure.records,
        "num": list(indicator.measure.num),
        "den": list(indicator.measure.den),
        "legal_source": indicator.legal_source,
        "legal_source_en": parts.profile.legal_en(indicator.legal_source),
        "assumption": indicator.assumption,
        "assumption_en": indicator.assumption_en or None,
    }


def _target(parts: ApiParts, indicator: Indicator, reading: Reading) -> Json | None:
    target = target_of(indicator, parts.profile.subjects[reading.subject])
    if target is None:
        return None
    return {
        "value": target.value,
        "near": target.near,
        "critical": target.critical,
        "deadline": target.deadline or None,
        "legal_source": target.legal_source,
        "legal_source_en": parts.profile.legal_en(target.legal_source),
        "kind": target.kind,
        **_way(parts, target),
    }


def _way(parts: ApiParts, target: Target) -> Json:
    way = trajectory_of(target, parts.profile.rules())
    return {
        "baseline": None if way is None else way.base,
        "begins": None if way is None else local_date(way.calendar.begin_s),
        "shape": None if way is None else target.shape,
        "assumption": target.assumption or None,
        "assumption_en": target.assumption_en or None,
    }


def _part(parts: ApiParts, part: Part) -> Json:
    subject = parts.profile.subjects.get(part.subject or "")
    return {
        "subject": part.subject,
        "name_vi": subject.name_vi if subject is not None else "Cơ quan khác, ngoài danh mục",
        "value": part.value,
        "num": part.num,
        "den": part.den,
    }


def _page(page: FeedPage) -> Json:
    return {
        "seq": page.seq,
        "payload_sha256": page.payload_sha256,
        "watermark": iso(page.watermark_s),
        "records": page.records,
        "stored_real": page.stored,
        "collector": page.collector,
    }
