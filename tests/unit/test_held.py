"""Held: targets to be held at every instant, in the product's own judgement."""

from __future__ import annotations

import random
from datetime import date
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.indicator import AlertRule, Target
from app.domain.period import midnight_s
from app.evaluation.held import Held, rule_of

DAY = 86400
BEGAN = midnight_s(date(2022, 1, 1))
WHO = "area:10"
ABOVE = Target(0.95, (WHO,), (), "", "", 0.02, 0.05, kind="maintain")
RANK = Target(0.5, (WHO,), (), "", "2025-12-31", 0.05, 0.2, kind="rank")


def close(day: int) -> int:
    return BEGAN + (day + 1) * DAY - 1


def walked(values: dict[int, float | None], target: Target = ABOVE, better: str = "up") -> Held:
    held = Held({WHO: target}, better)
    for day, value in sorted(values.items()):
        held.close(close(day), [(WHO, value)])
    return held


def state(held: Held, day: int, value: float | None) -> str | None:
    return held.state(WHO, value, close(day) + 3600)


def test_a_fall_is_near_at_once_and_lagging_when_it_lasts():
    values: dict[int, float | None] = dict.fromkeys(range(30), 0.97)
    held = walked(values)
    assert state(held, 29, 0.80) == "near"
    told = held.pace(WHO, 0.80, close(29) + 3600)
    assert told is not None
    assert (told.expected, told.lag_days, told.holds, told.way) == (0.95, None, "lasting", "held")
    held = walked(values | dict.fromkeys(range(30, 36), 0.80))
    assert state(held, 35, 0.80) == "critical"
    assert state(held, 35, 0.97) == "critical", "one good hour does not end what has lasted"
    told = held.pace(WHO, 0.97, close(35) + 3600)
    assert told is not None
    assert (told.holds, told.since_s) == ("leaving", close(35))


def test_what_is_missing_changes_nothing_and_a_deadline_ends_the_holding():
    values: dict[int, float | None] = dict.fromkeys(range(10), 0.8)
    values |= dict.fromkeys(range(10, 60))
    held = walked(values)
    assert state(held, 59, 0.97) == "critical"
    assert state(held, 59, None) == "none"
    rank = walked({n: 0.4 for n in range(20)}, RANK, "down")
    assert rank.state(WHO, 0.4, close(20)) == "met"
    assert rank.state(WHO, 0.4, midnight_s(date(2026, 1, 1))) is None


@settings(max_examples=60, deadline=None)
@given(st.floats(0.85, 1.0), st.integers(0, 2**32))
def test_noise_smaller_than_the_band_begins_one_episode_at_most(level: float, seed: int):
    rng, held, bad = random.Random(seed), Held({WHO: ABOVE}, "up"), [False]
    for day in range(500):
        value = level + rng.uniform(-0.0049, 0.0049)
        held.close(close(day), [(WHO, value)])
        bad.append(state(held, day, value) in ("lagging", "critical"))
    assert sum(b and not a for a, b in pairwise(bad)) <= 1


def test_an_indicator_s_own_delay_is_kept():
    assert rule_of(None).for_days == 5
    alert = AlertRule((WHO,), 2 * DAY, "month", "", "", "district")
    assert (rule_of(alert).for_days, rule_of(alert).keep_days) == (2.0, 2.8)
    held = Held({WHO: ABOVE}, "up", rule_of(alert))
    for day in range(3):
        held.close(close(day), [(WHO, 0.8)])
    assert state(held, 2, 0.8) == "critical"
