"""Echo: sends every message back, on the very class the live channel runs on.

    python -m benchmarks.live.echo PORT

Only for an outside suite of RFC 6455; the largest message is raised to 32 MiB, all else is as
shipped.
"""

from __future__ import annotations

import sys

import uvicorn
from starlette.types import Receive, Scope, Send

from app.live.direct import CONNECTIONS

LARGEST = 32 * 1024 * 1024


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Take the handshake, and say what is said."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        told = {k: message[k] for k in ("text", "bytes") if message.get(k) is not None}
        await send({"type": "websocket.send", **told})


if __name__ == "__main__":
    options = CONNECTIONS | {"ws_max_size": LARGEST, "ws_ping_interval": None}
    uvicorn.run(echo, port=int(sys.argv[1]), lifespan="off", log_level="warning", **options)
