"""Membership by date: cases follow their land over both changes of the tree; nothing is counted
twice, lost, or made up."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.across import across, lands, province_on, ruptures
from app.domain.indicator import Indicator, Measure
from app.domain.measure import Measures
from app.domain.on_time import Rules, phases
from app.domain.period import bounds, date_of, midnight_s
from app.domain.reading import Reading
from app.domain.record import Event, Record, Version
from app.evaluation.tally import Tally
from app.profile import load_profile, profile_folder

PROFILE = load_profile(profile_folder("laocai"))
MEMBERS = PROFILE.members
FIRST, SECOND = midnight_s(date(2024, 11, 1)), midnight_s(date(2025, 7, 1))
DAYS = (date(2022, 10, 3), date(2024, 10, 31), date(2024, 11, 1), date(2025, 6, 30))
NEW = date(2025, 7, 1)
OWNERS = (*PROFILE.agencies, "H38", "1101-1102", "H57.1")
DAY = 86_400


@pytest.mark.parametrize("day", [*DAYS, NEW, date(2030, 1, 1)])
def test_each_agency_counts_for_units_of_the_day_alone_and_for_one_of_a_level(day: date) -> None:
    standing = {a.id for a in PROFILE.areas.on(day)}
    for owner in PROFILE.agencies:
        tree = MEMBERS.tree_on(day)
        if not MEMBERS.stands(f"agency:{owner}", tree):
            continue
        areas = [s for s in PROFILE.subjects_of(owner, "", day) if s.startswith("area:")]
        assert set(areas) <= standing
        levels = [PROFILE.subjects[a].level for a in areas]
        assert len(set(levels)) == len(levels)
        assert "province" in levels


def test_no_district_is_counted_after_the_last_one_ended() -> None:
    for owner in OWNERS:
        levels = {PROFILE.subjects[s].level for s in PROFILE.subjects_of(owner, "", NEW)}
        assert "district" not in levels
    assert not [s for s in PROFILE.subjects_on(NEW) if s.level == "district"]
    assert MEMBERS.heir("area:080", MEMBERS.tree_on(NEW)) is None


def test_a_commune_that_went_into_another_counts_there_from_that_day_on() -> None:
    (owner,) = (a.code for a in PROFILE.agencies.values() if a.area == "area:02872")
    assert "area:02872" in PROFILE.subjects_of(owner, "", date(2024, 10, 31))
    assert "area:02839" in PROFILE.subjects_of(owner, "", date(2024, 11, 1))
    assert "area:02839@2025" in PROFILE.subjects_of(owner, "", NEW)


def test_every_old_commune_has_one_heir_and_the_province_has_one() -> None:
    tree = MEMBERS.tree_on(NEW)
    for area in PROFILE.areas.on(date(2022, 1, 1)):
        heir = MEMBERS.heir(area.id, tree)
        assert (heir is None) == (area.level == "district")
        assert heir is None or PROFILE.subjects[heir].level == area.level


INDICATORS = [
    Indicator(
        i, "s", "g", i, i, i, i, "percent", 1, "up", Measure(kind, "dossier", rule, start=start),
        periods, (), (), None, "", None, "",
    )
    for i, kind, rule, start, periods in (
        ("on_time", "ratio", "on_time_766", "", ("month", "year")),
        ("overdue", "stock", "overdue_766", "", ("now",)),
        ("received", "ratio", "counted", "received", ("month", "year")),
    )
]  # fmt: skip


def _record(rng: random.Random, n: int) -> Record:
    received = SECOND - rng.randrange(400 * DAY) + 60 * DAY
    events = tuple(
        Event(received + rng.randrange(200 * DAY), rng.choice("24599"))
        for _ in range(rng.randrange(4))
    )
    version = Version(1, received, received + rng.randrange(60 * DAY))
    return Record("dossier", f"d{n}", rng.choice(OWNERS), "LV01", version, frozenset(events))


def _sums(tally: Tally) -> dict[tuple[int, str, str], tuple[int, int]]:
    found = {}
    for number, indicator in enumerate(INDICATORS):
        for kind in indicator.periods:
            for subject, (num, den) in tally.current(number, kind)[1].items():
                if num or den:
                    found[(number, kind, subject)] = (num, den)
    return found


@given(st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_walking_over_the_changes_is_counting_anew_in_the_tree_of_the_day(seed: int) -> None:
    rng = random.Random(seed)
    measures = Measures(INDICATORS, Rules())
    steps = [
        (r.owner, r.sector, *key, *sums)
        for r in (_record(rng, n) for n in range(60))
        for key, sums in measures.steps(r).items()
    ]
    rng.shuffle(steps)
    began = midnight_s(date(2024, 1, 1))
    walked = Tally({0: ("month", "year")}, MEMBERS)
    walked.start(began, began)
    instants = [FIRST - 1, FIRST, SECOND - 1, SECOND, SECOND + 40 * DAY]
    batch = len(steps) // len(instants) + 1
    for place, at_s in enumerate(instants):
        walked.add(steps[place * batch : (place + 1) * batch])
        walked.advance(at_s)
        fresh = Tally({0: ("month", "year")}, MEMBERS)
        fresh.start(began, at_s)
        fresh.add(steps[: (place + 1) * batch])
        assert _sums(walked) == _sums(fresh)
        for key in {*walked.cells, *fresh.cells}:  # also what no figure is made of yet
            for subject in PROFILE.subjects:
                one = walked.cells.get(key, {}).get(subject, [0, 0])
                assert one == fresh.cells.get(key, {}).get(subject, [0, 0]), (key, subject)


@given(st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_a_walk_gives_what_each_dossier_counts_for_by_itself(seed: int) -> None:
    rng = random.Random(seed)
    measures = Measures(INDICATORS, Rules())
    records = [_record(rng, n) for n in range(40)]
    tally = Tally({0: ("month", "year")}, MEMBERS)
    began = midnight_s(date(2024, 1, 1))
    tally.start(began, began)
    for record in records:
        steps = measures.steps(record).items()
        tally.add([(record.owner, record.sector, *k, *v) for k, v in steps])
    for at_s in (SECOND - 1, SECOND, SECOND + 17 * DAY):
        tally.advance(at_s)
        wanted: defaultdict[str, int] = defaultdict(int)
        begin, _ = bounds("month", at_s)
        for record in records:
            now = [p for p in phases(record, Rules()) if p.from_s <= at_s]
            if not now or now[-1].late is None:
                continue
            ended = now[-1].end_s
            if now[0].from_s >= begin or ended is None or ended >= begin:
                for subject in PROFILE.subjects_of(record.owner, record.sector, date_of(at_s)):
                    wanted[subject] += 1
        sums = tally.current(0, "month")[1]
        assert {s: den for s, (_, den) in sums.items() if den} == wanted


def _reading(subject: str, at_s: int, num: int, den: int | None) -> Reading:
    value = float(num) if den is None else num / den
    return Reading(
        "ps.overdue_open", subject, "now", 0, at_s, at_s, "public_service", value, num, den,
        None, "none", "",
    )  # fmt: skip


def test_the_chart_of_a_new_commune_has_no_step_caused_by_the_tree() -> None:
    indicator = PROFILE.indicators["ps.overdue_open"]
    before, after = SECOND - 1, SECOND + DAY - 1
    last = [a for a in PROFILE.areas.on(date(2025, 6, 30)) if a.level == "commune"]
    new = [a for a in PROFILE.areas.on(NEW) if a.origin == "lao-cai"]
    assert len(new) == 48
    # Nothing happens in the night: each old commune has its number, each new one their sum.
    old = [_reading(a.id, before, n + 1, None) for n, a in enumerate(last)]
    sums = {r.subject: r.num or 0 for r in old}
    total = 0
    for area in new:
        num = sum(sums[p] for p in area.predecessors)
        total += num
        wanted = lands(PROFILE, area.id, before, after)
        assert set(wanted) == {area.id, *area.predecessors}
        among = [*[r for r in old if r.subject in wanted], _reading(area.id, after, num, None)]
        series = across(PROFILE, indicator, area.id, after, among)
        assert [(r.subject, r.num) for r in series] == [(area.id, num)] * 2
        assert ruptures(PROFILE, area.id, before, after) == []
    assert total == sum(sums.values())


def test_a_province_that_became_larger_is_shown_as_two_lines_and_says_so() -> None:
    before, after = SECOND - 1, SECOND + DAY - 1
    for asked in ("area:10", "area:15@2025"):
        subject = province_on(PROFILE, asked, after)
        assert subject == "area:15@2025"
        among = [_reading("area:10", before, 5, None), _reading(subject, after, 9, None)]
        indicator = PROFILE.indicators["ps.overdue_open"]
        series = across(PROFILE, indicator, subject, after, among)
        assert [r.subject for r in series] == ["area:10", "area:15@2025"]
        (rupture,) = ruptures(PROFILE, subject, before, after)
        assert rupture.at_s == SECOND
        assert "Yên Bái" in rupture.text_vi
        assert "Yên Bái" in rupture.text_en
    assert province_on(PROFILE, "area:10", before) == "area:10"


def test_a_district_ends_and_the_chart_says_why_no_total_follows() -> None:
    (rupture,) = ruptures(PROFILE, "area:085", SECOND - DAY, SECOND + DAY)
    assert "huyện" in rupture.text_vi
    assert lands(PROFILE, "area:085", SECOND - DAY, SECOND + DAY) == ["area:085"]


def test_a_median_is_not_added_up_over_what_a_commune_was() -> None:
    indicator = PROFILE.indicators["doc.register_median"]
    old = [_reading(f"area:{c}", SECOND - 1, 3, 4) for c in ("02635", "02641")]
    assert across(PROFILE, indicator, "area:02647@2025", SECOND + DAY, old) == []
