"""Shelf: rows and columns of what is sealed, kept in memory for the next question, bounded.

Columns are found by the very bytes they were unpacked from, so they cannot be out of date. Rows are
found by who asked for them and count only while their source's version is the one they were of:
whatever changes a sealed row moves the version in the same transaction.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from app.store.series.codec import Floats, Ints, Scaled
from app.store.series.packed import unpack_columns
from app.store.series.rollup import Rolled, unpack_hours_of
from app.store.series.rows import Kept, Version, Window

Columns = tuple[Ints, Scaled | Floats]
T = TypeVar("T")
# One question may take so much of it, or the widest would always push out all others.
_SHARE = 4
_ROW_BYTES = 400
_POINT_BYTES, _HOUR_BYTES = 16, 56


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found, of which version, and for which instants that is all there is."""

    version: Version
    from_ms: int
    to_ms: int
    kept: Kept


class Shelf:
    """Least used, first gone; 0 bytes: nothing is kept."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._held: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()
        self._bytes = 0
        # Some unpack in a thread of their own.
        self._turn = threading.Lock()

    def bytes(self) -> int:
        """What it takes by now."""
        return self._bytes

    def get(self, key: Hashable) -> object | None:
        with self._turn:
            found = self._held.get(key)
            if found is None:
                return None
            self._held.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: object, size: int) -> None:
        if size * _SHARE > self.most_bytes:
            return
        with self._turn:
            self._drop(key)
            self._held[key] = (value, size)
            self._bytes += size
            while self._bytes > self.most_bytes:
                self._drop(next(iter(self._held)))

    def forget(self, key: Hashable) -> None:
        with self._turn:
            self._drop(key)

    def _drop(self, key: Hashable) -> None:
        gone = self._held.pop(key, None)
        if gone is not None:
            self._bytes -= gone[1]

    def looked(self, window: Window, *, points: bool) -> Looked | None:
        """What an earlier look found, if that covers this window."""
        found = self.get(_who(window, points))
        if not isinstance(found, Looked):
            return None
        covers = found.from_ms <= window.from_ms and window.to_ms <= found.to_ms
        return found if covers else None

    def keep(self, window: Window, version: Version, kept: Kept, *, points: bool) -> None:
        rows = len(kept.chunks) + len(kept.pieces)
        size = _ROW_BYTES * (rows + 1) + sum(len(p.body) for p in kept.pieces)
        size += sum(len(c.body) + len(c.hours or b"") for c in kept.chunks)
        looked = Looked(version, window.from_ms, window.to_ms, kept)
        self.put(_who(window, points), looked, size)

    def outdated(self, window: Window, *, points: bool) -> None:
        self.forget(_who(window, points))


class Opener:
    """Unpacks for one question; what that question leaves on the shelf is bounded too."""

    def __init__(self, shelf: Shelf, points: int) -> None:
        keeps = points * _POINT_BYTES * _SHARE <= shelf.most_bytes
        self._every, self._shelf = shelf, shelf if keeps else None

    def kept(self, key: Hashable, kind: type[T]) -> T | None:
        """What was made of sealed bytes before."""
        found = self._every.get(key)
        return found if isinstance(found, kind) else None

    def keep(self, key: Hashable, made: object, size: int) -> None:
        """``key`` tells all that ``made`` was made of; ``size`` in bytes."""
        self._every.put(key, made, size + _ROW_BYTES)

    def columns(self, body: bytes) -> Columns:
        """Instants and values of a chunk or a piece."""
        if self._shelf is None:
            return unpack_columns(body)
        found: object = self._shelf.get(body)
        if found is None:
            at, values = unpack_columns(body)
            at.setflags(write=False)  # others will look at it too
            (values.ints if isinstance(values, Scaled) else values).setflags(write=False)
            self._shelf.put(body, (at, values), _POINT_BYTES * len(at) + len(body) + _ROW_BYTES)
            return at, values
        assert isinstance(found, tuple)
        return found

    def hours(self, bodies: Sequence[bytes]) -> list[Rolled]:
        """The hours of consecutive buckets."""
        if self._shelf is None or not bodies:
            return unpack_hours_of(bodies)
        key = ("hours", *bodies)
        found = self._shelf.get(key)
        if found is None:
            rolled = unpack_hours_of(bodies)
            size = sum(_HOUR_BYTES * len(r) for r in rolled) + sum(map(len, bodies)) + _ROW_BYTES
            self._shelf.put(key, rolled, size)
            return rolled
        assert isinstance(found, list)
        return found


def _who(window: Window, points: bool) -> Hashable:
    return window.source_id, tuple(window.series_ids), points
