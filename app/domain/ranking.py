"""Ranking: shares compared fairly, so that three files cannot outrank three thousand.

Every unit's share is drawn towards the mean of its peers, the more the fewer cases it has: a
beta-binomial model whose spread is estimated from the units themselves (moments, after Kleinman).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import sqrt

FEW = 10  # with fewer cases a unit takes neither the first nor the last place from a larger one
Z = 1.6448536269514722  # 90 %
SURE = 0.65  # of the strength, in intervals: it is itself estimated (simulated: 90 % hold)
_LEAST, _MOST = 1e-4, 0.5


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of a unit before its own cases: mean of its peers, worth so many cases."""

    mean: float
    strength: float


@dataclass(frozen=True, slots=True)
class Place:
    """``estimate`` is the share drawn to the mean; with 90 % it lies from ``low`` to ``high``."""

    estimate: float
    low: float
    high: float
    place: int
    few: bool


def prior_of(shares: Mapping[str, tuple[int, int]]) -> Prior | None:
    """Mean and spread of the units that have cases; None when nobody has any."""
    units = [(num, den) for num, den in shares.values() if den > 0]
    total = sum(den for _, den in units)
    if not total:
        return None
    mean = sum(num for num, _ in units) / total
    noise = mean * (1 - mean)
    # How far a correlation inside units would widen the spread, case for case.
    room = sum((den - 1) * (1 - den / total) for _, den in units)
    if noise <= 0 or room <= 0:
        return Prior(mean, 1 / _LEAST - 1)
    spread = sum(den * (num / den - mean) ** 2 for num, den in units) / noise
    within = (spread - (len(units) - 1)) / room
    within = max(_LEAST, min(_MOST, within))
    return Prior(mean, 1 / within - 1)


def ranked(shares: Mapping[str, tuple[int, int]], better: str) -> dict[str, Place]:
    """Place 1 is the best; equals share a place; a unit without cases has none."""
    prior = prior_of(shares)
    if prior is None:
        return {}
    found = {s: _estimate(num, den, prior) for s, (num, den) in shares.items() if den > 0}
    sign = 1 if better == "up" else -1
    few = {s for s in found if shares[s][1] < FEW}
    places = placed({s: sign * found[s][0] for s in found}, few)
    return {s: Place(*found[s], places[s], s in few) for s in found}


def placed(merits: Mapping[str, float], few: Collection[str]) -> dict[str, int]:
    """The place of each; those of ``few`` cases take neither the first nor the last one."""
    held = dict(merits)
    large = [m for s, m in merits.items() if s not in few]
    if large:
        # Strictly between the best and the worst of those that have enough cases to tell.
        best, worst = max(large), min(large)
        for subject in few:
            held[subject] = min(max(held[subject], worst + 1e-9), best - 1e-9)
    return {s: 1 + sum(other > m + 1e-15 for other in held.values()) for s, m in held.items()}


def _estimate(num: int, den: int, prior: Prior) -> tuple[float, float, float]:
    """Mean of the posterior, and Wilson's interval over real and lent cases together."""
    cases = den + prior.strength
    share = (num + prior.mean * prior.strength) / cases
    cases = den + SURE * prior.strength
    wide = 1 + Z * Z / cases
    middle = (share + Z * Z / (2 * cases)) / wide
    half = Z / wide * sqrt(max(0.0, share * (1 - share) / cases + Z * Z / (4 * cases * cases)))
    return share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
