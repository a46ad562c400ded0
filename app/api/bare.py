"""Bare: the live channel in front of everything else; ten thousand of it cost what they must."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.admission import Admission
from app.api.parts import ROOT, ApiParts


class BareLive:
    """Asks the gate, and hands the connection to the hub; no other layer keeps a frame of it."""

    def __init__(self, app: ASGIApp, parts: ApiParts) -> None:
        self._app = app
        self._live = parts.live if parts.gate is None else Admission(parts.live, parts.gate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        bare = scope["type"] == "websocket" and scope["path"] == f"{ROOT}/live"
        await (self._live if bare else self._app)(scope, receive, send)
