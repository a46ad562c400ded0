"""Land: the routes that answer with units, centres and codes as they stood on a date."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api import models
from app.api.figures import json
from app.api.parts import ROOT, ApiParts
from app.api.problems import RESPONSES, Refused
from app.api.queries import AreasQuery, CodesQuery, day
from app.domain.clock import local_date
from app.domain.land import held_on
from app.domain.shape import Json, area_shape, centre_shape


def land(parts: ApiParts) -> APIRouter:
    """``/areas``, ``/codes``."""
    router = APIRouter(prefix=ROOT, responses=RESPONSES, tags=["profile"])
    profile = parts.profile

    @router.get("/areas", response_model=models.Areas)
    async def areas(query: Annotated[AreasQuery, Query()]) -> Response:
        """Province, districts and communes as they stood on a date, by law."""
        today = local_date(parts.clock.now_s())
        on = day(query.on, "on") if query.on is not None else date.fromisoformat(today)
        known = profile.areas
        last = max(known.last_change, date.fromisoformat(today))
        if not known.known_from <= on <= last:
            # What the law will say later, or said before the lists begin, would be a guess.
            detail = f"on {on} is outside what is known; expected {known.known_from} to {last};"
            raise Refused(422, f"{detail} choose a day there", "on")
        found = [area_shape(a) for a in known.on(on)]
        centres = [centre_shape(c) for c in held_on(profile.centres, on)]
        told: Json = {"on": on.isoformat(), "areas": found, "centres": centres}
        return json({**told, "assumptions": known.assumptions})

    @router.get("/codes", response_model=models.Codes)
    async def codes(query: Annotated[CodesQuery, Query()]) -> Response:
        """Codes of other systems and what they name on a date; a code may name several."""
        today = date.fromisoformat(local_date(parts.clock.now_s()))
        on = day(query.on, "on") if query.on is not None else today
        found = [
            {"scheme": c.scheme, "code": c.code, "subject": c.subject}
            for c in held_on(profile.codes, on)
            if query.scheme in (None, c.scheme) and query.code in (None, c.code)
        ]
        return json({"on": on.isoformat(), "codes": found})

    return router
