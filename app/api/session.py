"""Session: a screen shows its token once and then holds it where no script can read it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.api import models
from app.api.admission import COOKIE, shown
from app.api.figures import json
from app.api.parts import ROOT, ApiParts
from app.api.problems import RESPONSES, Refused
from app.domain.access import NotAdmitted

KEPT_S = 366 * 86400  # the token itself ends it


def session(parts: ApiParts) -> APIRouter:
    """``/session``: the cookie of a screen; the address never holds the secret."""
    router = APIRouter(prefix=ROOT, responses=RESPONSES, tags=["access"])

    @router.post("/session", response_model=models.Status)
    async def begin(request: Request) -> Response:
        """Keep the token of the Authorization header in a cookie of this screen."""
        if not request.headers.get("authorization"):
            raise Refused(401, "no token was shown; send it as Authorization: Bearer ioc_…")
        told = shown(request.scope) or ""
        try:
            if parts.gate is not None:
                await parts.gate.admit(presented=told, near=False)
        except NotAdmitted as refused:
            raise Refused(401, refused.detail) from None
        answer = json({"status": "ok"})
        answer.set_cookie(
            COOKIE, told, max_age=KEPT_S, httponly=True, samesite="strict",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        return answer

    @router.delete("/session", response_model=models.Status)
    async def end() -> Response:
        """Forget the token of this screen."""
        answer = json({"status": "ok"})
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    return router
