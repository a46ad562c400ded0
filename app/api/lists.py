"""Lists: the routes that answer with what the profile states, cases, sources and alerts."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api import models, models_definitions
from app.api.figures import json
from app.api.parts import ROOT, ApiParts
from app.api.problems import RESPONSES, Refused, unknown
from app.api.queries import (
    AlertsQuery,
    AreasQuery,
    CasesQuery,
    QuarantineQuery,
    SubjectsQuery,
    choose_subjects,
    day,
    days_between,
    owners_of,
)
from app.api.seen import Seen
from app.api.then import as_of_s, asked_day
from app.domain.alerting import ALWAYS
from app.domain.clock import iso
from app.domain.indicator import Indicator
from app.domain.period import date_of
from app.domain.ports import CaseRow, QuarantineRow
from app.domain.profile import Profile
from app.domain.shape import (
    Json,
    alert_shape,
    indicator_shape,
    qualities,
    source_shape,
    subject_shape,
)


def stated(parts: ApiParts) -> APIRouter:
    """``/subjects``, ``/indicators``: what the profile states."""
    router = APIRouter(prefix=ROOT, responses=RESPONSES, tags=["profile"])
    profile = parts.profile

    @router.get("/subjects", response_model=models.Subjects)
    async def subjects(query: Annotated[SubjectsQuery, Query()]) -> Response:
        """What figures are about, by level and by the subject they roll up to."""
        chosen = choose_subjects(profile, [], query.level)
        parent = query.parent
        if parent is not None:
            choose_subjects(profile, [parent], None)
        today = date_of(int(parts.clock.now_s()))
        standing = profile.subjects_on(day(query.on, "on") if query.on is not None else today)
        found = [s for s in standing if chosen is None or s.id in chosen]
        shapes = [subject_shape(s) for s in found if parent is None or s.parent == parent]
        return json({"subjects": shapes})

    @router.get("/indicators", response_model=models_definitions.Indicators)
    async def indicators(query: Annotated[AreasQuery, Query()]) -> Response:
        """Every indicator with its formula, its targets, and what the law calls it on a day."""
        today = date_of(int(parts.clock.now_s()))
        on = day(query.on, "on") if query.on is not None else today
        told = [_indicator(profile, i, on) for i in profile.indicators.values()]
        return json({"indicators": told})

    return router


def counted(parts: ApiParts) -> APIRouter:
    """``/cases``, ``/alerts``: what lies behind the figures and what follows from them."""
    router = APIRouter(prefix=ROOT, responses=RESPONSES, tags=["cases and alerts"])

    @router.get("/cases", response_model=models.Cases)
    async def cases(seen: Seen, query: Annotated[CasesQuery, Query()]) -> Response:
        """Cases open and past their due time, the longest overdue first."""
        on = asked_day(parts, query.on)
        asked_s, at_s = as_of_s(parts, on), await _known_s(parts, query.kind)
        owners, sector = owners_of(parts.profile, query.subject, date_of(asked_s))
        if on is not None:
            at_s = min(asked_s, at_s)
        skipped = int(query.after or 0)
        total, rows = await parts.cases.overdue(
            seen,
            kind=query.kind,
            owners=owners,
            sector=sector,
            at_s=at_s,
            limit=query.limit,
            after=query.after,
        )
        done = skipped + len(rows)
        following = str(done) if rows and done < total else None
        return json({"cases": [_case(r, at_s) for r in rows], "total": total, "next": following})

    @router.get("/alerts", response_model=models.Alerts)
    async def alerts(seen: Seen, query: Annotated[AlertsQuery, Query()]) -> Response:
        """Episodes of lagging indicators, the newest first."""
        on = asked_day(parts, query.on)
        at_s = ALWAYS if on is None else as_of_s(parts, on)
        rows = await parts.alerts.alerts(seen, query.state, query.limit, at_s)
        return json({"alerts": [alert_shape(a, parts.profile, seen) for a in rows]})

    return router


def fed(parts: ApiParts) -> APIRouter:
    """``/sources``, ``/quarantine``: the feeds and what of them could not be read."""
    router = APIRouter(prefix=ROOT, responses=RESPONSES, tags=["sources"])
    profile = parts.profile

    @router.get("/sources", response_model=models.Sources)
    async def sources() -> Response:
        """Every feed with its freshness, progress and last error."""
        healths = {h.id: h for h in await parts.sources.health()}
        judged = qualities(profile, healths, parts.clock.now_s(), parts.clock.rate())
        found = [
            source_shape(c, healths.get(c.id), parts.clock, judged[c.id])
            for c in profile.sources.values()
        ]
        return json({"sources": found})

    @router.get("/quarantine", response_model=models.Quarantine)
    async def quarantine(seen: Seen, query: Annotated[QuarantineQuery, Query()]) -> Response:
        """Payloads that could not be read, with the reason, the newest first."""
        if seen.subjects is not None:
            # What could not be read is of no subject: it might be anybody's.
            raise Refused(
                403, "quarantine needs a token for every subject; make one: --subject '*'"
            )
        if query.source is not None and query.source not in profile.sources:
            raise unknown("source", query.source, profile.sources, "see /api/v1/sources")
        before = int(query.after) if query.after else None
        # One more than asked for says whether there is a next page.
        read = await parts.sources.quarantine(seen, query.source, query.limit + 1, before)
        rows = read[: query.limit]
        found = [_quarantined(r) for r in rows]
        following = str(rows[-1].id) if len(read) > len(rows) else None
        return json({"quarantine": found, "next": following})

    return router


def _quarantined(kept: QuarantineRow) -> Json:
    return {
        "id": kept.id,
        "source": kept.source,
        "known_at": iso(kept.known_s),
        "reason": kept.reason,
        "payload": kept.payload,
        "count": kept.count,
        "whole_page": kept.whole_page,
        "replayed": kept.replayed,
    }


def _indicator(profile: Profile, indicator: Indicator, on: date) -> Json:
    return {
        **indicator_shape(indicator, on),
        "formula_vi": indicator.formula_vi,
        "formula_en": indicator.formula_en or None,
        "assumption_en": indicator.assumption_en or None,
        "legal_source_en": profile.legal_en(indicator.legal_source),
        "targets": [
            {
                "value": t.value,
                "subjects": list(t.subjects),
                "levels": list(t.levels),
                "legal_source": t.legal_source,
                "legal_source_en": profile.legal_en(t.legal_source),
                "deadline": t.deadline,
                "kind": t.kind,
                "baseline": t.baseline,
                "assumption": t.assumption,
                "assumption_en": t.assumption_en or None,
            }
            for t in indicator.targets
        ],
    }


async def _known_s(parts: ApiParts, kind: str) -> int:
    """Up to when cases of this kind are known: a list must not be ahead of its indicator."""
    source = _source_of(parts.profile, kind)
    healths = {h.id: h for h in await parts.sources.health()}
    health = healths.get(source)
    known = health.watermark_s if health is not None else None
    return int(parts.clock.now_s()) if known is None else known


def _source_of(profile: Profile, kind: str) -> str:
    sources = {i.measure.records: i.source for i in profile.indicators.values()}
    if kind not in sources:
        raise unknown("kind", kind, sources, "these are the records the indicators count")
    return sources[kind]


def _case(row: CaseRow, at_s: int) -> Json:
    return {
        "code": row.code,
        "kind": row.kind,
        "agency": row.agency,
        "sector": row.sector,
        "opened_at": iso(row.received_s),
        "due_at": None if row.due_s is None else iso(row.due_s),
        "state": "overdue",
        "overdue_days": 0 if row.late_s is None else days_between(row.late_s, at_s),
    }
