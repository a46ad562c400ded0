"""What the faults late, duplicate and reorder do to one day of messages before they are published.

A pure function of the messages and the intervals: the decisions about a message never depend on
when a fault is switched off later, so a log that is made again after a restart is the same log.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from collectors._world.faults import Interval
    from collectors._world.feed import Message
    from collectors._world.world import World

_WINDOW_S = 900


def disturb(
    messages: list[Message], intervals: Sequence[Interval], world: World, feed: str, day: date
) -> list[Message]:
    """Give the messages as the feed publishes them; they come and go in order of publishing."""
    moved = messages
    for interval in intervals:
        if interval.fault == "reorder":
            moved = _reordered(moved, interval, world, feed)
    delays = [0] * len(messages)
    copies: list[Message] = []
    for interval in intervals:
        rng = world.rng(feed, interval.fault, interval.on_s, day)
        if interval.fault == "late":
            for at, message in enumerate(moved):
                touched = rng.random() < interval.share(0.1)
                delay = 3600 + int(rng.random() * 25 * 3600)
                if touched and interval.covers(message.published_s):
                    delays[at] = delay
        elif interval.fault == "duplicate":
            for at, message in enumerate(moved):
                touched = rng.random() < interval.share(0.05)
                after = 60 + int(rng.random() * 1200)
                if touched and interval.covers(message.published_s):
                    copies.append(_later(message, after + delays[at]))
    published = [_later(one, delay) for one, delay in zip(moved, delays, strict=True)]
    return sorted([*published, *copies], key=lambda message: message.published_s)


def _reordered(
    messages: list[Message], interval: Interval, world: World, feed: str
) -> list[Message]:
    """Swap published instants of neighbours, window by window; only whole windows are touched."""
    moved = list(messages)
    begin = 0
    while begin < len(moved):
        window = messages[begin].published_s // _WINDOW_S
        end = begin
        while end < len(messages) and messages[end].published_s // _WINDOW_S == window:
            end += 1
        if interval.covers(window * _WINDOW_S):
            rng = world.rng(feed, "reorder", interval.on_s, window)
            for at in range(begin, end - 1):
                if rng.random() < interval.share(0.3):
                    first, second = moved[at], moved[at + 1]
                    moved[at] = replace(first, published_s=second.published_s)
                    moved[at + 1] = replace(second, published_s=first.published_s)
        begin = end
    return moved


def _later(message: Message, seconds: int) -> Message:
    return replace(message, published_s=message.published_s + seconds) if seconds else message
