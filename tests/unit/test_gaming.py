"""Gaming: a planted agency is named; in honest provinces hardly anybody ever is."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta
from functools import cache

import pytest

from app.domain.gaming import FALSE_ALARM, suspects, tail
from collectors._world.calendar import midnight_s
from collectors._world.world import World
from collectors.public_service.simulator import feed
from collectors.public_service.truth import PublicServiceTruth

PLANTED = "H38.31"
DAYS = 120


@cache
def counts(seed: int, gaming: str) -> dict[str, tuple[int, int]]:
    """Closed and reopened files by agency in the simulator's own count."""
    world = World(seed, 0.1, gaming)
    simulated, truth = feed(world), PublicServiceTruth(world)
    for number in range(DAYS):
        for message in simulated.day(date(2022, 1, 1) + timedelta(days=number)):
            truth.add(message)
    at_s = midnight_s(date(2022, 1, 1) + timedelta(days=DAYS))
    found: dict[str, tuple[int, int]] = {}
    for level in ("agency", "department"):
        for subject, (_, num, den) in truth.ask("ps.reopened", level, "year", at_s).items():
            found[subject] = (int(num), int(den or 0))
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_a_planted_agency_is_named_and_nobody_else(seed: int) -> None:
    assert [s.subject for s in suspects(counts(seed, PLANTED))] == [f"agency:{PLANTED}"]
    assert suspects(counts(seed, "")) == []


def test_false_alarms_are_rarer_than_stated() -> None:
    """Two thousand honest provinces drawn with the simulator's own sizes and rate."""
    sizes = [den for _, den in counts(1, "").values()]
    nums = sum(num for num, _ in counts(1, "").values())
    rate = max(nums, 1) / sum(sizes)
    rng = random.Random(5)
    alarmed = 0
    for _ in range(2000):
        alarmed += bool(suspects(_drawn(rng, sizes, rate)))
    assert alarmed / 2000 < 0.05, alarmed
    assert FALSE_ALARM < 0.05


def _drawn(rng: random.Random, sizes: list[int], rate: float) -> dict[str, tuple[int, int]]:
    """File by file, made by the gaps between the rare ones."""
    made = {}
    for n, den in enumerate(sizes):
        num, at = 0, -1
        while True:
            at += 1 + int(math.log(1 - rng.random()) / math.log1p(-rate))
            if at >= den:
                break
            num += 1
        made[str(n)] = (num, den)
    return made


@pytest.mark.parametrize(("least", "among", "rate"), [(3, 10, 0.1), (1, 5, 0.5), (7, 7, 0.3)])
def test_the_tail_is_the_sum_of_its_terms(least: int, among: int, rate: float) -> None:
    wanted = sum(
        math.comb(among, k) * rate**k * (1 - rate) ** (among - k) for k in range(least, among + 1)
    )
    assert tail(least, among, rate) == pytest.approx(wanted)
    assert tail(60, 20_000, 1e-3) < 1e-10


def test_few_files_are_no_habit() -> None:
    assert suspects({"a": (2, 2), "b": (0, 500)}) == []
    assert [s.subject for s in suspects({"a": (5, 20), "b": (0, 500)})] == ["a"]
