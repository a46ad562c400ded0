"""The quick handshake answers as the library does, and leaves to it whatever is unusual."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket

import pytest
import uvicorn

from app.live import handshake
from app.live.direct import CONNECTIONS, DirectProtocol

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
USUAL = {
    "Host": "x", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}  # fmt: skip
DEFLATE = "permessage-deflate; client_max_window_bits"


class ByTheLibrary(DirectProtocol):
    def _usual(self, data):
        return False


async def app(scope, receive, send):
    """Accepts with what was asked for, refuses, or answers by HTTP, as the path says."""
    await receive()
    if scope["path"] == "/no":
        await send({"type": "websocket.close"})
    elif scope["path"] == "/http":
        await send({"type": "websocket.http.response.start", "status": 418, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"tea"})
    else:
        told = repr([scope[k] for k in ("path", "raw_path", "query_string", "subprotocols")])
        headers = [(b"x-told", told.encode()), *((b"x-" + k, v) for k, v in scope["headers"])]
        spoken = next(iter(scope["subprotocols"]), None)
        await send({"type": "websocket.accept", "subprotocol": spoken, "headers": headers})
        await send({"type": "websocket.send", "text": "hello"})
        with contextlib.suppress(Exception):
            await send({"type": "websocket.close", "code": 4400})


@contextlib.asynccontextmanager
async def both():
    """The ports of two servers: ours, and the same by the library alone."""
    servers, tasks, ports = [], [], []
    for kind in (DirectProtocol, ByTheLibrary):
        bound = socket.socket()
        bound.bind(("127.0.0.1", 0))
        options = CONNECTIONS | {"ws": kind}
        config = uvicorn.Config(app, lifespan="off", log_level="critical", **options)
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None
        servers.append(server)
        tasks.append(asyncio.create_task(server.serve([bound])))
        ports.append(bound.getsockname()[1])
        while not server.started:
            await asyncio.sleep(0.01)
    yield ports
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)


async def asked(port: int, request: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Status line, header lines in any order, and all that follows."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        code = head.split(b" ", 2)[1]
        rest = await reader.readexactly(7 + 4) if code == b"101" else await reader.read()
    writer.transport.abort()
    status, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    ours = sorted(line for line in (one.lower() for one in lines) if not line.startswith(b"date:"))
    return status, ours, rest


def request_of(headers, path="/", method="GET", version="HTTP/1.1") -> bytes:
    lines = "".join(f"{k}: {v}\r\n" for k, v in headers)
    return f"{method} {path} {version}\r\n{lines}\r\n".encode("latin-1")


def variants(chance: random.Random):
    """Whole and spoilt requests."""
    told = list(USUAL.items())
    yield request_of(told)
    for path in ("/no", "/http", "/a%20b?x=1&y=%C3%A1", "/api/v1/live?epoch=e&offset=5"):
        yield request_of(told, path)
    for name, value in (
        ("Connection", "keep-alive, Upgrade"), ("Connection", "close, upgrade"),
        ("Upgrade", "WebSocket"), ("Upgrade", "h2c"), ("Sec-WebSocket-Version", "12"),
        ("Sec-WebSocket-Version", "8, 13"), ("Sec-WebSocket-Key", "short"),
        ("Sec-WebSocket-Key", "!" * 24), ("Sec-WebSocket-Key", "A" * 24),
        ("Sec-WebSocket-Protocol", "ioc.1"), ("Sec-WebSocket-Protocol", "ioc.9 , ioc.1"),
        ("Sec-WebSocket-Extensions", DEFLATE),
        ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=10"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=9, x-other"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; unheard"),
        ("Sec-WebSocket-Extensions", ";;"), ("Sec-WebSocket-Extensions", "x-webkit-deflate-frame"),
        ("Cookie", "a=b; c=d"), ("Origin", "http://x"), ("X-Odd", "caf\xe9"),
    ):  # fmt: skip
        yield request_of({**USUAL, name: value}.items())
        if name in USUAL or name.startswith("Sec"):
            yield request_of([*told, (name, value)])  # twice
    for gone in USUAL:
        yield request_of([(k, v) for k, v in told if k != gone])
    for _ in range(30):
        some = [*told, ("Accept-Language", "vi"), ("Sec-WebSocket-Extensions", DEFLATE)]
        chance.shuffle(some)
        yield request_of([(chance.choice((k, k.lower(), k.upper())), v) for k, v in some])


async def test_it_answers_as_the_library_does(monkeypatch, record_property):
    taken, usual = [], handshake.usual
    monkeypatch.setattr(handshake, "usual", lambda data: taken.append(usual(data)) or taken[-1])
    chance, looked = random.Random(766), 0
    async with both() as (ours, library):
        for request in variants(chance):
            assert await asked(ours, request) == await asked(library, request), request
            looked += 1
    quick = sum(one is not None for one in taken)
    assert quick > 40, "the quick way was taken"
    assert looked - quick > 10, "and was left"
    record_property("handshakes compared", looked)


@pytest.mark.parametrize("spoilt", [b"", b"\r\n\r\n", b"GET", b"GET / HTTP/1.1\r\n\r\n\x81\x80"])
def test_what_is_no_request_is_not_usual(spoilt):
    assert handshake.usual(spoilt) is None
