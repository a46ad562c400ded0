"""League: units compared by a composite, so that three files cannot outrank three thousand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from app.domain.composite import COUNTED, Composed, Composite, Input, compose, rounded
from app.domain.ranking import FEW, placed, prior_of, ranked


@dataclass(frozen=True, slots=True)
class Standing:
    """``estimate``: hundredths of a point, by shares drawn to the mean of the peers."""

    estimate: int
    place: int
    few: bool


def league(definition: Composite, units: Mapping[str, Mapping[str, Input]]) -> dict[str, Standing]:
    """Place 1 is the best; a unit of which nothing counts has none."""
    drawn = {s: dict(given) for s, given in units.items()}
    cases = dict.fromkeys(units, 0)
    for part in definition.parts():
        shares = {
            s: (told.num, told.den)
            for s, given in units.items()
            if (told := given.get(part.id)) is not None
            and told.status == COUNTED
            and told.num is not None
            and told.den
        }
        prior, found = prior_of(shares), ranked(shares, "up")
        if prior is None:
            continue
        for subject, place in found.items():
            drawn[subject][part.id] = Input(COUNTED, place.estimate)
            cases[subject] = max(cases[subject], shares[subject][1])
        # Without a case of its own a unit stands where its peers do: that the part which is hard
        # for all does not apply to it must not lift it above them.
        for subject in drawn.keys() - found.keys():
            drawn[subject][part.id] = Input(COUNTED, prior.mean)
    merits = {s: _merit(compose(definition, given)) for s, given in drawn.items()}
    known = {s: m for s, m in merits.items() if m is not None and cases[s]}
    few = {s for s in known if cases[s] < FEW}
    places = placed({s: float(merit) for s, merit in known.items()}, few)
    return {s: Standing(rounded(merit), places[s], s in few) for s, merit in known.items()}


def _merit(composed: Composed) -> Fraction | None:
    """Points as they are before anything is rounded."""
    parts = [p for g in composed.groups for p in g.parts if p.rate is not None]
    if not parts:
        return None
    return sum((p.weight * p.rate for p in parts if p.rate is not None), Fraction())
