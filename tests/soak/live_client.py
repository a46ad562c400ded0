"""A screen that keeps a log: a WebSocket by hand, so that it can be cut in every way there is."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import random
import socket
import struct
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

Key = tuple[str, str, str]
SILENT_S = 5.0  # a server that says nothing for so long is given up, as a screen does
CUTS = ("reset", "half-close", "stop reading")
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


@dataclass(frozen=True, slots=True)
class Told:
    """One frame as it came: on which connection, how far it goes, and every figure in it."""

    connection: int
    kind: str
    offset: int
    readings: dict[Key, tuple[object, ...]]
    alerts: dict[int, tuple[object, ...]]
    topic: int = 0  # which of the client's topics holds


@dataclass(frozen=True, slots=True)
class Topic:
    indicators: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()

    def takes(self, indicator: str, subject: str) -> bool:
        return (not self.indicators or indicator in self.indicators) and (
            not self.subjects or subject in self.subjects
        )


@dataclass(slots=True)
class Screen:
    """Connects for ever, resumes where it stopped, applies what it is told and writes it down."""

    number: int
    port: int
    rng: random.Random
    topics: list[Topic]
    slow_s: float = 0.0  # waited between two reads
    epoch: str = ""
    offset: int = -1
    readings: dict[Key, tuple[object, ...]] = field(default_factory=dict)
    alerts: dict[int, tuple[object, ...]] = field(default_factory=dict)
    log: list[Told] = field(default_factory=list)
    connections: int = 0
    resumed: int = 0
    resets: int = 0
    reasons: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    live: bool = False
    holds: int = -1  # for which topic what it shows is whole
    _active: int = 0  # which topic the server goes by
    _writer: asyncio.StreamWriter | None = None
    _deaf_until: float = 0.0

    async def run(self) -> None:
        while True:
            with contextlib.suppress(OSError, TimeoutError, EOFError, asyncio.IncompleteReadError):
                await self._once()
            self.live = False
            await asyncio.sleep(self.rng.uniform(0.02, 0.4))

    def cut(self, how: str) -> bool:
        """End the connection under its feet; False when there is none."""
        writer = self._writer
        if writer is None or not self.live:
            return False
        if how == "half-close":
            with contextlib.suppress(OSError):
                writer.write_eof()
        elif how == "stop reading":
            # Either it goes on afterwards, far behind, or it is cut while it is deaf.
            loop = asyncio.get_running_loop()
            pause = self.rng.uniform(0.3, 3.0)
            self._deaf_until = loop.time() + pause
            if self.rng.random() < 0.5:
                loop.call_later(pause * 0.8, _reset, writer)
        else:
            _reset(writer)
        self.live = how == "stop reading"
        return True

    def ask(self, topic: Topic) -> bool:
        """Another topic, on the open socket."""
        writer = self._writer
        if writer is None or not self.live:
            return False
        told = {
            "t": "subscribe",
            "indicators": sorted(topic.indicators),
            "subjects": sorted(topic.subjects),
        }
        try:
            writer.write(_frame(_TEXT, json.dumps(told).encode()))
        except RuntimeError:  # half closed
            return False
        self.topics.append(topic)
        return True

    async def _once(self) -> None:
        self._deaf_until = 0.0
        sock = socket.socket()
        sock.setblocking(False)
        if self.slow_s:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(5):
                await loop.sock_connect(sock, ("127.0.0.1", self.port))
        except BaseException:
            sock.close()
            raise
        reader, writer = await asyncio.open_connection(sock=sock, limit=8192)
        try:
            asked = self._has_place()
            async with asyncio.timeout(10):
                await self._shake(reader, writer)
            self.connections += 1
            self._writer = writer
            await self._listen(reader, writer, asked)
        finally:
            self._writer = None
            writer.transport.abort()

    async def _shake(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        topic, self._active = self.topics[-1], len(self.topics) - 1
        query = [("indicator", i) for i in sorted(topic.indicators)]
        query += [("subject", s) for s in sorted(topic.subjects)]
        if self._has_place():
            query += [("epoch", self.epoch), ("offset", str(self.offset))]
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /api/v1/live?{urlencode(query)} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ioc.1\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise OSError(head[:60])

    async def _listen(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bool
    ) -> None:
        begun = True
        while True:
            await self._rest()
            async with asyncio.timeout(SILENT_S):
                code, body = await _read_frame(reader)
            if code == _PING:
                with contextlib.suppress(RuntimeError):  # half closed: it may hear, not answer
                    writer.write(_frame(_PONG, body))
            elif code == _CLOSE:
                return
            elif code == _TEXT:
                told = json.loads(body)
                if told["t"] in ("snapshot", "delta", "beat") and begun:
                    begun = False
                    self.live = True
                    self.resumed += asked and told["t"] != "snapshot"
                self._take(told)

    def _has_place(self) -> bool:
        """What it shows may be of another topic than the one it last asked for."""
        return bool(self.epoch) and self.holds == len(self.topics) - 1

    async def _rest(self) -> None:
        deaf = self._deaf_until - asyncio.get_running_loop().time()
        if deaf > 0 or self.slow_s:
            await asyncio.sleep(max(deaf, self.slow_s * self.rng.random()))

    def _take(self, told: dict[str, Any]) -> None:
        kind = told["t"]
        if kind == "reset":
            self.resets += 1
            self.reasons.append(f"{self.offset}: {told['reason']}")
        elif kind == "subscribed":
            same = Topic(frozenset(told["indicators"]), frozenset(told["subjects"]))
            self._active = max(n for n, topic in enumerate(self.topics) if topic == same)
        elif kind == "snapshot":
            data = told["data"]
            self.epoch, self.holds = data["epoch"], self._active
            self.readings, self.alerts = _readings(data), _alerts(data)
            self._note("snapshot", data["offset"], self.readings, self.alerts)
        elif kind == "delta":
            readings, alerts = _readings(told), _alerts(told)
            self.readings |= readings
            self.alerts |= alerts
            self._note("delta", told["offset"], readings, alerts)

    def _note(
        self,
        kind: str,
        offset: int,
        readings: dict[Key, tuple[object, ...]],
        alerts: dict[int, tuple[object, ...]],
    ) -> None:
        self.offset = offset
        told = Told(self.connections, kind, offset, dict(readings), dict(alerts), self._active)
        self.log.append(told)


def _readings(told: dict[str, Any]) -> dict[Key, tuple[object, ...]]:
    return {
        (r["indicator"], r["subject"], r["period"]): (
            r["at"], r["value"], r["num"], r["den"], r["target"], r["state"], r["reason"],
        )
        for r in told["readings"]
    }  # fmt: skip


def _alerts(told: dict[str, Any]) -> dict[int, tuple[object, ...]]:
    return {
        a["id"]: (a["indicator"], a["subject"], a["severity"], a["state"], a["value"])
        for a in told["alerts"]
    }


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _frame(code: int, body: bytes) -> bytes:
    """From a client: masked."""
    mask = os.urandom(4)
    size = len(body)
    head = struct.pack("!BB", 0x80 | code, 0x80 | size) if size < 126 else (
        struct.pack("!BBH", 0x80 | code, 0xFE, size)
    )  # fmt: skip
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(body))


async def _read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """A server sends whole messages: no frame is a piece of one."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", await reader.readexactly(8))
    if first & 0xF0 != 0x80 or second & 0x80:
        raise AssertionError(f"not a whole, plain, unmasked frame: {first:02x} {second:02x}")
    return first & 0x0F, await reader.readexactly(size)
