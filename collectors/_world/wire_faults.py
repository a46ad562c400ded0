"""The faults that spoil what is served: outage, slow and garbage, the same for every feed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from collectors._world.faults import FeedFaults

_DRIPS = 20
_GARBAGE = (
    "<html><head><title>502 Bad Gateway</title></head><body><h1>Hệ thống đang bảo trì</h1>"
    "<p>Xin quý khách vui lòng quay lại sau.</p></body></html>"
)


class WireFaults:
    """Middleware: spoils the answers under a feed's prefix while a fault of the feed is on."""

    def __init__(self, app: ASGIApp, faults_at: Callable[[str], FeedFaults | None]) -> None:
        self._app = app
        self._faults_at = faults_at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass, refuse, drip or spoil."""
        faults = self._faults_at(scope["path"]) if scope["type"] == "http" else None
        if faults is not None:
            faults.asked += 1
        if faults is None:
            await self._app(scope, receive, send)
        elif faults.active("outage"):
            await _refuse(faults, scope, receive, send)
        elif faults.active("garbage") and faults.param("garbage", "mode", "html") != "truncated":
            await HTMLResponse(_GARBAGE)(scope, receive, send)
        else:
            heard = _Heard()
            await self._app(scope, receive, heard)
            if faults.active("garbage"):
                heard.body = heard.body[: len(heard.body) // 2]
            seconds = float(faults.param("slow", "seconds", "30")) if faults.active("slow") else 0.0
            await _say(heard, send, seconds)


@dataclass
class _Heard:
    """The answer of the routes, held back."""

    start: Message = field(default_factory=dict)
    body: bytes = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


async def _refuse(faults: FeedFaults, scope: Scope, receive: Receive, send: Send) -> None:
    if faults.param("outage", "mode", "503") == "close":
        # A head without the promised body makes the server cut the connection.
        head = [(b"content-length", b"1000000"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        return
    headers = {}
    if after := faults.param("outage", "retry_after", ""):
        headers["Retry-After"] = after
    answer: Response = JSONResponse({"error": "Service Unavailable"}, 503, headers=headers)
    await answer(scope, receive, send)


async def _say(heard: _Heard, send: Send, seconds: float) -> None:
    headers = [pair for pair in heard.start["headers"] if pair[0] != b"content-length"]
    headers.append((b"content-length", str(len(heard.body)).encode()))
    await send({**heard.start, "headers": headers})
    size = max(1, -(-len(heard.body) // _DRIPS)) if seconds else max(1, len(heard.body))
    for at in range(0, len(heard.body), size):
        if seconds:
            await asyncio.sleep(seconds / _DRIPS)
        part = heard.body[at : at + size]
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
