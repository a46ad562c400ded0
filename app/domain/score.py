"""Score: *điểm điều hành*, value over target of several indicators in one honest number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import fsum

from app.domain.indicator import Indicator, Scene
from app.domain.reading import Reading

BELOW = 0.9
AT_BEST = 1.25
STEPS = 10_000
COUNTED = frozenset(("fresh", "late", "loading"))
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A member with a target that is not counted: its feed is silent, or it has no value."""

    key: Key
    quality: str


@dataclass(frozen=True, slots=True)
class Member:
    """A tile that has a target. ``ratio``: its attainment, None where it is not counted."""

    key: Key
    value: float | None
    target: float
    ratio: float | None
    quality: str


@dataclass(frozen=True, slots=True)
class Score:
    """The mean, and beside it what a mean would hide."""

    value: float | None
    minimum: float | None
    below: int
    counted: int
    total: int
    left_out: tuple[LeftOut, ...]


def attainment(value: float, target: float, *, up: bool) -> float:
    """Value over target, or target over value where less is better; at best 1.25."""
    part, whole = (value, target) if up else (target, value)
    return AT_BEST if whole <= 0 else min(AT_BEST, part / whole)


def members(
    scene: Scene,
    indicators: Mapping[str, Indicator],
    readings: Iterable[Reading],
    judged: Mapping[str, str],
) -> list[Member]:
    """The tiles that have a target, in their order; what is silent or has no value counts nothing.

    One good tile cannot hide a bad one: attainment is capped and the minimum is stated beside it.
    """
    known = {(r.indicator, r.subject, r.period): r for r in readings}
    found = []
    for tile in (tile for group in scene.groups for tile in group.tiles):
        key = (tile.indicator, tile.subject, tile.period)
        reading = known.get(key)
        if reading is None or reading.target is None:
            continue
        quality = judged.get(reading.source, "no_source")
        ratio = None
        if reading.value is not None and quality in COUNTED:
            up = indicators[tile.indicator].better == "up"
            ratio = attainment(reading.value, reading.target, up=up)
        found.append(Member(key, reading.value, reading.target, ratio, quality))
    return found


def score_of(found: Sequence[Member]) -> Score:
    """Mean attainment of those that count; ``fsum``: in any order the parts add up to it."""
    ratios = [m.ratio for m in found if m.ratio is not None]
    return Score(
        fsum(ratios) / len(ratios) if ratios else None,
        min(ratios, default=None),
        sum(1 for r in ratios if r < BELOW),
        len(ratios),
        len(found),
        tuple(LeftOut(m.key, m.quality) for m in found if m.ratio is None),
    )


def shares(found: Sequence[Member]) -> list[int]:
    """What each member gives to the mean, in ten-thousandths; together the mean so rounded.

    The largest remainders are rounded up, so that what is shown adds up as shown.
    """
    ratios = [Fraction(m.ratio) if m.ratio is not None else None for m in found]
    counted = sum(1 for r in ratios if r is not None)
    exact = [r / counted * STEPS if r is not None else Fraction() for r in ratios]
    told = [int(e) for e in exact]
    missing = int(sum(exact, Fraction()) + Fraction(1, 2)) - sum(told)
    order = sorted(range(len(found)), key=lambda n: (told[n] - exact[n], n))
    for n in order[:missing]:
        told[n] += 1
    return told


def score(
    scene: Scene,
    indicators: Mapping[str, Indicator],
    readings: Iterable[Reading],
    judged: Mapping[str, str],
) -> Score:
    """The score of a scene; those of a silent source are named."""
    return score_of(members(scene, indicators, readings, judged))
