"""Handshake: the usual request for a WebSocket, read and answered without the library's own way.

Ten thousand may come back within a second, and all of them ask alike: what every browser sends is
read in one go and answered with bytes. ``usual`` gives None for whatever is not exactly that, and
the library then says what is wrong with it, or does it; ``tests/unit/test_live_direct.py`` holds
both ways to the same answers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from websockets.datastructures import Headers
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.server import ServerProtocol

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_CONNECTION = (b"upgrade", b"keep-alive, upgrade")
_NAMED = b"sec-websocket-"
# Without a context between messages a connection keeps no tables (64 kB each), and one compressed
# frame serves all.
AGREED = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True, client_no_context_takeover=True
)


@dataclass(slots=True)
class Request:
    """What was asked, and the key as it is to be answered."""

    path: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    subprotocols: list[str]
    extensions: bytes
    accept: bytes


def usual(data: bytes) -> Request | None:
    """A whole request as uvicorn's HTTP side hands it on (names in small letters)."""
    head, _, rest = data.partition(b"\r\n\r\n")
    line, *lines = head.split(b"\r\n")
    method, _, line = line.partition(b" ")
    target, _, version = line.rpartition(b" ")
    headers = [(name, value) for name, _, value in (one.partition(b": ") for one in lines)]
    told = dict(headers)
    key = told.get(b"sec-websocket-key", b"")
    if (
        rest
        or (method, version) != (b"GET", b"HTTP/1.1")
        or len(told) != len(headers)
        or not head.isascii()
        or told.get(b"upgrade", b"").lower() != b"websocket"
        or told.get(b"connection", b"").lower() not in _CONNECTION
        or told.get(b"sec-websocket-version") != b"13"
        or len(key) != 24
    ):
        return None
    try:
        if len(binascii.a2b_base64(key, strict_mode=True)) != 16:
            return None
    except binascii.Error:
        return None
    path, _, query = target.partition(b"?")
    spoken = told.get(b"sec-websocket-protocol", b"").decode()
    return Request(
        path.decode(), query, headers, [one.strip() for one in spoken.split(",")] if spoken else [],
        told.get(b"sec-websocket-extensions", b""),
        base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest()),
    )  # fmt: skip


def answer(
    request: Request, agreed: bytes, subprotocol: str | None, more: Iterable[tuple[bytes, bytes]]
) -> bytes:
    """101, with what was agreed on."""
    lines = [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n" % request.accept
    ]
    if agreed:
        lines.append(b"Sec-WebSocket-Extensions: %b\r\n" % agreed)
    lines += [b"%b: %b\r\n" % (name.lower(), value) for name, value in more]
    if subprotocol:
        lines.append(b"Sec-WebSocket-Protocol: %b\r\n" % subprotocol.encode())
    lines.append(b"\r\n")
    return b"".join(lines)


@lru_cache(maxsize=64)
def _agreed(asked: bytes) -> tuple[bytes, tuple[bool, bool, int, int] | None]:
    """What the library agrees to when asked so, as it answers and as the extension is made."""
    library = ServerProtocol(extensions=[AGREED])
    header, found = library.process_extensions(
        Headers([("Sec-WebSocket-Extensions", asked.decode())])
    )
    if header is None or len(found) != 1 or not isinstance(found[0], PerMessageDeflate):
        return b"", None
    one = found[0]
    return header.encode(), (
        one.remote_no_context_takeover,
        one.local_no_context_takeover,
        one.remote_max_window_bits,
        one.local_max_window_bits,
    )


def agreed(asked: bytes) -> tuple[bytes, list[PerMessageDeflate]]:
    """The header of the answer and a connection's own extensions; ValueError: ask the library."""
    if not asked:
        return b"", []
    header, made = _agreed(asked)
    return header, [] if made is None else [PerMessageDeflate(*made)]
