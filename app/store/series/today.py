"""Today: one series of a window straight from where it lies, when its points came in order.

Then nothing need be merged: chunks, pieces and the tail follow each other, and of each only what
lies in the window is looked at. Whole numbers stay whole numbers, so that sums need no second look.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from app.store.series.codec import Floats, Ints, Scaled, floats, scaled_as
from app.store.series.packed import Block
from app.store.series.rows import ChunkRow, PieceRow, Window
from app.store.series.shelf import Opener

Values = Scaled | Floats
Segment = tuple[Ints, Values]
_SAFE = 2**62


def straight(
    chunks: Sequence[ChunkRow],
    pieces: Sequence[PieceRow],
    tail: Sequence[Block],
    series_id: int,
    window: Window,
    opener: Opener,
) -> Segment | None:
    """Instants and values inside the window; None when something came late or twice."""
    kept: list[Segment] = []
    edge: int | None = None
    for sorted_already, at, values in _segments(chunks, pieces, tail, series_id, opener):
        if edge is not None and int(at[0]) <= edge:
            return None
        if not sorted_already and not bool((at[1:] > at[:-1]).all()):
            return None
        edge = int(at[-1])
        a, b = at.searchsorted((window.from_ms, window.to_ms)).tolist()
        if a < b:
            kept.append((at[a:b], cut(values, a, b)))
    return _joined(kept)


def _segments(
    chunks: Sequence[ChunkRow],
    pieces: Sequence[PieceRow],
    tail: Sequence[Block],
    series_id: int,
    opener: Opener,
) -> Iterator[tuple[bool, Ints, Values]]:
    for chunk in chunks:
        yield (True, *opener.columns(chunk.body))
    for piece in pieces:
        yield (False, *opener.columns(piece.body))
    for block in tail:
        part = block.of(series_id)
        if part.stop > part.start:
            yield False, block.at[part], block.value[part]


def cut(values: Values, a: int, b: int) -> Values:
    """From one to another, the latter not included."""
    if isinstance(values, Scaled):
        return Scaled(values.digits, values.ints[a:b])
    return values[a:b]


def _joined(parts: Sequence[Segment]) -> Segment:
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0)
    if len(parts) == 1:
        return parts[0]
    at = np.concatenate([a for a, _ in parts])
    likely = max((v.digits for _, v in parts if isinstance(v, Scaled)), default=0)
    whole = [v if isinstance(v, Scaled) else scaled_as(v, likely) for _, v in parts]
    digits = max((v.digits for v in whole if v is not None), default=0)
    ints = [_widened(v, digits) for v in whole if v is not None]
    found = [i for i in ints if i is not None]
    if len(found) == len(parts):
        return at, Scaled(digits, np.concatenate(found))
    return at, np.concatenate([floats(v) for _, v in parts])


def _widened(values: Scaled, digits: int) -> Ints | None:
    """In finer digits; None when whole numbers of 64 bits would not do."""
    if values.digits == digits:
        return values.ints
    power = 10 ** (digits - values.digits)
    top = int(np.abs(values.ints).max()) if len(values.ints) else 0
    return values.ints * power if top * power < _SAFE else None
