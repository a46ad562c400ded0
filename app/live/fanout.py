"""Fan-out: the same bytes to every client that stands at the same place, made once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from typing import TYPE_CHECKING

from app.live.direct import deflated_frame, text_frame
from app.live.frames import merge
from app.live.topic import Topic

if TYPE_CHECKING:
    from app.live.client import Channel, Client

BURST = 8  # so many pending frames are sent one by one; more become one merged delta
YIELD_EVERY = 500  # other requests do not wait behind a large fan-out
SNAPSHOTS_KEPT = 32
_to_kernel = os.write


class SnapshotFrames:
    """The frame of a snapshot, and its compressed form, made once for all of a topic."""

    def __init__(self) -> None:
        self._of: bytes = b""
        self._made: dict[tuple[Topic, bool], bytes] = {}

    def frame(self, topic: Topic, text: bytes, deflated: bool) -> bytes:
        """``text`` is the snapshot of everything the topic may see, as the API gives it."""
        if text is not self._of or len(self._made) > SNAPSHOTS_KEPT:
            self._of, self._made = text, {}
        found = self._made.get((topic, deflated))
        if found is None:
            whole = b'{"t":"snapshot","data":%b}' % topic.snapshot(text)
            found = deflated_frame(whole) if deflated else text_frame(whole)
            self._made[topic, deflated] = found
        return found


class Group:
    """Clients of one topic that have had everything up to one place and wait for nothing.

    Of each it is known by which file the kernel takes bytes for it: a fan-out looks at nothing
    else, for with thousands of clients it is memory that a fan-out waits for.
    """

    __slots__ = ("_standing", "beats", "left", "members", "serial", "served", "tip", "topic")

    def __init__(self, topic: Topic, serial: int, beats: int) -> None:
        self.topic, self.serial, self.beats = topic, serial, beats
        self.members: dict[Client, int] = {}
        self._standing: tuple[list[Client], list[int]] | None = None
        # While a long fan-out pauses: who is at its end already, where that is, and who went.
        self.served: set[Client] = set()
        self.left: set[Client] = set()
        self.tip = serial, beats

    def add(self, client: Client, file: int) -> None:
        self.members[client] = file
        self._standing = None

    def remove(self, client: Client) -> tuple[int, int]:
        """Gives the place from which the client goes on."""
        del self.members[client]
        self._standing = None
        self.left.add(client)
        # In a pause of the fan-out some have had what is being sent: not again to them.
        return self.tip if client in self.served else (self.serial, self.beats)

    def standing(self) -> tuple[list[Client], list[int]]:
        if self._standing is None:
            self._standing = list(self.members), list(self.members.values())
        return self._standing


class FanOut:
    """Who stands where; ``send`` brings everybody it can to the newest place."""

    def __init__(self, hub: Channel) -> None:
        self._hub = hub
        self._groups: dict[Topic, Group] = {}
        self._made: dict[tuple[Topic, int, int], tuple[bytes | None, int]] = {}
        self._made_for = (-1, -1)

    def leave(self, client: Client) -> None:
        """The client is served by itself from here on, from where its group stood."""
        group = client.group
        if group is not None:
            client.group = None
            client.serial, client.beats = group.remove(client)
            if not group.members:
                self._groups.pop(group.topic, None)

    async def send(self, clients: Collection[Client]) -> None:
        """Write to whoever is empty; rouse whoever needs something of its own.

        A client with something left in its buffer is passed over: it gets one merged delta when
        that has gone, so a slow link sees the latest of each figure and nobody waits for it.
        """
        for group in tuple(self._groups.values()):
            await self._to_group(group)
        alone = [client for client in clients if client.group is None]
        for number, client in enumerate(alone, 1):
            if client.group is None and client in clients:
                self.serve(client)
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)

    async def _to_group(self, group: Group) -> None:
        hub = self._hub
        while group.members and (group.serial, group.beats) != (hub.ring.serial, hub.beats):
            tip = hub.ring.serial, hub.beats
            frame, _ = self._news(group.topic, group.serial, group.beats)
            clients, files = group.standing()
            if frame is None:
                for client in clients:
                    self.leave(client)
                    client.rouse()
                return
            group.tip = tip
            group.left.clear()
            for start in range(0, len(clients), YIELD_EVERY):
                if start:
                    await asyncio.sleep(0)
                end = start + YIELD_EVERY
                self._write(group, frame, clients[start:end], files[start:end])
                group.served.update(clients[start:end])
            group.serial, group.beats = tip
            group.served.clear()

    def _write(self, group: Group, frame: bytes, clients: list[Client], files: list[int]) -> None:
        """Hand a frame to the kernel for each; whoever it is too much for leaves the group."""
        write, size, left = _to_kernel, len(frame), group.left
        unusual = []
        for client, file in zip(clients, files, strict=True):
            if left and client in left:
                continue  # during a pause; it is served by itself by now
            try:
                sent = write(file, frame)
            except OSError:
                sent = 0
            if sent != size:
                unusual.append((client, sent))
        for client, sent in unusual:
            # Said to the transport, which keeps what the kernel has no room for now.
            if client.direct is not None and client.direct.offer(frame[sent:], whole=not sent):
                group.served.add(client)
            self.leave(client)

    def serve(self, client: Client) -> None:
        """Somebody who is behind, has just come, or is spoken to by its own task."""
        if client.task is not None or not self.take(client):
            client.rouse()

    def take(self, client: Client) -> bool:
        """Bring one to the newest place and to its group, or leave it until its buffer is empty.

        False: it needs something of its own, which only its task can give.
        """
        hub, direct = self._hub, client.direct
        if direct is None or hub.closing or not client.settled():
            return False
        if not direct.idle():
            return True
        tip = hub.ring.serial, hub.beats
        if (client.serial, client.beats) != tip:
            text, first = self._news(client.topic, client.serial, client.beats)
            if text is None or client.offset >= first:
                return False
            if not direct.offer(text):
                return True
            client.serial, client.beats = tip
            if not direct.idle():
                return True
        self._join(client, direct.file)
        return True

    def _news(self, topic: Topic, serial: int, beats: int) -> tuple[bytes | None, int]:
        """``news``, made once for all who stand at the same place."""
        tip = self._hub.ring.serial, self._hub.beats
        if tip != self._made_for:
            self._made_for = tip
            self._made.clear()
        key = (topic, serial, beats)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = news(self._hub, topic, serial, beats)
        return found

    def _join(self, client: Client, file: int) -> None:
        hub = self._hub
        if client.offset > hub.offset:
            return  # its snapshot is ahead of what the hub has read: some of that is no news to it
        group = self._groups.get(client.topic)
        if group is None:
            group = self._groups[client.topic] = Group(client.topic, client.serial, client.beats)
        if (group.serial, group.beats) == (client.serial, client.beats):
            group.add(client, file)
            client.group = group


def news(hub: Channel, topic: Topic, serial: int, beats: int) -> tuple[bytes | None, int]:
    """Deltas since ``serial`` and the newest beat since ``beats``, as bytes to be written.

    None: that is gone from the ring, or too much; the client has to ask for a snapshot. Beside it
    the lowest offset that is told: to who knows that one already it is not all news.
    """
    frames = hub.ring.after(serial)
    if frames is None:
        return None, 0
    first = min((f.offset for f in frames if not f.repeats), default=1 << 62)
    if len(frames) > BURST:
        merged = merge(frames, topic)
        if merged is None:
            return None, 0
        hub.conflated += 1
        texts = [merged]
    else:
        texts = [t for f in frames if (t := hub.ring.told(f, topic)) is not None]
    if beats != hub.beats:
        texts.append(hub.beat)  # last: it names an offset, and must not overtake the changes
    return b"".join(text_frame(t.encode()) for t in texts), first
