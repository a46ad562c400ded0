"""Guard: security headers on every answer, and a count and time of every request."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import away, failed
from app.api.ready import Ready

READY_WITHIN_S = 1.0
# Svelte sets style attributes for bar lengths and grid places; scripts are files only.
CSP = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", CSP.encode()),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class Guard:
    """Plain ASGI, so that WebSockets and streams pass through untouched."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry, ready: Ready) -> None:
        self._app, self._ready = app, ready
        self._count = Counter(
            "ioc_http_requests", "Requests answered", ["route", "status"], registry=registry
        )
        self._time = Histogram(
            "ioc_http_request_seconds", "Time to answer", ["route"], registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = ""

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except Exception as error:
            if status:  # Half an answer is out: only the connection's end can tell.
                raise
            # Asked, because a driver's errors are of classes this room cannot name.
            answer = failed if await self._ready.within(READY_WITHIN_S) else away
            await answer(scope["path"], error)(scope, receive, guarded)
        finally:
            # The route's own template: addresses people invent must not become time series.
            route = getattr(scope.get("route"), "path", "none")
            self._count.labels(route, status).inc()
            self._time.labels(route).observe(time.perf_counter() - began)
