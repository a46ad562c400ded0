"""Frames: what the server says on the live channel, encoded once, and the ring that keeps them."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from sys import getsizeof

import msgspec

from app.domain.shape import Json
from app.live.topic import Topic

SCHEMA = 1
TOPIC_TEXTS_KEPT = 500
MOVE_EVERY = 100  # a topic is told of every so many frames, though they hold nothing of it
KEPT_FRAMES = 500
KEPT_BYTES = 8 * 1024 * 1024
_OF_A_READING = 200  # its key, and its place in a table
MERGED_READINGS = 5000
MERGED_ALERTS = 200

# Closing codes and what a client does: 1001 the server stops, reconnect; 1009 a message over
# 64 KiB, do not repeat it; 1013 too many clients, reconnect later. A strange Origin is refused
# before the handshake with 403.
CLOSE_STOPPING = 1001
CLOSE_TOO_BIG = 1009
CLOSE_FULL = 1013

Key = tuple[str, str, str]
encode = msgspec.json.Encoder().encode
_WHOLE = Topic()


@dataclass(frozen=True, slots=True)
class Delta:
    """One delta. ``repeats`` marks a frame made between two offsets (sources, a refresh):
    whoever resumes at its offset gets it again, for it may have missed it.
    """

    serial: int
    offset: int
    readings: dict[Key, bytes]
    alerts: tuple[bytes, ...]
    sources: dict[str, bytes]
    repeats: bool
    text: str = field(repr=False)


def delta_text(
    offset: int, readings: Iterable[bytes], alerts: Iterable[bytes], sources: Iterable[bytes]
) -> str:
    parts = b"".join(
        (
            b'{"t":"delta","offset":%d,"readings":[' % offset,
            b",".join(readings),
            b'],"alerts":[',
            b",".join(alerts),
            b'],"sources":[',
            b",".join(sources),
            b"]}",
        )
    )
    return parts.decode()


def hello_text(epoch: str, offset: int, build: str, clock: Json) -> str:
    told = {"t": "hello", "epoch": epoch, "offset": offset, "build": build, "schema": SCHEMA}
    return encode({**told, "server_time": clock["real"], "clock": clock}).decode()


def beat_text(offset: int, clock: Json, sources: Sequence[Json]) -> str:
    told = {"t": "beat", "offset": offset, "server_time": clock["real"]}
    return encode({**told, "clock": clock, "sources": sources}).decode()


def not_current(judged: Mapping[str, str]) -> dict[str, str]:
    """While nothing is stored: what a source's age alone would not say for minutes."""
    fair = ("fresh", "late")
    return {source: "stale" if q in fair else q for source, q in judged.items()}


def error_text(code: int, reason: str, retry_after_s: float | None = None) -> str:
    """Said before a close: a browser's page is told no more of a close than its number."""
    told = {"t": "error", "code": code, "reason": reason, "retry_after_s": retry_after_s}
    return encode(told).decode()


def subscribed_text(topic: Topic) -> str:
    """Says which topic holds from here on; its snapshot follows."""
    return encode({**msgspec.structs.asdict(topic.asked), "t": "subscribed"}).decode()


def reset_text(reason: str) -> str:
    return encode({"t": "reset", "reason": reason}).decode()


def snapshot_text(snapshot: bytes) -> str:
    return f'{{"t":"snapshot","data":{snapshot.decode()}}}'


class Position(msgspec.Struct):
    """Where in the change log a snapshot stands."""

    epoch: str
    offset: int


read_position = msgspec.json.Decoder(Position).decode


def _memory(frame: Delta) -> int:
    """Bytes it takes: its text, by the letter two bytes in Vietnamese, and the same in pieces."""
    return getsizeof(frame.text) + len(frame.text) + _OF_A_READING * len(frame.readings)


class Ring:
    """The last frames, shared by every client: a client's queue is only its place in here.

    ``floor``: every change after it is kept, so a snapshot of there can be read on from.
    ``resumed_from``: the oldest offset a client's own state can be; it is one more when a frame
    that is to be repeated at ``floor`` has gone, since a client there may have missed it.
    """

    def __init__(self, frames: int = KEPT_FRAMES, size: int = KEPT_BYTES) -> None:
        self._frames: deque[Delta] = deque()
        self.most, self._most_bytes = frames, size
        self._bytes = 0
        self.serial = 0
        self.floor = self.resumed_from = 0
        self._told: OrderedDict[tuple[int, Topic], str | None] = OrderedDict()

    def clear(self, floor: int) -> None:
        self._frames.clear()
        self._bytes = 0
        self.floor = self.resumed_from = floor

    def add(
        self,
        offset: int,
        readings: dict[Key, bytes],
        alerts: Sequence[bytes],
        sources: dict[str, bytes],
        *,
        repeats: bool = False,
    ) -> None:
        self.serial += 1
        text = delta_text(offset, readings.values(), alerts, sources.values())
        self._frames.append(
            Delta(self.serial, offset, readings, tuple(alerts), sources, repeats, text)
        )
        self._bytes += _memory(self._frames[-1])
        while len(self._frames) > self.most or (
            self._bytes > self._most_bytes and len(self._frames) > 1
        ):
            gone = self._frames.popleft()
            self._bytes -= _memory(gone)
            self.floor = max(self.floor, gone.offset)
            self.resumed_from = max(self.resumed_from, gone.offset + gone.repeats)

    def told(self, frame: Delta, topic: Topic) -> str | None:
        """The frame as a topic sees it, made once for all its clients; None = nothing of it."""
        if topic.whole:
            return frame.text
        key = (frame.serial, topic)
        if key not in self._told:
            # A place that never moved would be behind all that is kept.
            empty = delta_text(frame.offset, (), (), ()) if not frame.serial % MOVE_EVERY else None
            self._told[key] = _of_topic([frame], topic) or empty
            if len(self._told) > TOPIC_TEXTS_KEPT:
                self._told.popitem(last=False)
        return self._told[key]

    def resume(self, offset: int) -> int | None:
        """Serial after which a client that knows ``offset`` reads on; None when that is gone."""
        return None if offset < self.resumed_from else self.place(offset)

    def place(self, offset: int) -> int | None:
        """The same for a snapshot just read: it holds what older frames would repeat."""
        if offset < self.floor:
            return None
        for frame in self._frames:
            if frame.offset > offset or (frame.repeats and frame.offset == offset):
                return frame.serial - 1
        return self.serial

    def offset_at(self, serial: int) -> int:
        """The offset of a frame; 0 when it is gone."""
        number = len(self._frames) - 1 - (self.serial - serial)
        return self._frames[number].offset if number >= 0 else 0

    def after(self, serial: int) -> list[Delta] | None:
        """Frames a client has not had, oldest first; None when some are gone."""
        pending = self.serial - serial
        if pending > len(self._frames):
            return None
        return list(islice(self._frames, len(self._frames) - pending, None))


def merge(frames: Sequence[Delta], topic: Topic = _WHOLE) -> str | None:
    """One delta of the latest by key; every alert; None when it would be too large."""
    readings: dict[Key, bytes] = {}
    alerts = 0
    for frame in frames:
        readings.update(frame.readings)
        alerts += len(frame.alerts)
    if len(readings) > MERGED_READINGS or alerts > MERGED_ALERTS:
        return None
    return _of_topic(frames, topic) or delta_text(frames[-1].offset, (), (), ())


def _of_topic(frames: Sequence[Delta], topic: Topic) -> str | None:
    readings: dict[Key, bytes] = {}
    sources: dict[str, bytes] = {}
    alerts: list[bytes] = []
    for frame in frames:
        readings.update(frame.readings)
        sources.update(frame.sources)
        alerts.extend(frame.alerts)
    found, told = topic.readings(readings.items()), topic.alerts(alerts)
    if not (found or told or sources):
        return None
    return delta_text(frames[-1].offset, found, told, sources.values())
