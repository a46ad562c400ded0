"""Calendar time and ways: what is due by an instant, and how many working days one is behind."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar_time import WEEKEND, calendar_time, flat
from app.domain.judgement import pace_reason
from app.domain.on_time import Rules, is_working_day
from app.domain.period import midnight_s
from app.domain.reading import Pace
from app.domain.trajectory import LINEAR, Trajectory, last_year, milestones
from app.evaluation.pace import PaceRule, follow
from app.profile import load_profile, profile_folder

DONE = load_profile(profile_folder("laocai")).indicators["ps.on_time"]
TET = frozenset({date(2022, 1, 31), *(date(2022, 2, n) for n in range(1, 5))})
RULES = Rules(TET)
YEAR = calendar_time(date(2022, 1, 1), date(2022, 12, 31), RULES)


def close(month: int, day: int) -> int:
    return midnight_s(date(2022, month, day)) + 86399


def test_a_weekend_hardly_counts_and_tet_not_at_all():
    week = calendar_time(date(2022, 1, 24), date(2022, 2, 6), RULES)  # Tết is its second week
    assert week.passed[-1] == pytest.approx(5 + 4 * WEEKEND)
    assert week.worked[-1] == 5
    assert week.share(midnight_s(date(2022, 1, 29)) - 1) == pytest.approx(5 / 5.2)
    assert week.share(close(2, 1)) == week.share(close(1, 31)) == pytest.approx(5.1 / 5.2)


def test_a_span_of_holidays_alone_counts_every_day_alike():
    assert calendar_time(date(2022, 2, 1), date(2022, 2, 4), RULES).share(close(2, 2)) == 0.5


@given(st.integers(0, 364 * 86400))
def test_the_share_and_the_working_days_never_step_back(second: int):
    at_s = YEAR.begin_s + second
    assert YEAR.share(at_s) <= YEAR.share(at_s + 3600)
    assert YEAR.working_days(at_s) <= YEAR.working_days(at_s + 3600)
    assert YEAR.working_days_at(YEAR.share(at_s)) == pytest.approx(
        YEAR.working_days(at_s), abs=1e-4
    )


@pytest.mark.parametrize(
    ("reached_on", "now", "lag"),
    [
        ((3, 1), (3, 14), 9),  # 2–4, 7–11 and 14 March
        ((3, 4), (3, 7), 1),  # a Friday and the Monday after it
        ((1, 28), (2, 7), 1),  # the last Friday before Tết and the first Monday after it
        ((6, 1), (6, 1), 0),
        ((6, 10), (6, 1), -7),  # seven working days ahead
    ],
)
def test_the_lag_is_the_working_days_since_the_plan_was_where_the_figure_is(reached_on, now, lag):
    way = Trajectory(YEAR, 100.0, 900.0)
    value = way.expected(close(*reached_on))
    assert way.lag(way.progress(value), close(*now)) == pytest.approx(lag, abs=1e-4)
    counted = sum(
        is_working_day(date.fromordinal(n), RULES)
        for n in range(date(2022, *reached_on).toordinal() + 1, date(2022, *now).toordinal() + 1)
    )
    assert counted == max(0, lag)


def test_a_falling_target_is_the_same_way_turned_round():
    up, down = Trajectory(YEAR, 0.2, 0.8), Trajectory(YEAR, 0.8, 0.2)
    at_s = close(5, 20)
    assert down.expected(at_s) == pytest.approx(1 - up.expected(at_s))
    assert down.lag(down.progress(0.7), at_s) == pytest.approx(up.lag(up.progress(0.3), at_s))


def test_between_milestones_the_way_is_straight_or_a_step():
    told = [(close(6, 30), 40.0), (close(12, 31), 100.0)]
    knots = milestones(YEAR, 0.0, 100.0, told)
    way = Trajectory(YEAR, 0.0, 100.0, knots)
    assert way.expected(close(6, 30)) == pytest.approx(40)
    assert 0 < way.expected(close(3, 1)) < 40
    works = Trajectory(YEAR, 0.0, 100.0, knots, steps=True)
    assert works.expected(close(6, 29)) == 0
    assert works.expected(close(6, 30)) == pytest.approx(40)
    assert works.lag(0.0, close(6, 29)) == 0
    # The works due at the end of June are not there on 11 July: seven working days.
    assert works.lag(0.1, close(7, 11)) == pytest.approx(7, abs=1e-3)
    assert works.lag(0.4, close(7, 11)) == 0


DAYS = [((6, 29), 0), ((6, 30), 1), ((7, 1), 1), ((7, 3), 1), ((7, 4), 2), ((7, 11), 7)]


@pytest.mark.parametrize(("day", "lag"), DAYS)
def test_a_milestone_is_missed_when_its_day_ends_and_no_sooner(day: tuple[int, int], lag: int):
    works = Trajectory(
        YEAR, 0.0, 100.0, milestones(YEAR, 0.0, 100.0, [(close(6, 30), 40.0)]), steps=True
    )
    assert works.missed(0.39, close(*day)) == (lag > 0)
    assert not works.missed(0.4, close(*day))
    assert works.lag(0.39, close(*day)) == pytest.approx(lag, abs=0.2)
    verdicts = follow(works, PaceRule(), [(close(6, 28), 30.0), (close(*day), 39.0)])
    assert verdicts[-1].state == ("near" if lag else "met")
    pace = Pace(works.expected(close(*day)), works.lag(0.39, close(*day)), way="milestones")
    words = pace_reason(39.0, 100.0, DONE, pace)
    assert words.startswith(f"Chậm {lag} ngày làm việc" if lag else "Đúng tiến độ")


def test_last_year_is_a_model_only_when_it_is_whole():
    closes = [(YEAR.begin_s + (n + 1) * 86400 - 1, float(min(n, 182))) for n in range(365)]
    assert last_year(YEAR, closes[:300]) == LINEAR
    way = Trajectory(YEAR, 0.0, 10.0, last_year(YEAR, closes))
    assert way.expected(close(7, 10)) == pytest.approx(10)
    assert way.expected(close(4, 2)) == pytest.approx(5, abs=0.1)
    assert last_year(YEAR, [(at, 3.0) for at, _ in closes]) == LINEAR


@given(st.lists(st.floats(0, 100), min_size=365, max_size=365))
def test_whatever_last_year_was_the_way_rises_from_nothing_to_the_goal(values: list[float]):
    closes = [(YEAR.begin_s + (n + 1) * 86400 - 1, v) for n, v in enumerate(values)]
    knots = last_year(YEAR, closes)
    assert knots[0] == (0.0, 0.0) and knots[-1] == (1.0, 1.0)
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(knots))


def test_a_flat_calendar_has_no_weekends():
    assert flat(0, 10).share(5 * 86400 - 1) == 0.5
