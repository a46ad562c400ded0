"""Client: one WebSocket; reads on in the ring at its own pace, so a slow one holds up nobody."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.types import Receive, Send

from app.domain.access import Visible
from app.domain.disconnects import BAD_REQUEST
from app.live.frames import (
    CLOSE_STOPPING,
    CLOSE_TOO_BIG,
    Ring,
    error_text,
    merge,
    read_position,
    reset_text,
    snapshot_text,
    subscribed_text,
)
from app.live.topic import Topic, read_subscribe

BURST = 8  # so many pending frames are sent one by one; more become one merged delta
INBOUND_AT_MOST = 64 * 1024
SEND_TIMEOUT_S = 30.0
_RETRY_S = 0.3
_BETWEEN_TOPICS_S = 0.005
_LAST_FRAME_S = 1.0


class Channel(Protocol):
    """What a client sees of the hub."""

    ring: Ring
    epoch: str
    offset: int
    generation: int
    renewals: int
    beat: str
    beats: int
    closing: bool
    conflated: int
    resets: int
    snapshot: Callable[[Visible], Awaitable[bytes]]

    def hello(self) -> str: ...

    async def resumable(self, epoch: str, offset: int) -> bool: ...


class Client:
    """Sends hello, then a snapshot or what was missed, then deltas and beats."""

    def __init__(self, hub: Channel, send: Send, topic: Topic, token: str = "") -> None:
        self.token = token
        self._ended_by = 0
        self._ended = asyncio.Event()
        self._topic = topic
        self._asked: Topic | None = None  # the newest subscription not served yet
        self._wrong = ""  # what was no subscription
        self.wake = asyncio.Event()
        self._hub = hub
        self._send = send
        self._serial = 0
        self._offset = 0  # the client knows every change up to here
        self._generation = hub.generation
        self._renewals = hub.renewals
        self._beats = hub.beats

    async def run(self, receive: Receive, epoch: str | None, offset: int | None) -> None:
        """Speak until either side ends it."""
        writer = asyncio.create_task(self._speak(epoch, offset))
        reader = asyncio.create_task(self._listen(receive))
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({writer, reader, ended}, return_when=asyncio.FIRST_COMPLETED)
            if self._ended_by:
                # The frame under way is finished; a peer that reads nothing is not waited for.
                await asyncio.wait({writer}, timeout=_LAST_FRAME_S)
        finally:
            for task in (writer, reader, ended):
                task.cancel()
            ends = await asyncio.gather(writer, reader, return_exceptions=True)
        if self._ended_by:
            await self._close(self._ended_by, "the token ended or sees other subjects now")
        if ends[1] is True:
            await self._close(CLOSE_TOO_BIG, "a message may have 64 KiB")
        if isinstance(ends[0], Exception) and not isinstance(ends[0], (OSError, TimeoutError)):
            raise ends[0]

    def end(self, code: int) -> None:
        """Nothing more is sent but the close."""
        self._ended_by = code
        self._ended.set()
        self.wake.set()

    async def _speak(self, epoch: str | None, offset: int | None) -> None:
        await self._text(self._hub.hello())
        if epoch is None or offset is None:
            await self._snapshot()
        elif not await self._resume(epoch, offset):
            await self._reset("the history after your offset is gone")
        while not self._hub.closing:
            await self.wake.wait()
            self.wake.clear()
            if self._ended_by:
                return
            await self._serve_subscription()
            beat = self._hub.beats, self._hub.beat
            await self._deltas()
            if self._renewals != self._hub.renewals:
                await self._snapshot()
            # A beat names an offset: it must not overtake the changes up to there.
            await self._beat(*(beat if self._serial != self._hub.ring.serial else ()))
        await self._close(CLOSE_STOPPING, "the server stops; reconnect")

    async def _resume(self, epoch: str, offset: int) -> bool:
        if not await self._hub.resumable(epoch, offset):
            return False
        place = self._hub.ring.resume(offset)
        if place is None:
            return False
        self._serial, self._offset = place, offset
        self._generation = self._hub.generation
        self.wake.set()
        return True

    async def _deltas(self) -> None:
        if self._generation != self._hub.generation:
            await self._reset("the history began anew")
            return
        frames = self._hub.ring.after(self._serial)
        if frames is None:
            await self._reset("you fell behind the kept history")
            return
        # A snapshot may be ahead of the hub: what it already holds is not sent after it.
        news = [f for f in frames if f.repeats or f.offset > self._offset]
        self._serial = self._hub.ring.serial
        if len(news) <= BURST:
            for frame in news:
                text = self._hub.ring.told(frame, self._topic)
                if text is not None:
                    await self._text(text)
            return
        merged = merge(news, self._topic)
        if merged is None:
            await self._reset("you fell too far behind")
            return
        self._hub.conflated += 1
        await self._text(merged)

    async def _serve_subscription(self) -> None:
        """Only the newest counts: whoever asks faster than it is served is served the last."""
        if self._wrong:
            wrong, self._wrong = self._wrong[:300], ""
            await self._text(error_text(BAD_REQUEST, wrong))
        while self._asked is not None:
            self._topic, self._asked = self._asked, None
            await self._text(subscribed_text(self._topic))
            await self._snapshot()
            await asyncio.sleep(_BETWEEN_TOPICS_S)

    async def _reset(self, reason: str) -> None:
        self._hub.resets += 1
        await self._text(reset_text(reason))
        await self._snapshot()

    async def _snapshot(self) -> None:
        """Send a snapshot the ring can be read on from; beats go on while it is being made."""
        while True:
            self._generation, self._renewals = self._hub.generation, self._hub.renewals
            text = await self._ask_snapshot()
            if text is not None:
                position = read_position(text)
                place = self._hub.ring.place(position.offset)
                if position.epoch == self._hub.epoch and place is not None:
                    self._serial, self._offset = place, position.offset
                    await self._text(snapshot_text(self._topic.snapshot(text)))
                    self.wake.set()
                    return
            await asyncio.sleep(_RETRY_S)
            await self._beat()

    async def _ask_snapshot(self) -> bytes | None:
        asked = asyncio.ensure_future(self._hub.snapshot(self._topic.visible))
        try:
            while not asked.done():
                await asyncio.wait({asked}, timeout=_RETRY_S)
                await self._beat()
        finally:
            asked.cancel()
        if asked.cancelled() or asked.exception() is not None:
            return None  # The database is away: asked again, while the beats go on.
        return asked.result()

    async def _beat(self, number: int | None = None, text: str = "") -> None:
        if number is None:
            number, text = self._hub.beats, self._hub.beat
        if number != self._beats:
            self._beats = number
            await self._text(text)

    async def _text(self, text: str) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._send({"type": "websocket.send", "text": text})

    async def _close(self, code: int, reason: str) -> None:
        # Whoever takes nothing is not waited for: leaving closes the connection as well.
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(_LAST_FRAME_S):
                await self._send({"type": "websocket.close", "code": code, "reason": reason[:120]})

    async def _listen(self, receive: Receive) -> bool:
        """Take subscriptions until the peer leaves; True when it said too much."""
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return False
            text: str | bytes = message.get("text") or message.get("bytes") or ""
            if len(text) > INBOUND_AT_MOST:
                return True
            try:
                self._asked = read_subscribe(self._topic.visible, text)
            except ValueError as wrong:
                self._wrong = str(wrong)
            self.wake.set()
