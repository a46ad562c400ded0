"""Pace: when a yearly target lags, held to tables and to what must hold whatever the values."""

from __future__ import annotations

import random
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain.calendar_time import calendar_time, flat
from app.domain.on_time import Rules
from app.domain.trajectory import Trajectory
from app.evaluation.forecast import STAGES, Calibration
from app.evaluation.pace import BAD, Course, PaceRule, Verdict, follow
from benchmarks.indicators.campaign import OURS, judge

DAY = 86400
RULE = PaceRule()
FLAT = flat(0, 365)
WAY = Trajectory(FLAT, 0.0, 365.0)  # one a day, so that the lag is the day less the value
# Odds do not matter where the lag is looked at alone.
DOOM = Calibration((0.1, 0.5, 0.9), tuple((-9.0, -8.0, -7.0) for _ in range(STAGES)))

Values = list[tuple[int, float | None]]


def at(day: int) -> int:
    """The close of a day of the year, from 1."""
    return day * DAY - 1


def behind(lags: dict[int, float], last: int = 365) -> Values:
    """Values that are so many days behind from that day on."""
    found: Values = []
    lag = 0.0
    for day in range(1, last + 1):
        lag = lags.get(day, lag)
        found.append((at(day), day - lag))
    return found


def slow(rate: float, last: int = 365) -> Values:
    return [(at(day), day * rate) for day in range(1, last + 1)]


def episodes(verdicts: list[Verdict]) -> list[Verdict]:
    """Where an alarm begins."""
    states = ["none", *(v.state in BAD for v in verdicts)]
    return [
        v
        for (a, b), v in zip(pairwise(states), verdicts, strict=True)
        if b is True and a is not True
    ]


def test_a_target_on_its_way_is_met_all_year():
    assert {v.state for v in follow(WAY, RULE, slow(1.0))} == {"met"}


def test_a_slow_target_is_near_then_lags_then_is_critical_and_in_the_end_missed():
    verdicts = follow(WAY, RULE, [*slow(0.85), (at(366), 311.0)])
    told = [v.state for v in verdicts]
    order = [told[0], *(b for a, b in pairwise(told) if a != b)]
    assert order == ["met", "near", "lagging", "critical", "missed"]
    assert len(episodes(verdicts)) == 1
    assert episodes(verdicts)[0].at_s < at(75)


def test_what_is_missed_stays_missed():
    course = Course(WAY, RULE)
    for at_s, value in [*slow(0.9), (at(366), 320.0), (at(370), 400.0)]:
        course.observe(at_s, value)
    assert course.verdict is not None and course.verdict.state == "missed"


@pytest.mark.parametrize(("lag", "raised"), [(8.99, 0), (9.0, 1), (9.5, 1)])
def test_the_edge_of_entering(lag: float, raised: int):
    # The rate must be short too: it falls behind slowly up to the lag, and stays there.
    values = [(at(d), d - min(lag, lag * d / 100)) for d in range(1, 130)]
    rule = PaceRule(ratio_on=0.0)
    assert len(episodes(follow(WAY, rule, values, DOOM))) == raised


@pytest.mark.parametrize(("lag", "ends"), [(3.01, False), (3.0, True)])
def test_the_edge_of_leaving(lag: float, ends: bool):
    rule = PaceRule(ratio_on=0.0)
    last = follow(WAY, rule, behind({40: 20.0, 100: lag}, 140), DOOM)[-1]
    assert (last.state not in BAD) is ends


@pytest.mark.parametrize(("days", "raised"), [(5, 0), (6, 1)])
def test_it_must_last(days: int, raised: int):
    """Six values span five days."""
    values = behind({100: 12.0, 100 + days: 0.0}, 130)
    assert len(episodes(follow(WAY, PaceRule(ratio_on=0.0), values, DOOM))) == raised


@pytest.mark.parametrize(("days", "ends"), [(7, 0), (8, 1)])
def test_getting_better_must_last_too(days: int, ends: int):
    values = behind({60: 20.0, 150: 0.0, 150 + days: 20.0}, 200)
    verdicts = follow(WAY, PaceRule(ratio_on=0.0), values, DOOM)
    assert len(episodes(verdicts)) == 1 + ends


def test_in_the_first_month_nothing_is_raised():
    verdicts = follow(WAY, PaceRule(ratio_on=0.0), behind({1: 15.0}, 29), DOOM)
    assert not episodes(verdicts)
    assert {v.holds for v in verdicts} == {"grace"}


def test_both_windows_must_agree():
    """Far behind, but fast enough for a fortnight: no new alarm."""
    values = slow(0.93, 100) + [(at(d), 93 + (d - 100) * 2.5) for d in range(101, 116)]
    for lag_on in (4.0, 7.5):
        verdicts = follow(WAY, PaceRule(lag_on=lag_on, grace_days=105), values)
        assert not episodes(verdicts)


def test_works_with_milestones_lag_from_the_first_one_missed():
    works = Trajectory(FLAT, 0.0, 2.0, ((0.0, 0.0), (0.5, 0.5), (1.0, 1.0)), steps=True)
    verdicts = follow(works, RULE, [(at(day), 0.0) for day in range(1, 365)])
    begun = episodes(verdicts)
    assert len(begun) == 1
    # Due on day 183; nine days of lag and five days of dwell later.
    assert at(183 + 9 + 4) <= begun[0].at_s <= at(183 + 9 + 6)


# What must hold whatever the values.

lags = st.floats(0, 60)
noises = st.lists(st.floats(-0.49, 0.49), min_size=365, max_size=365)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.6, 1.05), noises, st.floats(0, 1))
def test_noise_smaller_than_the_band_makes_one_episode_at_most(rate, noise, structure):
    """Steady or in blocks, on a figure whose own lag only ever grows or stays."""
    width = (RULE.lag_on - RULE.lag_off) * 0.99
    block = 1 + int(structure * 60)
    values = [(at(day), day * rate + noise[(day - 1) // block] * width) for day in range(1, 366)]
    assert len(episodes(follow(WAY, RULE, values))) <= 1
    assert len(episodes(follow(WAY, PaceRule(ratio_on=0.0), values, DOOM))) <= 1


paths = st.lists(st.floats(0, 2.5), min_size=60, max_size=365).map(
    lambda rates: [(at(n), sum(rates[:n])) for n in range(1, len(rates) + 1)]
)


@settings(max_examples=60, deadline=None)
@given(paths, st.integers(0, 364), st.integers(1, 120))
def test_a_run_of_missing_values_changes_nothing_while_it_lasts(path: Values, begin, length):
    """Neither alarm nor all-clear; and the value after it does not count for the days before."""
    cut = path[:begin] + path[begin + length :]
    course = Course(WAY, RULE)
    for at_s, value in path:
        before = course.verdict
        gone = (at_s, value) not in cut
        course.observe(at_s, None if gone else value)
        if gone:
            assert course.verdict is before
    assert course.verdict == (follow(WAY, RULE, cut) or [None])[-1]


@settings(max_examples=30, deadline=None)
@given(st.integers(5, 60), st.floats(0.5, 1.2))
def test_the_first_value_after_a_long_gap_decides_nothing(length: int, rate: float):
    values = slow(rate, 200)
    gone = values[:120] + values[120 + max(length, 12) :]
    verdicts = follow(WAY, RULE, gone)
    after = next(v for v in verdicts if v.at_s > at(120 + max(length, 12)))
    before = next(v for v in reversed(verdicts) if v.at_s <= at(120))
    assert (after.state in BAD) == (before.state in BAD)


@settings(max_examples=60, deadline=None)
@given(paths, st.floats(1e-6, 1e9), st.floats(-1e6, 1e6), st.booleans())
@example([(at(n), n * 0.8) for n in range(1, 366)], 1e9, 0.0, True)
def test_another_unit_or_direction_changes_nothing(path: Values, scale, shift, falling):
    scale = -scale if falling else scale
    other = Trajectory(FLAT, shift, shift + 365.0 * scale)
    # A shift much larger than the span would leave no digits for the figure itself.
    if abs(shift) > abs(365 * scale) * 1e3:
        shift, other = 0.0, Trajectory(FLAT, 0.0, 365.0 * scale)
    moved = [(at_s, shift + (value or 0.0) * scale) for at_s, value in path]
    assert [v.state for v in follow(other, RULE, moved)] == [
        v.state for v in follow(WAY, RULE, path)
    ]


@settings(max_examples=40, deadline=None)
@given(paths, st.integers(-40_000, 40_000))
def test_on_a_flat_calendar_the_year_does_not_matter(path: Values, days: int):
    other = Trajectory(flat(days * DAY, 365), 0.0, 365.0)
    moved = [(at_s + days * DAY, value) for at_s, value in path]
    ours, theirs = follow(WAY, RULE, path), follow(other, RULE, moved)
    assert [v.state for v in ours] == [v.state for v in theirs]
    assert [v.since_s + days * DAY for v in ours] == [v.since_s for v in theirs]


@settings(max_examples=30, deadline=None)
@given(paths, st.randoms(use_true_random=False))
def test_values_told_twice_or_late_change_nothing(path: Values, rng: random.Random):
    told = list(path)
    for at_s, _ in rng.sample(path, min(20, len(path))):
        place = next(n for n, (seen, _) in enumerate(told) if seen == at_s)
        told.insert(rng.randint(place + 1, len(told)), (at_s, rng.uniform(-9, 999)))
    assert follow(WAY, RULE, told) == follow(WAY, RULE, path)


def test_the_promise_on_one_invented_world():
    """The whole campaign is ``make bench-indicators``; its thresholds hold on this world too."""
    outcome = judge(20221231, RULE)
    ours = outcome.scores[OURS]
    assert ours.met > 200 and ours.missed > 500
    assert ours.met_alarmed_share <= 0.06
    assert ours.lead_median >= 150
    assert ours.alarms_median == 1 and ours.more_than_one <= 0.03
    assert 0.77 <= outcome.coverage <= 0.83
    naive = [s for name, s in outcome.scores.items() if name != OURS]
    assert len(naive) == 4 and all(s.met_alarmed_share > 0.5 for s in naive)


def test_tet_is_no_lag():
    """Work that rests at Tết and at weekends as the calendar says is never behind."""
    tet = frozenset({date(2022, 1, 31), *(date(2022, 2, n) for n in range(1, 5))})
    calendar = calendar_time(date(2022, 1, 1), date(2022, 12, 31), Rules(tet))
    way = Trajectory(calendar, 0.0, 1000.0)
    values = [
        (calendar.begin_s + n * DAY - 1, 1000 * calendar.passed[n] / calendar.passed[-1])
        for n in range(1, 366)
    ]
    assert all(v.state == "met" and abs(v.lag_days) < 1e-3 for v in follow(way, RULE, values))
