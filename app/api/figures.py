"""Figures: the routes that answer with readings, and the snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from app.api import models
from app.api.parts import ROOT, ApiParts
from app.api.problems import RESPONSES, Refused
from app.api.queries import (
    HistoryQuery,
    LatestQuery,
    check_indicators,
    check_period,
    choose_subjects,
    instant,
    thin,
)
from app.api.seen import Seen
from app.api.snapshot import Snapshots
from app.api.then import asked_day, readings_on, retold
from app.domain.access import Visible
from app.domain.across import Rupture, across, lands, province_on, ruptures
from app.domain.clock import iso
from app.domain.reading import Reading
from app.domain.shape import Json, qualities, reading_shape

HISTORY_DAYS = 30
DAYS_AT_MOST = {"tick": 31, "hour": 92, "day": 800}
READINGS_AT_MOST = 100_000
IN_THREAD = 2000


def json(body: object) -> Response:
    """Encoded at once: tens of thousands of readings through the models would take seconds."""
    return Response(msgspec.json.encode(body), media_type="application/json")


def figures(parts: ApiParts, snapshots: Snapshots) -> APIRouter:
    """``/snapshot``, ``/readings/latest``, ``/readings/history``."""
    router = APIRouter(prefix=ROOT, responses=RESPONSES, tags=["figures"])

    @router.get("/snapshot", response_model=models.Snapshot)
    async def snapshot(seen: Seen) -> Response:
        """Everything a screen needs, with the place in the change log to read on from."""
        text = await snapshots.text(seen)
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})

    @router.get("/readings/latest", response_model=models.Readings)
    async def latest(seen: Seen, query: Annotated[LatestQuery, Query()]) -> Response:
        """The newest reading of every (indicator, subject, period) that fits the filters.

        ``on``: as that day closed with it.
        """
        check_indicators(parts.profile, query.indicator)
        check_period(query.period)
        subjects = choose_subjects(parts.profile, query.subject, query.level)
        readings = await readings_on(
            parts,
            seen,
            asked_day(parts, query.on),
            indicators=query.indicator or None,
            subjects=subjects,
            period=query.period,
        )
        return await _answer(parts, readings)

    @router.get("/readings/history", response_model=models.History)
    async def history(seen: Seen, query: Annotated[HistoryQuery, Query()]) -> Response:
        """Kept readings between two instants, the last one of each step, oldest first."""
        return await _history(parts, seen, query)

    return router


async def _history(parts: ApiParts, seen: Visible, query: HistoryQuery) -> Response:
    check_indicators(parts.profile, [query.indicator])
    check_period(query.period)
    named = [query.subject] if query.subject is not None else []
    subjects = choose_subjects(parts.profile, named, query.level)
    from_s, to_s = _span(parts, query)
    subject = query.subject
    if subject is not None and subjects:
        subject = province_on(parts.profile, subject, to_s)
        subjects = lands(parts.profile, subject, from_s, to_s)
    indicator = parts.profile.indicators[query.indicator]
    found = await parts.readings.history(
        seen,
        indicator=query.indicator,
        subjects=subjects,
        period=query.period or indicator.periods[0],
        from_s=from_s,
        to_s=to_s,
        as_of_s=None if query.as_of is None else instant(query.as_of, "as_of", end=True),
    )
    readings: Sequence[Reading] = thin(found, query.step)
    breaks: list[Rupture] = []
    if subject is not None:
        readings = across(parts.profile, indicator, subject, to_s, readings)
        breaks = ruptures(parts.profile, subject, from_s, to_s)
    return await _answer(parts, await retold(parts, seen, indicator, readings), breaks)


def _span(parts: ApiParts, query: HistoryQuery) -> tuple[int, int]:
    now = int(parts.clock.now_s())
    to_s = now if query.to is None else instant(query.to, "to", end=True)
    default = to_s - HISTORY_DAYS * 86400
    from_s = default if query.from_ is None else instant(query.from_, "from")
    if from_s > to_s:
        raise Refused(422, "from is after to; expected an earlier instant; swap them", "from")
    most = DAYS_AT_MOST[query.step]
    if to_s - from_s > most * 86400:
        detail = f"from…to is too long; step {query.step} gives {most} days; narrow it"
        raise Refused(422, detail, "from")
    return from_s, to_s


async def _answer(
    parts: ApiParts, readings: Sequence[Reading], breaks: Sequence[Rupture] | None = None
) -> Response:
    if len(readings) > READINGS_AT_MOST:
        detail = f"{len(readings)} readings are too many; at most {READINGS_AT_MOST}; narrow it"
        raise Refused(422, detail)
    healths = {h.id: h for h in await parts.sources.health()}
    judged = qualities(parts.profile, healths, parts.clock.now_s(), parts.clock.rate())

    def encoded() -> Response:
        body: Json = {"readings": [reading_shape(r, judged) for r in readings]}
        if breaks is not None:
            body["breaks"] = [
                {"at": iso(b.at_s), "text_vi": b.text_vi, "text_en": b.text_en} for b in breaks
            ]
        return json(body)

    # A large answer takes long enough to hold up the beats of the live channel.
    return encoded() if len(readings) < IN_THREAD else await asyncio.to_thread(encoded)
