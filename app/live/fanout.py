"""Fan-out: the same bytes to every client that stands at the same place, made once."""

from __future__ import annotations

import asyncio
import os
from array import array
from collections import OrderedDict
from itertools import compress, repeat
from typing import TYPE_CHECKING

from app.domain.access import Visible
from app.live.direct import deflated_frame, text_frame
from app.live.frames import merge, read_position
from app.live.topic import Topic

if TYPE_CHECKING:
    from app.live.client import Channel, Client

BURST = 8  # so many pending frames are sent one by one; more become one merged delta
YIELD_EVERY = 500  # other requests do not wait behind a large fan-out
SCOPES_KEPT, FRAMES_KEPT = 8, 16
RECENT_S = 0.2
_to_kernel = os.write


class Shared:
    """One snapshot of what a scope may see, and the frames made of it."""

    def __init__(self, text: bytes, now: float) -> None:
        self.text, self.since = text, now
        self.position = read_position(text)
        self._made: dict[tuple[Topic, bool], bytes] = {}

    def frame(self, topic: Topic, *, deflated: bool) -> bytes:
        found = self._made.get((topic, deflated))
        if found is None:
            whole = b'{"t":"snapshot","data":%b}' % topic.snapshot(self.text)
            found = deflated_frame(whole) if deflated else text_frame(whole)
            if len(self._made) < FRAMES_KEPT:
                self._made[topic, deflated] = found
        return found


class SnapshotFrames:
    """Snapshots of a moment ago, made once for all of a scope who come together."""

    def __init__(self) -> None:
        self._of: OrderedDict[Visible, Shared] = OrderedDict()

    def share(self, visible: Visible, text: bytes, now: float) -> Shared:
        """``text`` is the snapshot of everything ``visible``, as the API gives it."""
        found = self._of.get(visible)
        if found is None or found.text is not text:
            found = self._of[visible] = Shared(text, now)
            self._of.move_to_end(visible)
            if len(self._of) > SCOPES_KEPT:
                self._of.popitem(last=False)
        return found

    def recent(self, visible: Visible, now: float) -> Shared | None:
        found = self._of.get(visible)
        return found if found is not None and now - found.since < RECENT_S else None

    def clear(self) -> None:
        self._of.clear()


class Group:
    """Clients of one topic that have had everything up to one place and wait for nothing.

    Of each it is known by which file the kernel takes bytes for it: a fan-out touches nothing
    else, not even to count references, for with thousands of clients it is memory it waits for.
    """

    __slots__ = (
        "_had", "_had_to", "_standing", "_telling", "beats", "left", "members", "serial", "tip",
        "told", "topic",
    )  # fmt: skip

    def __init__(self, topic: Topic, serial: int, beats: int) -> None:
        self.topic, self.serial, self.beats = topic, serial, beats
        self.members: dict[Client, int] = {}
        self._standing: tuple[list[Client], array[int]] | None = None
        # While a long fan-out pauses: where it leads, how many of whom have had it, and who went.
        self.tip = serial, beats
        self.told = 0
        self._telling: list[Client] = []
        self._had: set[Client] = set()
        self._had_to = 0
        self.left: set[Client] = set()

    def begin(self, tip: tuple[int, int]) -> tuple[list[Client], array[int]]:
        """Who is to be told now, and their files."""
        self.left.clear()
        if self._standing is None:
            self._standing = list(self.members), array("i", self.members.values())
        self.tip, self.told, self._had_to, self._telling = tip, 0, 0, self._standing[0]
        return self._standing

    def end(self) -> None:
        self.serial, self.beats = self.tip
        self.told, self._telling = 0, []

    def add(self, client: Client, file: int) -> None:
        self.members[client] = file
        self._standing = None

    def remove(self, client: Client, *, had: bool = False) -> tuple[int, int]:
        """Gives the place from which the client goes on."""
        del self.members[client]
        self._standing = None
        self.left.add(client)
        if self.told and not had:
            if self._had_to != self.told:
                self._had, self._had_to = set(self._telling[: self.told]), self.told
            had = client in self._had
        # In a pause of the fan-out some have had what is being sent: not again to them.
        return self.tip if had else (self.serial, self.beats)


class FanOut:
    """Who stands where; ``send`` brings everybody it can to the newest place."""

    def __init__(self, hub: Channel) -> None:
        self._hub = hub
        self._groups: dict[Topic, Group] = {}
        self._apart: set[Client] = set()
        self._made: dict[tuple[Topic, int, int], tuple[bytes | None, int]] = {}
        self._made_for = (-1, -1)

    def enter(self, client: Client) -> None:
        self._apart.add(client)

    def leave(self, client: Client, *, had: bool = False) -> None:
        """The client is served by itself from here on, from where its group stood.

        ``had``: it was given what its group is being told.
        """
        group = client.group
        if group is not None:
            client.group = None
            client.serial, client.beats = group.remove(client, had=had)
            if not group.members:
                self._groups.pop(group.topic, None)
            self._apart.add(client)

    def forget(self, client: Client) -> None:
        """The client is gone."""
        self.leave(client)
        self._apart.discard(client)

    async def send(self) -> None:
        """Write to whoever is empty; rouse whoever needs something of its own.

        A client with something left in its buffer is passed over: it gets one merged delta when
        that has gone, so a slow link sees the latest of each figure and nobody waits for it.
        """
        for group in tuple(self._groups.values()):
            await self._to_group(group)
        for number, client in enumerate(tuple(self._apart), 1):
            if client in self._apart:
                self.serve(client)
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)

    async def _to_group(self, group: Group) -> None:
        hub = self._hub
        while group.members and (group.serial, group.beats) != (hub.ring.serial, hub.beats):
            tip = hub.ring.serial, hub.beats
            frame, _ = self._news(group.topic, group.serial, group.beats)
            clients, files = group.begin(tip)
            if frame is None:
                for client in clients:
                    self.leave(client)
                    client.rouse()
                return
            for start in range(0, len(clients), YIELD_EVERY):
                if start:
                    group.told = start
                    await asyncio.sleep(0)
                self._write(group, frame, clients, files, slice(start, start + YIELD_EVERY))
            group.end()

    def _write(
        self, group: Group, frame: bytes, clients: list[Client], files: array[int], part: slice
    ) -> None:
        """Hand a frame to the kernel for each; whoever it is too much for leaves the group."""
        files = files[part]
        if group.left:  # during a pause; they are served by themselves by now
            there = [client not in group.left for client in clients[part]]
            clients = list(compress(clients[part], there))
            files, part = array("i", compress(files, there)), slice(None)
        sent: list[int] = []
        # No step of this loop is Python's own: it is what a fan-out does most.
        writing = map(_to_kernel, files, repeat(frame))
        while len(sent) < len(files):
            try:
                sent.extend(writing)
            except OSError:
                sent.append(0)
        size = len(frame)
        if sent.count(size) == len(sent):
            return
        for client, taken in zip(clients[part], sent, strict=True):
            if taken != size and client.direct is not None:
                # Said to the transport, which keeps what the kernel has no room for now.
                had = client.direct.offer(frame[taken:], whole=not taken)
                self.leave(client, had=had)

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
            self._apart.discard(client)


def news(hub: Channel, topic: Topic, serial: int, beats: int) -> tuple[bytes | None, int]:
    """Deltas since ``serial`` and the newest beat since ``beats``, as bytes to be written.

    None: that is gone from the ring, or too much; the client has to ask for a snapshot. Beside it
    the lowest offset that is told: to who knows that one already it is not all news.
    """
    frames = hub.ring.after(serial)
    if frames is None:
        return None, 0
    # A repetition at the very place a client stands at is told to it; one of before is not.
    first = min((f.offset + f.repeats for f in frames), default=1 << 62)
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
