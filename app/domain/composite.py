"""Composite: weighted groups of indicators as one score out of 100 whose parts add up exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

# A part is counted, or says why not; what is not counted gives its weight to the others.
COUNTED, NO_SOURCE, NOT_APPLICABLE, STALE = "counted", "no_source", "not_applicable", "stale"
HUNDREDTHS = 100


@dataclass(frozen=True, slots=True)
class CompositePart:
    """One index of the sheet. ``full`` is the share that earns all of its weight."""

    id: str
    title_vi: str
    title_en: str
    weight: Fraction
    assumption: bool
    indicator: str = ""  # empty: no source yet
    period: str = ""
    full: Fraction = Fraction(1)
    rule_vi: str = ""
    rule_en: str = ""


@dataclass(frozen=True, slots=True)
class CompositeGroup:
    id: str
    title_vi: str
    title_en: str
    weight: Fraction
    parts: tuple[CompositePart, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """What the Government published: points by group, rank, and where it stands."""

    until: str
    total: float
    rank: int
    of: int
    groups: Mapping[str, float]
    source: str
    national: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Composite:
    id: str
    title_vi: str
    title_en: str
    legal_source: str
    rule_vi: str
    rule_en: str
    levels: tuple[str, ...]
    groups: tuple[CompositeGroup, ...]
    published: tuple[Published, ...]

    def parts(self) -> list[CompositePart]:
        return [part for group in self.groups for part in group.parts]


@dataclass(frozen=True, slots=True)
class Input:
    """A figure as found: ``status`` tells why there is no value."""

    status: str
    value: float | None = None
    num: int | None = None
    den: int | None = None


@dataclass(frozen=True, slots=True)
class PartScore:
    """``weight`` after redistribution; ``points`` in hundredths, so that sums are exact."""

    part: CompositePart
    given: Input
    rate: Fraction | None
    weight: Fraction
    points: int


@dataclass(frozen=True, slots=True)
class GroupScore:
    """``own_points``: hundredths out of the group's own weight, as it is published."""

    group: CompositeGroup
    weight: Fraction
    points: int
    own_points: int | None
    parts: tuple[PartScore, ...]


@dataclass(frozen=True, slots=True)
class Composed:
    """``covered``: the share of the sheet's weight that figures stand behind."""

    points: int | None
    covered: Fraction
    counted: int
    total: int
    groups: tuple[GroupScore, ...]


def compose(definition: Composite, inputs: Mapping[str, Input]) -> Composed:
    """Points of every part, out of 100. What is not counted gives its weight away by rule:

    first to the other parts of its group, in proportion; a group of which nothing counts gives
    its own to the other groups.
    """
    rates = {p.id: _rate(p, inputs.get(p.id, Input(NO_SOURCE))) for p in definition.parts()}
    alive = [g for g in definition.groups if any(rates[p.id] is not None for p in g.parts)]
    whole = sum((g.weight for g in definition.groups), Fraction())
    shared = sum((g.weight for g in alive), Fraction())
    groups = []
    for group in definition.groups:
        weight = group.weight * whole / shared if group in alive else Fraction()
        groups.append(_group(group, weight, rates, inputs))
    groups = _within(groups, rounded(whole))
    counted = [p for g in groups for p in g.parts if p.rate is not None]
    return Composed(
        sum(g.points for g in groups) if counted else None,
        sum((p.part.weight for p in counted), Fraction()) / whole if whole else Fraction(),
        len(counted),
        len(rates),
        tuple(groups),
    )


def _within(groups: list[GroupScore], most: int) -> list[GroupScore]:
    """Parts each rounded up can add up to more than there is: those rounded most give it back."""
    over = sum(g.points for g in groups) - most
    if over <= 0:
        return groups
    gained = {
        p.part.id: p.points - p.weight * p.rate * HUNDREDTHS
        for g in groups
        for p in g.parts
        if p.rate is not None
    }
    giving = set(sorted(gained, key=lambda one: (-gained[one], one))[:over])
    lowered = []
    for group in groups:
        parts = tuple(
            replace(p, points=p.points - 1) if p.part.id in giving else p for p in group.parts
        )
        lowered.append(replace(group, points=sum(p.points for p in parts), parts=parts))
    return lowered


def _rate(part: CompositePart, given: Input) -> Fraction | None:
    if given.status != COUNTED or given.value is None:
        return None
    if given.num is not None and given.den:
        value = Fraction(given.num, given.den)
    else:
        value = Fraction(given.value)
    return max(Fraction(), min(Fraction(1), value / part.full))


def _group(
    group: CompositeGroup,
    weight: Fraction,
    rates: Mapping[str, Fraction | None],
    inputs: Mapping[str, Input],
) -> GroupScore:
    told = [(p, rates[p.id]) for p in group.parts]
    inside = sum((p.weight for p, rate in told if rate is not None), Fraction())
    parts = []
    for part, rate in told:
        own = Fraction() if rate is None else weight * part.weight / inside
        points = rounded(own * rate) if rate is not None else 0
        parts.append(PartScore(part, inputs.get(part.id, Input(NO_SOURCE)), rate, own, points))
    reached = sum((p.weight * rate for p, rate in told if rate is not None), Fraction())
    own_points = rounded(group.weight * reached / inside) if inside else None
    return GroupScore(group, weight, sum(p.points for p in parts), own_points, tuple(parts))


def rounded(points: Fraction) -> int:
    """Hundredths of a point, half up, as reports give two decimals."""
    return int((points * HUNDREDTHS * 2 + 1) // 2)


def problems(definition: Composite) -> Sequence[str]:
    """What contradicts itself: weights that do not add up to their group, or to 100."""
    found = []
    total = sum((g.weight for g in definition.groups), Fraction())
    if total != 100:
        found.append(f"the groups weigh {float(total):g}; expected 100 in all")
    for group in definition.groups:
        parts = sum((p.weight for p in group.parts), Fraction())
        if parts != group.weight:
            found.append(f"parts of {group.id} weigh {float(parts):g} of {float(group.weight):g}")
    names = [p.id for p in definition.parts()]
    found += [f"part {n} is there twice" for n in sorted(set(names)) if names.count(n) > 1]
    return found
