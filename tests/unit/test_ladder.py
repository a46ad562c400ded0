"""Ladder: targets that are to hold at every instant, and ranks."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.indicator import Target
from app.evaluation.ladder import LadderRule, Rung, climb

DAY = 86400
ABOVE = Target(0.95, ("area:10",), (), "", "", 0.02, 0.05)
BELOW = Target(10.0, ("area:10",), (), "", "", 2.0, 5.0)
RANK = Target(31.0, ("area:10",), (), "", "2025-12-31", 3.0, 10.0, kind="rank")
RULE = LadderRule()


def states(target: Target, better: str, values: list[float]) -> list[str]:
    return [
        r.state for r in climb(target, better, RULE, [(n * DAY, v) for n, v in enumerate(values)])
    ]


def episodes(rungs: list[Rung]) -> int:
    bad = [False, *(r.state in ("lagging", "critical") for r in rungs)]
    return sum(b and not a for a, b in pairwise(bad))


@pytest.mark.parametrize(
    ("target", "better", "value", "state"),
    [
        (ABOVE, "up", 0.95, "met"), (ABOVE, "up", 0.94, "near"), (ABOVE, "up", 0.93, "near"),
        (ABOVE, "up", 0.92, "lagging"), (ABOVE, "up", 0.90, "lagging"),
        (ABOVE, "up", 0.89, "critical"), (BELOW, "down", 10.0, "met"),
        (BELOW, "down", 12.0, "near"), (BELOW, "down", 14.0, "lagging"),
        (BELOW, "down", 15.5, "critical"), (RANK, "down", 31, "met"), (RANK, "down", 34, "near"),
        (RANK, "down", 41, "lagging"), (RANK, "down", 42, "critical"),
    ],
)  # fmt: skip
def test_what_lasts_ends_on_its_rung(target, better, value, state):
    assert states(target, better, [value] * 20)[-1] == state


def test_lagging_takes_five_days_and_recovery_seven():
    told = states(ABOVE, "up", [0.96] * 3 + [0.91] * 10 + [0.96] * 12)
    assert told[3:9] == ["near"] * 5 + ["lagging"]
    assert told[13:21] == ["lagging"] * 7 + ["met"]


@settings(max_examples=100, deadline=None)
@given(st.floats(0.5, 1.0), st.lists(st.floats(-0.0049, 0.0049), min_size=80, max_size=80))
def test_noise_smaller_than_the_band_makes_one_episode_at_most(level, noise):
    values = [(n * DAY, level + x) for n, x in enumerate(noise)]
    assert episodes(climb(ABOVE, "up", RULE, values)) <= 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.5, 1), min_size=40, max_size=90), st.integers(0, 60), st.integers(1, 30)
)
def test_a_run_of_missing_values_changes_nothing_while_it_lasts(values, begin, length):
    told = [(n * DAY, None if begin <= n < begin + length else v) for n, v in enumerate(values)]
    rungs = climb(ABOVE, "up", RULE, told)
    inside = {n * DAY for n in range(begin, begin + length)}
    assert not inside & {r.at_s for r in rungs} and not inside & {r.since_s for r in rungs}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(400, 1000), min_size=20, max_size=80), st.sampled_from([0.5, 2.0, 4096.0])
)
def test_another_unit_changes_nothing(values, scale):
    other = Target(950 * scale, (), (), "", "", 20 * scale, 50 * scale)
    one = Target(950.0, (), (), "", "", 20.0, 50.0)
    assert states(other, "up", [v * scale for v in values]) == states(
        one, "up", [float(v) for v in values]
    )
