"""Servers: the same bytes at the same rate to every reader, by the product and by its peers.

    python -m benchmarks.live.servers KIND PORT HZ

Kinds: ours, naive (FastAPI: ``await ws.send_json`` in a loop), broadcast (websockets), socketio,
nats.
Every server prints "ready" once it listens.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from socket import socket as Socket
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.asyncio.server import ServerConnection

PAD = "x" * 330  # a message is about as long as a delta of the product that moves one tile


def message() -> dict[str, object]:
    return {"ts": f"@@{time.monotonic_ns()}", "pad": PAD}


async def at_rate(hz: float, send: Callable[[], Any]) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due = max(due + 1 / hz, loop.time())
        await asyncio.sleep(due - loop.time())
        await send()


def _uvicorn(app: ASGIApp, port: int, **options: object) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[Socket] | None = None) -> None:
            await super().startup(sockets)
            print("ready", flush=True)

    options = {"ws_per_message_deflate": False, "log_level": "warning", "backlog": 4096} | options
    Server(uvicorn.Config(app, port=port, **options)).run()


def ours(port: int, hz: float) -> None:
    """The product's hub on the product's own connection, over a feed in memory."""
    from app.domain.clock import RealClock
    from app.live import Hub
    from app.live.direct import CONNECTIONS
    from app.profile import load_profile, profile_folder
    from benchmarks.live.feed import Feed

    gc.set_threshold(10_000, 20, 50)  # as `ioc serve` does
    profile = load_profile(profile_folder("laocai"))
    held: dict[str, Any] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            feed = Feed(profile)
            held["hub"] = Hub(
                profile, RealClock(), feed, feed.snapshot, feed, feed, feed, clients_at_most=20_000
            )
            stop = asyncio.Event()
            tasks = [
                asyncio.create_task(held["hub"].run(stop)),
                asyncio.create_task(feed.publishing(hz)),
            ]
            await send({"type": "lifespan.startup.complete"})
            await receive()
            for task in tasks:
                task.cancel()
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "websocket":
            await held["hub"](scope, receive, send)

    _uvicorn(app, port, lifespan="on", **CONNECTIONS)


def naive(port: int, hz: float) -> None:
    """What the documentation of FastAPI shows."""
    from benchmarks.live.naive import app_at

    _uvicorn(app_at(hz, message), port)


def broadcast(port: int, hz: float) -> None:
    """The broadcast of the library ``websockets`` on its own listener."""
    import uvloop
    from websockets.asyncio.server import broadcast as to_all
    from websockets.asyncio.server import serve

    async def run() -> None:
        clients: set[ServerConnection] = set()

        async def live(socket: ServerConnection) -> None:
            clients.add(socket)
            try:
                await socket.wait_closed()
            finally:
                clients.discard(socket)

        async def all_of_them() -> None:
            to_all(clients, json.dumps(message()))

        async with serve(live, "127.0.0.1", port, compression=None, backlog=4096):
            print("ready", flush=True)
            await at_rate(hz, all_of_them)

    uvloop.run(run())


def socketio(port: int, hz: float) -> None:
    """python-socketio on uvicorn, WebSocket only."""
    import socketio as library

    server = library.AsyncServer(async_mode="asgi", transports=["websocket"])
    app = library.ASGIApp(server)

    async def whole(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()

            async def all_of_them() -> None:
                await server.emit("d", message())

            task = asyncio.create_task(at_rate(hz, all_of_them))
            await send({"type": "lifespan.startup.complete"})
            await receive()
            task.cancel()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await app(scope, receive, send)

    _uvicorn(whole, port, lifespan="on")


def nats(port: int, hz: float) -> None:
    """nats-server with its own WebSocket listener; a small publisher beside it."""
    import shutil
    import socket
    import subprocess
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        inner = free.getsockname()[1]
        free.close()
        conf.write(
            f"listen: 127.0.0.1:{inner}\nmax_connections: 20000\n"
            f"websocket {{ listen: '127.0.0.1:{port}', no_tls: true, compression: false }}\n"
        )
        conf.flush()
        program = shutil.which("nats-server")
        if program is None:
            raise RuntimeError("no nats-server: the benchmark installs it into build/peers")
        server = subprocess.Popen([program, "-c", conf.name], stderr=subprocess.DEVNULL)
        try:
            asyncio.run(_publish(inner, hz))
        finally:
            server.terminate()


async def _publish(port: int, hz: float) -> None:
    for _ in range(100):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except OSError:
            await asyncio.sleep(0.05)
    await reader.readline()
    writer.write(b'CONNECT {"verbose":false}\r\n')
    print("ready", flush=True)

    async def all_of_them() -> None:
        body = json.dumps(message()).encode()
        writer.write(b"PUB d %d\r\n%s\r\n" % (len(body), body))
        await writer.drain()

    async def answers() -> None:
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")

    asyncio.get_running_loop().create_task(answers())
    await at_rate(hz, all_of_them)


KINDS = {"nats": nats, "ours": ours, "naive": naive, "broadcast": broadcast, "socketio": socketio}

if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 30_000), most))
    KINDS[sys.argv[1]](int(sys.argv[2]), float(sys.argv[3]))
