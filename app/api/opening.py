"""Opening: an ASGI app whose parts are opened at start-up, inside the server's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

# Given what ends them: the app, and the work that goes on beside it.
OpenParts = Callable[[asyncio.Event], Awaitable[tuple[ASGIApp, Awaitable[None]]]]


class Opening:
    """Serves what ``open_parts`` gives, from the server's start to its end."""

    def __init__(self, open_parts: OpenParts) -> None:
        self._open_parts = open_parts
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        stop = asyncio.Event()
        self._app, work = await self._open_parts(stop)
        running = asyncio.ensure_future(work)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        stop.set()
        await asyncio.gather(running, return_exceptions=True)
        await send({"type": "lifespan.shutdown.complete"})


class Changing:
    """An app that another one takes the place of; what is under way stays with the one it met."""

    def __init__(self, now: FastAPI) -> None:
        self.now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.now(scope, receive, send)
