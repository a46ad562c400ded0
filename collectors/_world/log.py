"""The log of one feed: made day by day when asked for, kept compactly, read by position."""

from __future__ import annotations

import threading
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from datetime import date, timedelta
from typing import TYPE_CHECKING

from collectors._world.calendar import DAY_S, FIRST_DAY, midnight_s
from collectors._world.disturb import disturb
from collectors._world.feed import Message, PageOf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from collectors._world.faults import Interval
    from collectors._world.feed import Feed
    from collectors._world.world import World

_WARM_BLOCKS = 6
_OPENED_BLOCKS = 4
_FIRST_S = midnight_s(FIRST_DAY)


class _Block:
    """The messages published on one day: bodies in one run of bytes, packed when the day is old."""

    __slots__ = ("body", "ends", "first", "packed", "published")

    def __init__(self, first: int, messages: Sequence[Message]) -> None:
        self.first = first  # how many messages came before this day
        self.published = array("I", [message.published_s for message in messages])
        self.ends = array("I", [0])
        end = 0
        for message in messages:
            end += len(message.body)
            self.ends.append(end)
        self.body = b"".join([message.body for message in messages])
        self.packed = False

    def pack(self) -> None:
        """Compress the bodies; level 1 is enough for text this repetitive."""
        if not self.packed:
            self.body = zlib.compress(self.body, 1)
            self.packed = True


class FeedLog:
    """Every message of a feed in the order of publishing; positions count from 1."""

    def __init__(
        self,
        feed: Feed,
        world: World,
        intervals: Callable[[], Sequence[Interval]] = tuple,
    ) -> None:
        self._feed = feed
        self._world = world
        self._intervals = intervals
        self._blocks: list[_Block] = []
        self._firsts: list[int] = []
        self._raw: list[Message] = []  # the youngest day, before faults
        self._carried: list[tuple[date, list[Message]]] = []  # made that day, published later
        self._opened: OrderedDict[int, bytes] = OrderedDict()
        self._lock = threading.RLock()

    @property
    def days(self) -> int:
        """How many days have been made."""
        return len(self._blocks)

    def page(self, after: int, limit: int, upto_s: int) -> PageOf:
        """Give up to `limit` messages behind a position, and the rest of the last one's second."""
        with self._lock:
            self._grow(upto_s, max(0, after) + max(1, limit))
            end = self._visible(upto_s)
            begin = min(max(0, after), end)
            stop = min(begin + max(1, limit), end)
            if stop < end:
                stop = self._whole_second(stop, end)
            found = list(self._read(begin, stop))
            more = stop < end or self._day_s(self.days) <= upto_s
            known_s = found[-1][1].published_s if more and found else upto_s
            if more and not found:
                known_s = self._day_s(self.days) - 1
            return PageOf(found, max(after, stop), more, known_s)

    def count(self, upto_s: int) -> int:
        """Count the messages published up to an instant."""
        self.grow(upto_s)
        with self._lock:
            return self._visible(upto_s)

    def read(self, begin: int, end: int) -> Iterator[tuple[int, Message]]:
        """Give the messages of positions begin + 1 to end, which must have been made."""
        at = begin
        while at < end:
            with self._lock:
                block = self._blocks[bisect_right(self._firsts, at) - 1]
                stop = min(end, block.first + len(block.published))
                part = list(self._read(at, stop))
            yield from part
            at = stop

    def grow(self, upto_s: int) -> None:
        """Make every day that begins up to an instant; others may read between two days."""
        while self._day_s(self.days) <= upto_s:
            with self._lock:
                if self._day_s(self.days) <= upto_s:
                    self._make_day()

    def make_days(self, days: int, upto_s: int, stop: threading.Event) -> None:
        """Make days up to a number, none that begins after an instant, until told to stop."""
        while self.days < days and self._day_s(self.days) <= upto_s and not stop.is_set():
            self.grow(self._day_s(self.days))

    def remake_today(self) -> None:
        """Publish the youngest day again after a fault was switched: what is past stays."""
        with self._lock:
            if self._blocks:
                today = self._day(self.days - 1)
                self._carried = [one for one in self._carried if one[0] != today]
                self._blocks.pop()
                self._firsts.pop()
                self._publish(today)

    def _grow(self, upto_s: int, wanted: int) -> None:
        while self._day_s(self.days) <= upto_s and self._made() < wanted:
            self._make_day()

    def _make_day(self) -> None:
        today = self._day(self.days)
        self._raw = sorted(self._feed.day(today), key=lambda message: message.published_s)
        if self._raw and self._raw[0].published_s < midnight_s(today):
            msg = f"{self._feed.name}: day({today}) gave a message published before that day"
            raise ValueError(msg)
        self._publish(today)
        if self.days > _WARM_BLOCKS:
            self._blocks[self.days - 1 - _WARM_BLOCKS].pack()

    def _publish(self, today: date) -> None:
        ends_s = midnight_s(today) + DAY_S
        own = disturb(self._raw, self._intervals(), self._world, self._feed.name, today)
        due: list[Message] = []
        for _, messages in self._carried:
            due += [one for one in messages if ends_s - DAY_S <= one.published_s < ends_s]
        split = bisect_left(own, ends_s, key=lambda message: message.published_s)
        self._carried = [one for one in self._carried if one[1][-1].published_s >= ends_s - DAY_S]
        if split < len(own):
            self._carried.append((today, own[split:]))
        merged = own[:split]
        if due:
            merged = sorted([*due, *merged], key=lambda message: message.published_s)
        self._firsts.append(self._made())
        self._blocks.append(_Block(self._firsts[-1], merged))

    def _made(self) -> int:
        if not self._blocks:
            return 0
        return self._blocks[-1].first + len(self._blocks[-1].published)

    def _visible(self, upto_s: int) -> int:
        """Count the made messages published up to an instant."""
        index = (upto_s - _FIRST_S) // DAY_S
        if index < 0:
            return 0
        if index >= self.days:
            return self._made()
        block = self._blocks[index]
        return block.first + bisect_right(block.published, upto_s)

    def _whole_second(self, stop: int, end: int) -> int:
        block = self._blocks[bisect_right(self._firsts, stop - 1) - 1]
        at = stop - block.first
        second = block.published[at - 1]
        last = min(len(block.published), end - block.first)
        while at < last and block.published[at] == second:
            at += 1
        return block.first + at

    def _read(self, begin: int, end: int) -> Iterator[tuple[int, Message]]:
        while begin < end:
            index = bisect_right(self._firsts, begin) - 1
            block = self._blocks[index]
            body, ends, published = self._body(index), block.ends, block.published
            stop = min(end - block.first, len(published))
            for at in range(begin - block.first, stop):
                message = Message(published[at], body[ends[at] : ends[at + 1]])
                yield block.first + at + 1, message
            begin = block.first + stop

    def _body(self, index: int) -> bytes:
        block = self._blocks[index]
        if not block.packed:
            return block.body
        opened = self._opened.get(index)
        if opened is None:
            opened = self._opened[index] = zlib.decompress(block.body)
            while len(self._opened) > _OPENED_BLOCKS:
                self._opened.popitem(last=False)
        return opened

    def _day(self, index: int) -> date:
        return FIRST_DAY + timedelta(days=index)

    def _day_s(self, index: int) -> int:
        return _FIRST_S + index * DAY_S
