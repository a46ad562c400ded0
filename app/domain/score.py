"""Score: *điểm điều hành*, value over target of several indicators in one honest number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.domain.indicator import Indicator, Scene
from app.domain.reading import Reading

BELOW = 0.9
AT_BEST = 1.25
COUNTED = frozenset(("fresh", "late", "loading"))
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A member with a target that is not counted: its feed is silent, or it has no value."""

    key: Key
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


def score(
    scene: Scene,
    indicators: Mapping[str, Indicator],
    readings: Iterable[Reading],
    judged: Mapping[str, str],
) -> Score:
    """Mean attainment of the tiles that have a target; those of a silent source are named.

    One good tile cannot hide a bad one: attainment is capped and the minimum is stated beside it.
    """
    known = {(r.indicator, r.subject, r.period): r for r in readings}
    ratios: list[float] = []
    left: list[LeftOut] = []
    for tile in (tile for group in scene.groups for tile in group.tiles):
        key = (tile.indicator, tile.subject, tile.period)
        reading = known.get(key)
        if reading is None or reading.target is None:
            continue
        quality = judged.get(reading.source, "no_source")
        if reading.value is None or quality not in COUNTED:
            left.append(LeftOut(key, quality))
            continue
        up = indicators[tile.indicator].better == "up"
        ratios.append(attainment(reading.value, reading.target, up=up))
    return Score(
        sum(ratios) / len(ratios) if ratios else None,
        min(ratios, default=None),
        sum(1 for r in ratios if r < BELOW),
        len(ratios),
        len(ratios) + len(left),
        tuple(left),
    )
