"""Client: one WebSocket; reads on in the ring at its own pace, so a slow one holds up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Protocol

from starlette.types import Receive, Send

from app.domain.access import Visible
from app.domain.disconnects import BAD_REQUEST
from app.live.direct import Direct, text_frame
from app.live.fanout import BURST, FanOut, Group, Shared, SnapshotFrames
from app.live.frames import (
    CLOSE_STOPPING,
    CLOSE_TOO_BIG,
    Ring,
    delta_text,
    error_text,
    merge,
    reset_text,
    snapshot_text,
    subscribed_text,
)
from app.live.topic import Topic, Topics

INBOUND_AT_MOST = 64 * 1024
SEND_TIMEOUT_S = 30.0
_RETRY_S = 0.3
_FRESHER_S = 0.05
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
    snapshot: Callable[[Visible, int], Awaitable[bytes]]
    snapshots: SnapshotFrames
    topics: Topics
    fan: FanOut

    def hello(self) -> str: ...

    async def resumable(self, epoch: str, offset: int) -> bool: ...


class Client:
    """Sends hello, then a snapshot or what was missed, then deltas and beats.

    One task a client listens. What only this client gets is sent by a second one that lives while
    there is something to send; what everybody gets is written by the hub (``place``, ``ready``).
    """

    def __init__(
        self, hub: Channel, send: Send, topic: Topic, token: str = "", direct: Direct | None = None
    ) -> None:
        self.token, self.topic, self.direct = token, topic, direct
        self._ended_by = 0
        self._asked: Topic | None = None  # the newest subscription not served yet
        self._wrong = ""  # what was no subscription
        self._hub = hub
        self._send = send
        self.serial = 0
        self.offset = 0  # the client knows every change up to here
        self.generation = hub.generation
        self.renewals = hub.renewals
        self.beats = hub.beats
        self.group: Group | None = None  # with whom it stands; alone it has its own place
        self.task: asyncio.Task[None] | None = None
        self._again = False
        self._listener: asyncio.Task[object] | None = None
        self._failed: BaseException | None = None

    async def run(self, receive: Receive, epoch: str | None, offset: int | None) -> None:
        """Speak until either side ends it."""
        self._listener = asyncio.current_task()
        if self.direct is not None:
            self.direct.on_drain, self.direct.on_busy = self._drained, self._busy
        if not self._ended_by and (epoch is not None or not self._greet()):
            self._start(self._open(epoch, offset))
        try:
            if await self._listen(receive):
                if self.task is not None:
                    self.task.cancel()
                await self._leave(CLOSE_TOO_BIG, "a message may have 64 KiB")
        except asyncio.CancelledError:
            if self._failed is None:
                raise
        finally:
            if self.direct is not None:
                self.direct.on_drain = self.direct.on_busy = None
            if self.task is not None:
                self.task.cancel()
        if self._failed is not None and not isinstance(self._failed, (OSError, TimeoutError)):
            raise self._failed

    def end(self, code: int) -> None:
        """Nothing more is sent but the close."""
        self._hub.fan.leave(self)
        self._ended_by = code
        if self.task is not None:
            self.task.cancel()
        self._start(self._leave(code, "the token ended or sees other subjects now"))

    def settled(self) -> bool:
        """Whether deltas and beats are all it needs."""
        hub = self._hub
        return self.generation == hub.generation and self.renewals == hub.renewals

    def rouse(self) -> None:
        """There may be something for this client alone."""
        self._hub.fan.leave(self)
        self._again = True
        if self.task is None and not self._ended_by:
            self._start(self._attend())

    def _drained(self) -> None:
        """What was in its way has gone: it may be told the rest in one."""
        if self.task is None and not self._ended_by:
            self._hub.fan.serve(self)

    def _busy(self) -> None:
        """Something else is being written to it, or it is gone: nothing may come in between."""
        self._hub.fan.leave(self)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        self.task = asyncio.create_task(work)
        self.task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        if self.task is not task:
            return
        self.task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed = error
            if isinstance(error, TimeoutError) and self.direct is not None:
                self.direct.abort()
            if self._listener is not None:
                self._listener.cancel()
        elif self._again:
            self.rouse()

    def _greet(self) -> bool:
        """Hello and a snapshot of a moment ago: what most need who come back all at once."""
        hub, direct = self._hub, self.direct
        found = hub.snapshots.recent(self.topic.visible, asyncio.get_running_loop().time())
        if direct is None or found is None or hub.closing:
            return False
        place = hub.ring.place(found.position.offset)
        if found.position.epoch != hub.epoch or place is None:
            return False
        self.serial, self.offset = place, found.position.offset
        told = found.frame(self.topic, deflated=direct.deflates)
        direct.push(text_frame(hub.hello().encode()) + told)
        return True

    async def _open(self, epoch: str | None, offset: int | None) -> None:
        await self._text(self._hub.hello())
        if epoch is None or offset is None:
            await self._snapshot()
        elif not await self._resume(epoch, offset):
            if epoch == self._hub.epoch and offset <= self._hub.offset:
                self.offset = offset
            await self._reset("the history after your offset is gone")
        self._again = True

    async def _attend(self) -> None:
        """Send what is due to this client, and then leave it to the hub again."""
        while self._again and not self._hub.closing:
            self._again = False
            await self._serve_subscription()
            if self._hub.fan.take(self):
                return
            if self.direct is not None and not self.direct.idle():
                return  # roused again when it is empty, or with the next beat
            beat = self._hub.beats, self._hub.beat
            await self._deltas()
            if self.renewals != self._hub.renewals:
                await self._snapshot()
            # A beat names an offset: it must not overtake the changes up to there.
            await self._beat(*(beat if self.serial != self._hub.ring.serial else ()))
        if self._hub.closing:
            await self._leave(CLOSE_STOPPING, "the server stops; reconnect")

    async def _resume(self, epoch: str, offset: int) -> bool:
        if not await self._hub.resumable(epoch, offset):
            return False
        place = self._hub.ring.resume(offset)
        if place is None:
            return False
        self.serial, self.offset = place, offset
        self.generation = self._hub.generation
        self._again = True
        return True

    async def _deltas(self) -> None:
        if self.generation != self._hub.generation:
            self.offset = 0
            await self._reset("the history began anew")
            return
        frames = self._hub.ring.after(self.serial)
        if frames is None:
            await self._reset("you fell behind the kept history")
            return
        # A snapshot, or a place of another process, may be ahead of the hub: what the client
        # already holds is not sent after it, nor what would take its place back.
        news = [f for f in frames if f.offset + f.repeats > self.offset]
        passed = [f for f in frames if f.repeats and f.offset < self.offset]
        self.serial = self._hub.ring.serial
        if any(f.readings or f.alerts for f in passed):
            await self._snapshot()
            return
        if sources := {k: v for f in passed for k, v in f.sources.items()}:
            await self._text(delta_text(self.offset, (), (), sources.values()))
        if len(news) <= BURST:
            for frame in news:
                text = self._hub.ring.told(frame, self.topic)
                if text is not None:
                    await self._text(text)
            return
        merged = merge(news, self.topic)
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
            self.topic, self._asked = self._asked, None
            await self._text(subscribed_text(self.topic))
            await self._snapshot()
            await asyncio.sleep(_BETWEEN_TOPICS_S)

    async def _reset(self, reason: str) -> None:
        self._hub.resets += 1
        await self._text(reset_text(reason))
        await self._snapshot()

    async def _snapshot(self) -> None:
        """Send a snapshot the ring can be read on from; beats go on while it is being made."""
        while True:
            self.generation, self.renewals = self._hub.generation, self._hub.renewals
            # One kept from before what this client has been told would take it back.
            told = max(self.offset, self._hub.ring.offset_at(self.serial))
            text = await self._ask_snapshot(told)
            if text is not None:
                now = asyncio.get_running_loop().time()
                found = self._hub.snapshots.share(self.topic.visible, text, now)
                place = self._hub.ring.place(found.position.offset)
                known = found.position.epoch == self._hub.epoch and found.position.offset >= told
                if known and place is not None:
                    self.serial, self.offset = place, found.position.offset
                    await self._snapshot_text(found)
                    self._again = True
                    return
            await asyncio.sleep(_RETRY_S if text is None else _FRESHER_S)
            await self._beat()

    async def _ask_snapshot(self, least: int) -> bytes | None:
        asked = asyncio.ensure_future(self._hub.snapshot(self.topic.visible, least))
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
        if number != self.beats:
            self.beats = number
            await self._text(text)

    async def _text(self, text: str) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._send({"type": "websocket.send", "text": text})

    async def _snapshot_text(self, found: Shared) -> None:
        """A snapshot is large and the same for all of a topic: its frame is made once."""
        direct = self.direct
        if direct is None or not direct.offer(found.frame(self.topic, deflated=direct.deflates)):
            await self._text(snapshot_text(self.topic.snapshot(found.text)))

    async def _leave(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(_LAST_FRAME_S):
                await self._send({"type": "websocket.close", "code": code, "reason": reason[:120]})
        except (TimeoutError, OSError) as error:
            # Whoever takes nothing is not waited for.
            self._failed = error
            if self.direct is not None:
                self.direct.abort()
            elif self._listener is not None:
                self._listener.cancel()

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
                self._asked = self._hub.topics.read(self.topic.visible, text)
            except ValueError as wrong:
                self._wrong = str(wrong)
            self.rouse()
