"""Why: the parts of a figure add up to it, whatever the figure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.period import NOW, bounds, midnight_s
from app.domain.reading import Reading
from app.domain.why import add_up, numbers, parts_of, version_of
from app.evaluation.source import Occasion, SourceEvaluation
from app.evaluation.tally import Step
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


def test_of_a_median_the_cases_add_up() -> None:
    whole = replace(READING, num=None, den=30, value=41.5)
    found = add_up(whole, [part("agency:H38.1", None, 10), part("agency:H38.2", None, 15)])
    assert [(p.subject, p.den) for p in found] == [
        ("agency:H38.2", 15), ("agency:H38.1", 10), (None, 5),
    ]  # fmt: skip
    assert found[-1].value is None


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


def _steps(rng: random.Random, source: str, at_s: int) -> Iterator[Step]:
    """Of every indicator and period of a source: what some agencies and offices brought about."""
    indicators = [i for i in PROFILE.indicators.values() if i.source == source]
    offices = [s.removeprefix("group:") for s in PROFILE.subjects if s.startswith("group:")]
    for number, indicator in enumerate(indicators):
        owners = offices if "group" in indicator.levels else list(PROFILE.agencies)
        for kind in indicator.periods:
            for _ in range(150):
                den = rng.randint(1, 9)
                quantile = indicator.measure.kind == "quantile"
                num = 0 if quantile else rng.randint(0, den)
                begin = 0 if kind == NOW else bounds(kind, at_s)[0]
                value = rng.randrange(90_000) if quantile else -1
                # Some of it from somebody the tables do not know.
                owner = rng.choice([*owners, "H38.unknown"])
                sector = rng.choice(["", "LV01", "LV02"])
                yield (owner, sector, number, kind, begin, at_s, value, num, den)


@pytest.mark.parametrize("source", sorted(PROFILE.sources))
def test_of_every_indicator_the_parts_add_up_exactly(source: str) -> None:
    """Each subject's parts, as ``why`` names them, in each period; a median's cases add up too."""
    at_s = midnight_s(TODAY) + 15 * 3600
    evaluation = SourceEvaluation(source, PROFILE)
    evaluation.tally.start(PROFILE.began_s, at_s)
    evaluation.tally.add(_steps(random.Random(766), source, at_s))
    on = Occasion(filling=False, bulk=False, latest=True)
    found = {(r.indicator, r.period, r.subject): r for r in evaluation.judge(1, at_s, on).changed}
    indicators = [i for i in PROFILE.indicators.values() if i.source == source]
    assert {(i.id, p) for i in indicators for p in i.periods} <= {k[:2] for k in found}
    taken_apart = set()
    for (name, period, subject), whole in found.items():
        indicator = PROFILE.indicators[name]
        names = parts_of(PROFILE, subject, TODAY, by_group="group" in indicator.levels)
        others = [found[(name, period, n)] for n in names if (name, period, n) in found]
        parts = add_up(whole, others)
        if not parts:
            continue
        taken_apart.add((name, period))
        if indicator.measure.kind == "quantile":
            assert sum(p.den or 0 for p in parts) == whole.den
            continue
        assert sum(p.num or 0 for p in parts) == whole.num
        if whole.den is not None:
            assert sum(p.den or 0 for p in parts) == whole.den
        nobody = [p for p in parts if p.subject is None]
        assert len(nobody) <= 1
        assert not nobody or PROFILE.subjects[subject].level in ("province", "tier"), subject
    assert taken_apart == {(i.id, p) for i in indicators for p in i.periods}
