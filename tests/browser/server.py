"""Server: the built screens and a live channel that a test holds in its hand, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.api.pages import pages
from tests.browser.feed import ROOT, Feed

STATIC = ROOT / "app/static"
BEAT_S = 0.2


def _app(feed: Feed) -> Starlette:
    async def snapshot(request: Request) -> Response:
        if feed.refuses:
            return JSONResponse({"title": "away"}, 503)
        return JSONResponse(feed.snapshot())

    async def live(ws: WebSocket) -> None:
        if feed.refuses:
            await ws.close()
            return
        await ws.accept()
        hello = {"epoch": "e", "offset": 1, "build": feed.build, "schema": 1}
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await ws.send_json({"t": "hello", **hello, "clock": feed.clock()})
            sent = -1
            while not feed.over:
                if feed.edition != sent and feed.beating:
                    sent = feed.edition
                    await ws.send_json({"t": "snapshot", "data": feed.snapshot()})
                for frame in feed.frames() if feed.beating else ():
                    await ws.send_json(frame)
                await asyncio.sleep(BEAT_S)
            await ws.close()

    routes = [Route("/api/v1/snapshot", snapshot), WebSocketRoute("/api/v1/live", live)]
    return Starlette(routes=[*routes, pages(STATIC)])


@contextmanager
def served(feed: Feed) -> Iterator[str]:
    """Serves the feed on a free loopback port; gives the address."""
    if not (STATIC / "index.html").exists():
        raise FileNotFoundError(f"{STATIC} has no page: run `make ui`")
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            _app(feed), log_level="error", lifespan="off", ws="websockets-sansio",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started:
            if time.monotonic() > deadline:
                raise TimeoutError("the test's server did not start within 10 s")
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            feed.over, server.should_exit = True, True
            thread.join(10)
