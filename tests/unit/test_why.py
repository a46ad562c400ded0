"""Why: the parts of a figure add up to it, whatever the figure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.reading import Reading
from app.domain.why import add_up, numbers, parts_of, version_of
from app.profile import load_profile, profile_folder

TODAY = date(2022, 10, 3)
PROFILE = load_profile(profile_folder("laocai"))
READING = Reading(
    "ps.on_time", "area:10", "month", 0, 9, 9, "public_service", 0.5, 5, 10, 0.95, "lagging", ""
)


def part(subject: str, num: int | None, den: int | None) -> Reading:
    return replace(READING, subject=subject, num=num, den=den, value=None)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=12),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_parts_and_what_no_part_holds_add_up_exactly(
    shares: list[tuple[int, int]], beyond: tuple[int, int]
) -> None:
    num, den = (sum(s[i] for s in shares) + beyond[i] for i in range(2))
    whole = replace(READING, num=num, den=den)
    found = add_up(whole, [part(f"area:{n}", *s) for n, s in enumerate(shares)])
    if shares:
        assert (sum(p.num or 0 for p in found), sum(p.den or 0 for p in found)) == (num, den)
        assert sum(p.subject is None for p in found) == (1 if any(beyond) else 0)
    assert all(p.num or p.den for p in found)


def test_a_median_is_not_added_up() -> None:
    whole = replace(READING, num=None, den=30, value=41.5)
    found = add_up(whole, [part("agency:H38.1", None, 10), part("agency:H38.2", None, 15)])
    assert [p.subject for p in found] == ["agency:H38.2", "agency:H38.1"]


@pytest.mark.parametrize("on", [TODAY, date(2024, 11, 1), date(2025, 7, 1)])
def test_an_area_is_made_of_its_areas_and_its_own_agencies(on: date) -> None:
    for area in (s for s in PROFILE.subjects_on(on) if s.id.startswith("area:")):
        parts = parts_of(PROFILE, area.id, on, by_group=False)
        assert len(set(parts)) == len(parts)
        # Whatever agency counts for the area counts for one part of it, and one only.
        for code in PROFILE.agencies:
            counted = PROFILE.subjects_of(code, "", on)
            if area.id in counted:
                assert sum(p in counted for p in parts) == 1, (area.id, code)


def test_a_tier_is_made_of_its_agencies_and_the_province_of_tax_offices() -> None:
    assert len(parts_of(PROFILE, "tier:district", TODAY, by_group=False)) == 9
    assert all(p.startswith("group:") for p in parts_of(PROFILE, "area:10", TODAY, by_group=True))
    assert parts_of(PROFILE, "area:080", TODAY, by_group=True) == []
    assert parts_of(PROFILE, "sector:LV01", TODAY, by_group=False) == []


def test_numbers_are_those_the_stored_steps_use() -> None:
    for source in PROFILE.sources:
        ids = [i.id for i in PROFILE.indicators.values() if i.source == source]
        assert [numbers(PROFILE)[i] for i in ids] == list(range(len(ids)))


@pytest.mark.parametrize("change", [{"formula_vi": "khác"}, {"decimals": 3}, {"targets": ()}])
def test_any_change_of_a_definition_is_another_version(change: dict[str, object]) -> None:
    indicator = PROFILE.indicators["ps.on_time"]
    assert version_of(indicator) == version_of(replace(indicator))
    assert version_of(indicator) != version_of(replace(indicator, **change))
