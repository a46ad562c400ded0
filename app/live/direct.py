"""Direct: a WebSocket connection whose transport the hub may write finished frames to.

A server's frames carry no mask (RFC 6455 section 5.1), so one frame serves every client: it is made
once and handed to each transport, without a coroutine, a lock or a copy for each of them. The
class leans on uvicorn's own one; ``tests/unit/test_live_direct.py`` is the contract, and without
it everything goes the usual way, frame by frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import zlib
from collections.abc import Callable
from typing import Any, Protocol, cast
from urllib.parse import unquote

from starlette.types import Scope
from typing_extensions import override
from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected, is_ssl
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import InvalidHandshake
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.protocol import Protocol as Spoken
from websockets.server import ServerProtocol

from app.live import handshake

EXTENSION = "ioc.direct"
# The kernel would take megabytes for a slow reader, and serve them to it minutes old.
SEND_BUFFER = 16 * 1024
# Above this the connection counts as full until it is empty again; a usual delta stays below.
FULL_ABOVE = 4 * 1024
PING_EVERY_S, PONG_WITHIN_S = 14.0, 14.0  # a half-open connection is gone within 30 s
LINGER_S = 1.0
# Nobody may send the server more than this in one message; a wall sends almost nothing.
LARGEST_MESSAGE = 64 * 1024
_to_kernel = os.write


class Direct(Protocol):
    """What the hub needs of a connection; without one it goes the server's usual way."""

    on_drain: Callable[[], None] | None
    on_busy: Callable[[], None] | None
    deflates: bool
    file: int

    def idle(self) -> bool:
        """Whether everything written so far has been handed to the kernel."""
        ...

    def offer(self, frame: bytes, *, whole: bool = True) -> bool:
        """Write a finished frame if nothing waits before it; False when something does.

        ``whole``: False for the rest of a frame whose beginning the kernel has taken.
        """
        ...

    def push(self, frame: bytes) -> None:
        """Write a finished frame behind whatever waits."""
        ...

    def abort(self) -> None:
        """End the connection now, whatever it has not taken yet."""
        ...


def direct_of(scope: Scope) -> Direct | None:
    found: Direct | None = scope.get("extensions", {}).get(EXTENSION)
    return found


def text_frame(text: bytes, first: int = 0x81) -> bytes:
    """A final, unmasked text frame."""
    size = len(text)
    if size < 126:
        return struct.pack("!BB", first, size) + text
    if size < 65536:
        return struct.pack("!BBH", first, 126, size) + text
    return struct.pack("!BBQ", first, 127, size) + text


def deflated_frame(text: bytes) -> bytes:
    """The same compressed (RFC 7692), for everybody who agreed to messages without a context."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
    return text_frame(packed[:-4], 0xC1)


class _Speaking(ServerProtocol):
    """The library's rules, but for one: who closes in the middle of a message has closed.

    RFC 6455 lets control frames come between the pieces of a message (section 5.4), a close among
    them; the library takes that for an error and answers 1002 instead of the peer's own code.
    """

    @override
    def recv_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)


class _Watched:
    """A transport that says when the server itself writes to it: a pong, a ping, a close."""

    __slots__ = ("_noted", "_transport")

    def __init__(self, transport: asyncio.Transport, noted: Callable[[], None]) -> None:
        self._transport, self._noted = transport, noted

    def write(self, data: bytes) -> None:
        self._noted()
        self._transport.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)


class DirectProtocol(WebSocketsSansIOProtocol):
    """uvicorn's own WebSocket protocol, which shows itself to the application.

    Whoever writes by ``file`` must know that nothing waits in the transport. Nothing does from
    when ``idle`` says so until ``on_busy`` is called, which comes before the file is closed.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.on_drain: Callable[[], None] | None = None
        self.on_busy: Callable[[], None] | None = None
        self.file = -1
        # Made over, not anew: thousands may come back at once.
        self.conn.__class__ = _Speaking
        if self.config.ws_per_message_deflate:
            self.conn.available_extensions = [handshake.AGREED]
        self._asked: handshake.Request | None = None
        self._agreed = b""

    @property
    def deflates(self) -> bool:
        """Whether the peer takes what ``deflated_frame`` makes."""
        return any(
            isinstance(e, PerMessageDeflate) and e.local_max_window_bits == 15
            for e in self.conn.extensions
        )

    @override
    def data_received(self, data: bytes) -> None:
        if self.handshake_initiated or not self._usual(data):
            super().data_received(data)

    def _usual(self, data: bytes) -> bool:
        """Take a handshake as nearly all are; False leaves it to the library."""
        asked = handshake.usual(data)
        if asked is None:
            return False
        if self.conn.available_extensions:
            try:
                self._agreed, found = handshake.agreed(asked.extensions)
            except InvalidHandshake:
                return False
            self.conn.extensions = list(found)
        self._asked, self.handshake_initiated, self.conn.accept_called = asked, True, True
        # What comes from here on are frames.
        self.conn.parser = Spoken.parse(self.conn)
        next(self.conn.parser)
        path = self.root_path + unquote(asked.path)
        self.scope = {
            "type": "websocket", "asgi": {"version": self.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1", "scheme": self.scheme, "server": self.server,
            "client": self.client, "root_path": self.root_path, "path": path,
            "raw_path": self.root_path.encode() + asked.path.encode(),
            "query_string": asked.query, "headers": asked.headers,
            "subprotocols": asked.subprotocols, "state": self.app_state.copy(),
            "extensions": {"websocket.http.response": {}},
        }  # fmt: skip
        self.queue.put_nowait({"type": "websocket.connect"})
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.on_task_complete)
        self.tasks.add(task)
        self._show()
        return True

    @override
    async def send(self, message: ASGISendEvent) -> None:
        asked = self._asked
        if asked is None or message["type"] != "websocket.accept" or self.handshake_complete:
            await super().send(message)
            return
        self._asked = None
        if self.disconnected:
            raise ClientDisconnected
        more = [*self.default_headers, *message.get("headers", ())]
        told = handshake.answer(asked, self._agreed, message.get("subprotocol"), more)
        if not self.transport.is_closing():
            self.handshake_complete = True
            self.conn.state = OPEN
            self._plain.write(told)
            self.start_keepalive()

    @override
    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if getattr(self, "scope", None) is not None:
            self._show()

    def _show(self) -> None:
        """To the application, whose task runs after this: it was only made by now."""
        extensions = cast(dict[str, object], self.scope["extensions"])
        extensions[EXTENSION] = self
        self.transport.set_write_buffer_limits(high=FULL_ABOVE, low=0)
        self._plain = self.transport
        self.transport = cast(asyncio.Transport, _Watched(self.transport, self._note))
        peer = self.transport.get_extra_info("socket")
        if peer is not None:
            with contextlib.suppress(OSError):
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            if not is_ssl(self.transport):
                self.file = peer.fileno()

    def _note(self) -> None:
        if self.on_busy is not None:
            self.on_busy()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._note()
        self.file = -1
        super().connection_lost(exc)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        if self.on_drain is not None:
            self.on_drain()

    @override
    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        # Closing waits until all is written, which a peer that is gone never takes.
        self.loop.call_later(LINGER_S, self.transport.abort)

    def idle(self) -> bool:
        plain = self._plain
        return not (self.close_sent or plain.is_closing() or plain.get_write_buffer_size())

    def offer(self, frame: bytes, *, whole: bool = True) -> bool:
        # Nothing waits before it, so it may go straight to the kernel: the loop's own way costs
        # as much again as the system call. What the kernel does not take is left to the loop.
        if not self.idle():
            return False
        sent = 0
        if whole and self.file >= 0:
            try:
                sent = _to_kernel(self.file, frame)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.transport.abort()
                return False
        if sent < len(frame):
            self._plain.write(frame[sent:] if sent else frame)
        return True

    def push(self, frame: bytes) -> None:
        if not (self.close_sent or self._plain.is_closing()):
            self._plain.write(frame)

    def abort(self) -> None:
        self.transport.abort()


# What the server is told of its WebSockets. Deflate is agreed to and used for snapshots: one
# compressed frame serves all of a scope; deltas cost more to compress than to send.
CONNECTIONS: dict[str, Any] = {
    "ws": DirectProtocol,
    "ws_max_size": LARGEST_MESSAGE,
    "ws_ping_interval": PING_EVERY_S,
    "ws_ping_timeout": PONG_WITHIN_S,
    "ws_per_message_deflate": True,
}
