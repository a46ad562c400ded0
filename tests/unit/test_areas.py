"""Areas by date: the tree of 2022, a commune fewer in 11/2024, no districts from 7/2025."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.area import Area, Areas, overlaps
from app.profile import load_profile, profile_folder
from app.profile.load import ProfileError

AREAS = load_profile(profile_folder("laocai")).areas


@pytest.mark.parametrize(
    ("day", "districts", "communes"),
    [
        (date(2022, 10, 3), 9, 152),
        (date(2024, 10, 31), 9, 152),
        (date(2024, 11, 1), 9, 151),
        (date(2025, 6, 30), 9, 151),
        (date(2025, 7, 1), 0, 99),
        (date(2031, 1, 1), 0, 99),
    ],
)
def test_the_tree_of_a_day(day: date, districts: int, communes: int) -> None:
    count = Counter(a.level for a in AREAS.on(day))
    assert (count["province"], count["district"], count["commune"]) == (1, districts, communes)


@given(st.dates(AREAS.known_from, date(2030, 1, 1)))
def test_on_every_day_each_unit_stands_once_under_a_parent_of_that_day(day: date) -> None:
    on = AREAS.on(day)
    ids = {a.id for a in on}
    assert len(ids) == len(on)
    assert all(a.parent in ids for a in on if a.level != "province")


def test_every_old_commune_goes_into_one_new_one_whole() -> None:
    last = {a.id for a in AREAS.on(date(2025, 6, 30)) if a.level == "commune"}
    new = AREAS.on(date(2025, 7, 1))
    went = Counter(p for a in new for p in a.predecessors)
    assert set(went) == last
    assert set(went.values()) == {1}
    assert sum(1 for a in new if a.predecessors) == 48


def test_five_new_communes_straddle_two_old_districts() -> None:
    parent = {a.id: a.parent for a in AREAS.units}
    new = AREAS.on(date(2025, 7, 1))
    assert sum(len({parent[p] for p in a.predecessors}) > 1 for a in new) == 5


def test_the_start_of_the_old_units_is_told_as_an_assumption() -> None:
    assert any("giả định" in a for a in AREAS.assumptions)


def test_a_unit_that_stands_twice_or_without_its_parent_is_named() -> None:
    first, day = date(2022, 1, 1), timedelta(days=1)
    top = Area("area:1", "1", "province", "A", "A", None, first, None)
    once = Area("area:2", "2", "commune", "B", "B", "area:1", first, first + 9 * day)
    again = Area("area:2", "2", "commune", "B", "B", "area:1", first + 9 * day, None)
    orphan = Area("area:3", "3", "commune", "C", "C", "area:9", first, None)
    assert overlaps([top, once]) == []
    assert set(overlaps([top, once, again])) == {"area:2"}
    assert overlaps([top, orphan]) == ["area:3"]
    assert Areas((top, once)).on(first + 10 * day) == [top]


def test_a_profile_whose_lists_contradict_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "laocai"
    shutil.copytree(profile_folder("laocai"), folder)
    units = folder / "units_2022.csv"
    units.write_text(units.read_text() + "02641,080,phuong,Phường Lào Cai,2025-06-30\n")
    with pytest.raises(ProfileError, match=r"areas\.toml: area:02641.*stand once"):
        load_profile(folder)
