"""Parts: a frame of figures as columns of points, and points as figures again; pure functions.

The figures of one indicator and period at one instant stand side by side: instants of readings are
whole seconds, and the milliseconds within one tell the subjects apart. So a frame is a handful of
points columns, not a handful of series for each of some hundred subjects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.judged import GONE as NOTHING
from app.domain.judged import Frame
from app.domain.period import bounds
from app.domain.reading import STATES
from app.domain.series import Points

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SLOTS = 1000  # subjects in one second; those beyond are on a further page
GONE = -1  # instead of a state: what was judged there holds no longer
_EXACT = 2**53
_PAGES = 2**20  # more than there are
_CODES = {state: float(code) for code, state in enumerate(STATES)} | {NOTHING: float(GONE)}


@dataclass(frozen=True, slots=True)
class Framed:
    """A frame at the instant it is of, and how far its source had come."""

    at_s: int
    watermark_s: int
    frame: Frame


@dataclass(frozen=True, slots=True)
class Columns:
    """Points of frames that became known together; ``code`` counts in ``codes``: their series."""

    codes: list[str]
    code: Ints
    at_ms: Ints
    value: Floats


@dataclass(frozen=True, slots=True)
class Figures:
    """Readings of one indicator and period as columns, by instant and number of the subject."""

    at_s: list[int]
    period_s: list[int]
    number: list[int]
    value: list[float | None]
    num: list[int | None]
    den: list[int | None]
    target: list[float | None]
    state: list[str]
    watermark_s: list[int]
    definition: list[str]


def code_of(indicator: str, period: str, part: str, page: int = 0) -> str:
    return f"{indicator}/{period}/{part}/{page}"


def columns_of(framed: Sequence[Framed], numbers: Mapping[str, int]) -> Columns:
    """Frames as columns; what can be told from the rest is not written."""
    frames = [f.frame for f in framed]
    sizes = [len(f.subjects) for f in frames]
    which = np.repeat(np.arange(len(frames)), sizes)
    begin = np.array([f.at_s * 1000 for f in framed], np.int64)
    every = np.array([numbers[s] for f in frames for s in f.subjects], np.int64)
    page, slot = np.divmod(every, SLOTS)
    at = begin[which] + slot
    codes: list[str] = []
    found: list[tuple[Ints, Ints, Floats]] = []
    for part, there, value in _parts(frames):
        if there is None:
            there = np.ones(len(at), bool)
        pairs, place = np.unique(which[there] * _PAGES + page[there], return_inverse=True)
        found.append((len(codes) + place, at[there], value[there]))
        for pair in pairs.tolist():
            head = frames[pair // _PAGES].head
            codes.append(code_of(head.indicator, head.period, part, pair % _PAGES))
    for number, one in enumerate(framed):
        for part, told in _of_frame(one):
            found.append((np.array([len(codes)]), begin[number : number + 1], np.array([told])))
            codes.append(code_of(one.frame.head.indicator, one.frame.head.period, part))
    code, at_ms, told_values = zip(*found, strict=True)
    return Columns(codes, np.concatenate(code), np.concatenate(at_ms), np.concatenate(told_values))


def _of_frame(framed: Framed) -> Iterator[tuple[str, float]]:
    """What is said of all figures of a frame at once."""
    head = framed.frame.head
    yield "watermark", float(framed.watermark_s)
    if head.definition:
        yield "definition", float(number_of(head.definition))
    if head.period_s != bounds(head.period, framed.at_s)[0]:
        yield "begin", float(head.period_s)


def _parts(frames: Sequence[Frame]) -> Iterator[tuple[str, NDArray[np.bool_] | None, Floats]]:
    nums, dens = [n for f in frames for n in f.nums], [d for f in frames for d in f.dens]
    num, den = _floats(nums), _floats(dens)
    yield "state", None, np.array([_CODES[s] for f in frames for s in f.states], np.float64)
    yield "num", ~np.isnan(num), num
    yield "den", ~np.isnan(den), den
    for part, told, column in (("num_rest", nums, num), ("den_rest", dens, den)):
        if (np.abs(column) >= _EXACT).any():
            pairs = zip(told, column.tolist(), strict=True)
            rest = np.array([0.0 if n is None else float(n - int(c)) for n, c in pairs])
            yield part, rest != 0, rest
    value, guess = _floats([v for f in frames for v in f.values]), _guess(num, den)
    yield "value", ~((value == guess) | (np.isnan(value) & np.isnan(guess))), value
    target = _floats([t for f in frames for t in f.targets])
    yield "target", ~np.isnan(target), target


Parts = Mapping[tuple[str, int], Points]


def figures_of(period: str, parts: Parts, wanted: Ints | None) -> Figures:
    """Columns as ``columns_of`` made them, of the subjects with these numbers (None: all)."""
    found = [_page(parts, page, wanted) for part, page in sorted(parts) if part == "state"]
    at = np.concatenate([np.zeros(0, np.int64), *(f[0] for f in found)])
    number = np.concatenate([np.zeros(0, np.int64), *(f[1] for f in found)])
    columns = [np.concatenate([np.zeros(0), *(f[2][c] for f in found)]) for c in range(7)]
    num, num_rest, den, den_rest, value, target, state = columns
    begin = at - at % SLOTS
    watermark = _looked_up(parts.get(("watermark", 0)), begin)
    definition = _looked_up(parts.get(("definition", 0)), begin)
    other = _looked_up(parts.get(("begin", 0)), begin)
    at_s = (at // SLOTS).tolist()
    return Figures(
        at_s,
        [
            bounds(period, s)[0] if o != o else int(o)
            for s, o in zip(at_s, other.tolist(), strict=True)
        ],
        number.tolist(),
        _told(value),
        _whole(num, num_rest),
        _whole(den, den_rest),
        _told(target),
        [STATES[int(s)] for s in state.tolist()],
        [int(w) for w in np.nan_to_num(watermark).tolist()],
        [name_of(int(d)) if d == d else "" for d in definition.tolist()],
    )


def _page(parts: Parts, page: int, wanted: Ints | None) -> tuple[Ints, Ints, list[Floats]]:
    states = parts["state", page]
    at, state = np.asarray(states.at_ms, np.int64), np.asarray(states.value, np.float64)
    number = page * SLOTS + at % SLOTS
    there = state != GONE
    if wanted is not None:
        there &= np.isin(number, wanted)
    at, state, number = at[there], state[there], number[there]
    num, den, target, apart = (
        _looked_up(parts.get((p, page)), at) for p in ("num", "den", "target", "value")
    )
    rests = [np.nan_to_num(_looked_up(parts.get((p, page)), at)) for p in ("num_rest", "den_rest")]
    value = np.where(_there(parts.get(("value", page)), at), apart, _guess(num, den))
    return at, number, [num, rests[0], den, rests[1], value, target, state]


def _guess(num: Floats, den: Floats) -> Floats:
    """What a figure is that is nothing but its counts: a share, or the count itself."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(den == 0, np.nan, num / den)
    return np.where(np.isnan(den), num, share)


def _looked_up(points: Points | None, at: Ints) -> Floats:
    """The value at each instant; NaN where there is none."""
    if points is None or not len(points.at_ms):
        return np.full(len(at), np.nan)
    there = np.asarray(points.at_ms, np.int64)
    place = np.minimum(np.searchsorted(there, at), len(there) - 1)
    return np.where(there[place] == at, np.asarray(points.value, np.float64)[place], np.nan)


def _there(points: Points | None, at: Ints) -> NDArray[np.bool_]:
    if points is None:
        return np.zeros(len(at), bool)
    return np.isin(at, np.asarray(points.at_ms, np.int64))


def _floats(column: Sequence[float | None]) -> Floats:
    """None as NaN."""
    return np.array(column, np.float64)


def _told(column: Floats) -> list[float | None]:
    return [None if v != v else v for v in column.tolist()]


def _whole(column: Floats, rest: Floats) -> list[int | None]:
    pairs = zip(column.tolist(), rest.tolist(), strict=True)
    return [None if c != c else int(c) + int(r) for c, r in pairs]


def number_of(definition: str) -> int:
    """A version's name as a whole number a double holds; a name is at most 12 hexadecimal digits.

    A leading one keeps zeros in front.
    """
    if len(definition) > 12:
        raise ValueError(f"the version {definition!r} is too long; expected 12 digits at most")
    return int("1" + definition, 16)


def name_of(number: int) -> str:
    return f"{number:x}"[1:]
