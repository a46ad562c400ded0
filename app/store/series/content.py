"""Content: every version of every point of one series in one bucket, as pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.store.series.codec import Floats, Ints

# Known when the batch that carried this instant was known: nothing need be kept of it.
IN_STEP = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Versions in the order they arrived."""

    at: Ints
    value: Floats
    known: Ints

    def __len__(self) -> int:
        return len(self.at)

    def where(self, chosen: NDArray[Any] | slice) -> Arrivals:
        return Arrivals(self.at[chosen], self.value[chosen], self.known[chosen])


@dataclass(frozen=True, slots=True)
class Content:
    """What holds today, one point an instant; beside it what was replaced, oldest version first."""

    now: Arrivals
    past: Arrivals


@dataclass(frozen=True, slots=True)
class Steps:
    """Consecutive batches of a source: when each was known and how far points went until then."""

    known: Ints
    reach: Ints

    def known_at(self, at: Ints) -> Ints:
        """When a point of this instant became known, had it come in step; IN_STEP = cannot say."""
        found = np.searchsorted(self.reach, at)
        return np.append(self.known, IN_STEP)[found]


NOTHING = Arrivals(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))
EMPTY = Content(NOTHING, NOTHING)


def joined(parts: list[Arrivals]) -> Arrivals:
    """One after the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return NOTHING
    return Arrivals(
        np.concatenate([p.at for p in parts]),
        np.concatenate([p.value for p in parts]),
        np.concatenate([p.known for p in parts]),
    )


def merge(content: Content, arrived: Arrivals) -> Content:
    """The content after these versions too; those that say what holds already change nothing."""
    if not len(arrived):
        return content
    now = content.now
    if bool(np.all(arrived.at[1:] > arrived.at[:-1])) and (
        not len(now) or now.at[-1] < arrived.at[0]
    ):
        return Content(joined([now, arrived]) if len(now) else arrived, content.past)
    arrived = _news(now, arrived)
    if not len(arrived):
        return content
    both = joined([now, arrived])
    order = np.argsort(both.at, kind="stable")
    at = both.at[order]
    again = at[1:] == at[:-1]
    if not again.any():
        return Content(both.where(order), content.past)
    return _folded(content, arrived, np.unique(at[1:][again]))


def as_of(content: Content, known_ms: int) -> Content:
    """What held at a knowledge time; every instant of knowledge must be told (see ``told``)."""
    past = _seen(content.past, known_ms)
    now = _seen(content.now, known_ms)
    every = joined([past, now])
    order = np.argsort(every.at, kind="stable")
    every = every.where(order)
    last = np.append(every.at[1:] != every.at[:-1], True) if len(every) else slice(0)
    return Content(every.where(last), NOTHING)


def told(content: Content, steps: Steps) -> Content:
    """Every instant of knowledge written out."""
    return Content(_told(content.now, steps), _told(content.past, steps))


def in_step(content: Content, steps: Steps) -> Content:
    """Every instant of knowledge that the batches tell by themselves left out."""
    return Content(_in_step(content.now, steps), _in_step(content.past, steps))


def _told(part: Arrivals, steps: Steps) -> Arrivals:
    known = np.where(part.known == IN_STEP, steps.known_at(part.at), part.known)
    return Arrivals(part.at, part.value, known)


def _in_step(part: Arrivals, steps: Steps) -> Arrivals:
    if not len(part):
        return part
    known = np.where(part.known == steps.known_at(part.at), IN_STEP, part.known)
    return Arrivals(part.at, part.value, known)


def _seen(part: Arrivals, known_ms: int) -> Arrivals:
    return part.where(part.known <= known_ms)


def _news(now: Arrivals, arrived: Arrivals) -> Arrivals:
    """Without what arrives once and says what holds: duplicates are common, and many at a time."""
    if not len(now):
        return arrived
    place = np.minimum(np.searchsorted(now.at, arrived.at), len(now) - 1)
    same = (now.at[place] == arrived.at) & (
        now.value[place].view(np.int64) == np.ascontiguousarray(arrived.value).view(np.int64)
    )
    if not same.any():
        return arrived
    _, back, times = np.unique(arrived.at, return_inverse=True, return_counts=True)
    return arrived.where(~(same & (times[back] == 1)))


def _folded(content: Content, arrived: Arrivals, contested: Ints) -> Content:
    """The instants with several versions one by one; the rest as they are."""
    now, past = content.now, content.past
    versions: dict[int, list[tuple[float, int]]] = {at: [] for at in contested.tolist()}
    for part in (past, now, arrived):
        chosen = part.where(np.isin(part.at, contested))
        for at, value, known in zip(
            chosen.at.tolist(), chosen.value.tolist(), chosen.known.tolist(), strict=True
        ):
            _another(versions[at], value, known)
    calm = [part.where(~np.isin(part.at, contested)) for part in (now, arrived)]
    newest = _arrivals([(at, *v[-1]) for at, v in versions.items()])
    older = _arrivals([(at, *one) for at, v in versions.items() for one in v[:-1]])
    return Content(
        _by_instant(joined([*calm, newest])),
        _by_instant(joined([past.where(~np.isin(past.at, contested)), older])),
    )


def _another(versions: list[tuple[float, int]], value: float, known: int) -> None:
    """What was replaced at the very instant it became known could never be read: it is dropped."""
    if versions and _same(versions[-1][0], value):
        return
    if versions and versions[-1][1] == known and known != IN_STEP:
        versions.pop()
        if versions and _same(versions[-1][0], value):
            return
    versions.append((value, known))


def _same(one: float, other: float) -> bool:
    """To the bit: NaN is NaN, and -0.0 is not 0.0."""
    return np.float64(one).tobytes() == np.float64(other).tobytes()


def _by_instant(part: Arrivals) -> Arrivals:
    return part.where(np.argsort(part.at, kind="stable"))


def _arrivals(rows: list[tuple[int, float, int]]) -> Arrivals:
    at, value, known = zip(*rows, strict=True) if rows else ((), (), ())
    return Arrivals(np.array(at, np.int64), np.array(value, np.float64), np.array(known, np.int64))
