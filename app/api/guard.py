"""Guard: headers, a count and a time for every request, and an answer also when the data hangs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.parts import ROOT
from app.api.problems import away, failed
from app.api.ready import Ready

READY_WITHIN_S = 1.0
PATIENT_S = 3.0  # then the database is asked whether it answers at all
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
        self._left: set[asyncio.Future[None]] = set()
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
            await self._answered(scope, receive, guarded, lambda: bool(status))
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

    async def _answered(
        self, scope: Scope, receive: Receive, send: Send, begun: Callable[[], bool]
    ) -> None:
        """The application's answer; TimeoutError while a database that hangs keeps it waiting.

        The work is then left to its fate, not cancelled: a connection that waits for a stopped
        server cannot be given back before it answers. Nobody joins it: as long as work is left,
        requests are let through only when the database answers.
        """
        if not scope["path"].startswith(f"{ROOT}/"):
            return await self._app(scope, receive, send)
        if self._left and not await self._ready.within(READY_WITHIN_S):
            raise TimeoutError("the database does not answer since other requests")
        given_up = False

        async def wanted(message: Message) -> None:
            if not given_up:
                await send(message)

        work = asyncio.ensure_future(self._app(scope, receive, wanted))
        try:
            while not (await asyncio.wait([work], timeout=PATIENT_S))[0]:
                if not begun() and not await self._ready.within(READY_WITHIN_S):
                    given_up = True
                    break
        except asyncio.CancelledError:
            work.cancel()
            raise
        if not given_up:
            return work.result()
        self._left.add(work)
        work.add_done_callback(self._forget)
        raise TimeoutError(f"no answer within {PATIENT_S:g} s, and the database gives none")

    def _forget(self, work: asyncio.Future[None]) -> None:
        self._left.discard(work)
        if not work.cancelled():
            work.exception()  # taken, so that nobody is told of what nobody waits for
