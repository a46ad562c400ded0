"""Naive: FastAPI as its documentation shows it; one ``await send_json`` a client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI, WebSocket, WebSocketDisconnect


def app_at(hz: float, message: Callable[[], dict[str, object]]) -> FastAPI:
    """An application that sends ``message()`` to everybody so many times a second."""
    clients: set[WebSocket] = set()

    async def publish() -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + 1 / hz, loop.time())
            await asyncio.sleep(due - loop.time())
            told = message()
            for client in list(clients):
                with contextlib.suppress(Exception):
                    await client.send_json(told)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(publish())
        yield
        task.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.websocket("/")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        clients.add(socket)
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            clients.discard(socket)

    return app
