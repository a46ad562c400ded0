"""Past year: a way as last year came about, and a band learnt from years that are over."""

from __future__ import annotations

import random
from datetime import date

from app.domain.calendar_time import calendar_time
from app.domain.indicator import Target, target_of
from app.domain.on_time import Rules
from app.domain.period import midnight_s
from app.domain.trajectory import Trajectory, modelled
from app.evaluation.calibration import SHIPPED
from app.evaluation.courses import Courses
from app.evaluation.forecast import STAGES, Calibration, Unrest, forecast, stage_of
from app.evaluation.past_year import ENOUGH, PastYear, finished, learn
from app.profile import load_profile, profile_folder

DAY = 86400
PROFILE = load_profile(profile_folder("laocai"))
RULES = PROFILE.rules()
YEARS = {y: calendar_time(date(y, 1, 1), date(y, 12, 31), RULES) for y in (2023, 2024)}
NAMES = [f"area:{n}" for n in range(60)]
TARGET = Target(100.0, tuple(NAMES), (), "", "2024-12-31", 1.0, 5.0, kind="cumulative")


def closes(year: int) -> list[int]:
    first = midnight_s(date(year, 1, 1))
    return [first + (n + 1) * DAY - 1 for n in range(len(YEARS[year].passed) - 1)]


def course(rng: random.Random, year: int, unrest: float) -> list[tuple[int, float]]:
    """A cumulative figure whose weekly rates wander, with now and then a burst."""
    value, rate, found, before = 0.0, rng.uniform(70, 110), [], 0.0
    for at_s in closes(year):
        share = YEARS[year].share(at_s)
        if rng.random() < 1 / 7:
            rate = max(0.0, 90 + (rate - 90) * 0.5 + rng.gauss(0, 90 * unrest))
        value += rate * (share - before)
        before = share
        found.append((at_s, value))
    return found


def test_last_year_is_the_way_in_the_product_and_its_absence_is_told():
    target = Target(
        100.0, ("area:10",), (), "", "2023-12-31", 1.0, 5.0, kind="cumulative", shape="last_year"
    )
    whole = next(i for i in PROFILE.indicators.values() if i.id == "inv.enterprises")
    told = []
    for known in (True, False):
        courses = Courses([whole], [{"area:10": target}], RULES)
        past = [midnight_s(date(2022, 1, 1)) + (n + 1) * DAY - 1 for n in range(365)]
        for number, at_s in enumerate(past if known else past[100:]):
            courses.close((0, "now"), at_s, [("area:10", min(100.0, number))])
        at_s = midnight_s(date(2023, 6, 1)) - 1
        courses.close((0, "now"), at_s, [("area:10", 60.0)])
        pace = courses.pace((0, "now"), "area:10", 60.0, at_s)
        assert pace is not None
        told.append(pace)
    assert [p.way for p in told] == ["last_year", "no_last_year"]
    assert told[0].expected > 95  # last year all of it was there by the middle of April
    assert 35 < told[1].expected < 45
    assert told[0].lag_days is not None and told[1].lag_days is not None
    assert told[0].lag_days > 40 > 0 > told[1].lag_days


def test_history_is_told_by_the_same_way_as_the_judgement():
    target = Target(1.0, ("x",), (), "", "2024-12-31", 0.1, 0.2, kind="level", shape="last_year")
    kept = course(random.Random(4), 2023, 0.4)
    past = PastYear({"x": target}, RULES, averaged=False)
    for at_s, value in kept:
        past.take("x", at_s, value)
    for at_s, _ in course(random.Random(5), 2024, 0.4):
        past.take("x", at_s, 0.5)  # its own year is nobody's model
    assert past.way("x", closes(2024)[3]) == modelled(target, RULES, kept)


def coverage(table: Calibration, years: list[list[tuple[int, float]]]) -> float:
    """How often the figure at the deadline was inside the 80 % band, over the weeks of a year."""
    held = total = 0
    for kept in years:
        way = Trajectory(YEARS[2024], 0.0, 100.0)
        unrest, parts = Unrest(), []
        for number, (at_s, value) in enumerate(kept):
            due, part = way.due(at_s), way.progress(value)
            unrest.take(due, part)
            parts.append((due, part))
            if 30 <= number < 350 and number % 7 == 0:
                then = parts[max(0, number - 42)]
                whole, long = part / due, (part - then[1]) / (due - then[0])
                weight = 0.3 + 0.4 * due
                rate = weight * long + (1 - weight) * whole
                told = forecast(part, due, rate, unrest.sd(), table)
                held += told.low <= way.progress(kept[-1][1]) <= told.high
                total += 1
    return held / total


def test_a_band_learnt_here_holds_where_the_shipped_one_does_not():
    """A world calmer than the one the shipped table was made in: its band is far too wide."""
    rng = random.Random(20)
    past = PastYear(dict.fromkeys(NAMES, TARGET), RULES, averaged=False)
    for name in NAMES:
        for at_s, value in course(rng, 2023, 0.9):
            past.take(name, at_s, value)
    table, years = past.calibration(Trajectory(YEARS[2024], 0.0, 100.0))
    assert years == len(NAMES)
    unseen = [course(rng, 2024, 0.9) for _ in range(150)]
    own, shipped = coverage(table, unseen), coverage(SHIPPED, unseen)
    assert abs(own - 0.8) < abs(shipped - 0.8), (own, shipped)
    assert 0.74 <= own <= 0.88, own


def test_too_few_years_or_half_a_year_teach_nothing():
    rng = random.Random(6)
    way = Trajectory(YEARS[2023], 0.0, 100.0)
    whole = [finished(way, course(rng, 2023, 0.5), averaged=False) for _ in range(ENOUGH)]
    assert all(whole)
    assert {s for errors in whole for s, _ in errors} == set(range(STAGES))
    assert learn(whole[:-1]) == (SHIPPED, 0)
    assert learn(whole)[1] == ENOUGH
    assert finished(way, course(rng, 2023, 0.5)[:300], averaged=False) == []
    assert stage_of(0.999) == STAGES - 1


def test_why_can_say_whose_band_it_is():
    indicator = PROFILE.indicators["inv.enterprises"]
    subjects = {n: Target(1.0, (n,), (), "", "2024-12-31", 0.1, 0.2, kind="level") for n in NAMES}
    assert target_of(indicator, PROFILE.subjects["area:10"]) is not None
    bands = []
    for names in (NAMES, NAMES[:5]):
        courses = Courses([indicator], [{n: subjects[n] for n in names}], RULES)
        rng = random.Random(7)
        series = {n: [*course(rng, 2023, 0.5), *course(rng, 2024, 0.5)[:120]] for n in names}
        for number in range(365 + 120):
            at_s = series[names[0]][number][0]
            courses.close((0, "now"), at_s, [(n, series[n][number][1] / 120) for n in names])
        pace = courses.pace((0, "now"), names[0], 0.3, at_s)
        assert pace is not None and pace.low is not None
        bands.append(pace.band)
    assert bands == [len(NAMES), 0]
    assert Rules(PROFILE.holidays).holidays == RULES.holidays
