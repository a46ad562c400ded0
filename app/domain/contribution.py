"""Contribution: which units make the gap to a target, in whole cases, nothing left over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.domain.why import Part

MOST_OF_IT = Fraction(4, 5)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Cases a part lacks to its target; negative: it has them to spare."""

    part: Part
    lacks: Fraction


@dataclass(frozen=True, slots=True)
class Contribution:
    """``lacks`` of the whole is the sum over ``parts``; the first ``few`` make 80 % of what
    is lacking anywhere."""

    lacks: Fraction
    parts: tuple[Shortfall, ...]
    few: int
    explained: Fraction | None


def contribution(
    num: int, den: int, target: float, better: str, parts: Sequence[Part]
) -> Contribution:
    """Take the gap apart. A target is a decimal as people write it, so sums are exact."""
    goal = Fraction(str(target))
    sign = 1 if better == "up" else -1

    def lacks(of: int, among: int) -> Fraction:
        return sign * (goal * among - of)

    found = [Shortfall(p, lacks(p.num or 0, p.den or 0)) for p in parts]
    found.sort(key=lambda s: (-s.lacks, s.part.subject or ""))
    few, explained = _few(found)
    return Contribution(lacks(num, den), tuple(found), few, explained)


def _few(found: Sequence[Shortfall]) -> tuple[int, Fraction | None]:
    """How many of the worst it takes, and the share of all that lacks they make."""
    missing = sum((s.lacks for s in found if s.lacks > 0), Fraction())
    if not missing:
        return 0, None
    reached = Fraction()
    for count, one in enumerate(found, 1):
        reached += one.lacks
        if reached >= MOST_OF_IT * missing:
            return count, reached / missing
    raise AssertionError("the parts that lack make all that is lacking")
