"""Gaming: units that close files just before the deadline and reopen them, told from chance.

Each unit is held against all the others together. Its count is binomial if it works as they do;
a unit is named when so many would come up by chance in fewer than one of a hundred provinces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, lgamma, log, log1p

FALSE_ALARM = 0.01  # that any honest unit at all is named; divided among the units looked at
LEAST = 3  # so few are never called a habit
_FLOOR = 1e-3  # a province without a single reopening is luck, not proof that there are none


@dataclass(frozen=True, slots=True)
class Suspect:
    """``chance``: of so many or more, if the unit worked as the others do."""

    subject: str
    num: int
    den: int
    usual: float
    chance: float


def suspects(counts: Mapping[str, tuple[int, int]]) -> list[Suspect]:
    """Units with more reopened files than chance explains, the least likely first."""
    units = {s: c for s, c in counts.items() if c[1] > 0}
    nums, dens = (sum(c[i] for c in units.values()) for i in range(2))
    found = []
    for subject, (num, den) in units.items():
        if num < LEAST:
            continue
        others = dens - den
        usual = max(_FLOOR, (nums - num + 1) / (others + 1) if others else _FLOOR)
        chance = tail(num, den, min(1.0, usual))
        if chance * len(units) < FALSE_ALARM:
            found.append(Suspect(subject, num, den, usual, chance))
    return sorted(found, key=lambda s: (s.chance, s.subject))


def tail(least: int, among: int, rate: float) -> float:
    """Probability of at least so many among so many, each with this rate."""
    if least <= 0 or rate >= 1:
        return 1.0
    if least > among or rate <= 0:
        return 0.0
    odds = log(rate) - log1p(-rate)
    # Logarithms: thousands of files would overflow, and a tiny chance is not one minus a large one.
    term = lgamma(among + 1) - lgamma(least + 1) - lgamma(among - least + 1)
    term += least * log(rate) + (among - least) * log1p(-rate)
    total = 0.0
    for k in range(least, among + 1):
        total += exp(term)
        term += odds + log((among - k) / (k + 1)) if k < among else 0.0
    return min(1.0, total)
