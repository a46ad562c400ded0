"""Composites: parts add up exactly, weight that nobody can earn is given to the others."""

from __future__ import annotations

import csv
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.composite import (
    COUNTED,
    NO_SOURCE,
    NOT_APPLICABLE,
    STALE,
    Composite,
    CompositeGroup,
    CompositePart,
    Input,
    compose,
    problems,
    rounded,
)
from app.profile import load_profile, profile_folder

PROFILE = load_profile(profile_folder("laocai"))
DVC = PROFILE.composites["dvc766"]

weights = st.integers(1, 40).map(Fraction)
inputs = st.one_of(
    st.sampled_from([Input(NO_SOURCE), Input(NOT_APPLICABLE), Input(STALE)]),
    st.tuples(st.integers(0, 50), st.integers(1, 50)).map(
        lambda t: Input(COUNTED, min(t) / t[1], min(t), t[1])
    ),
)


@st.composite
def composed(draw: st.DrawFn) -> tuple[Composite, dict[str, Input]]:
    groups, given_inputs = [], {}
    for g in range(draw(st.integers(1, 5))):
        parts = []
        for p in range(draw(st.integers(1, 4))):
            name = f"{g}.{p}"
            full = Fraction(draw(st.integers(1, 10)), 10)
            parts.append(CompositePart(name, "", "", draw(weights), False, "x", "month", full))
            given_inputs[name] = draw(inputs)
        whole = sum((p.weight for p in parts), Fraction())
        groups.append(CompositeGroup(str(g), "", "", whole, tuple(parts)))
    return Composite("c", "", "", "", "", "", (), tuple(groups), ()), given_inputs


@settings(max_examples=500, deadline=None)
@given(composed())
def test_parts_add_up_exactly_and_no_weight_is_lost(
    case: tuple[Composite, dict[str, Input]],
) -> None:
    definition, told = case
    got = compose(definition, told)
    parts = [p for g in got.groups for p in g.parts]
    counted = [p for p in parts if told[p.part.id].status == COUNTED]
    assert got.counted == len(counted)
    assert all(p.weight == 0 and p.points == 0 for p in parts if p not in counted)
    for group in got.groups:
        assert group.points == sum(p.points for p in group.parts)
        assert group.weight == sum((p.weight for p in group.parts), Fraction())
    if counted:
        assert got.points == sum(g.points for g in got.groups)
        whole = sum((g.weight for g in definition.groups), Fraction())
        assert sum((p.weight for p in parts), Fraction()) == whole
    else:
        assert got.points is None
        assert got.covered == 0


def test_nothing_redistributed_when_everything_is_counted() -> None:
    full = {p.id: Input(COUNTED, 1.0, 7, 7) for p in DVC.parts()}
    got = compose(DVC, full)
    assert got.points == 10_000
    assert got.covered == 1
    assert [g.own_points for g in got.groups] == [1800, 2000, 2200, 2200, 1800]


def test_766_has_five_groups_of_the_weights_of_the_decision() -> None:
    assert [(g.id, int(g.weight)) for g in DVC.groups] == [
        ("transparency", 18), ("progress", 20), ("online", 22), ("digitisation", 22),
        ("satisfaction", 18),
    ]  # fmt: skip
    assert problems(DVC) == []
    for published in DVC.published:
        assert set(published.groups) == {g.id for g in DVC.groups}
        assert sum(published.groups.values()) == pytest.approx(published.total, abs=0.11)


def test_a_part_at_its_full_mark_earns_all_and_more_earns_no_more() -> None:
    for num in (5, 6, 10):
        got = compose(DVC, {"3.3": Input(COUNTED, num / 10, num, 10)})
        assert got.points == 10_000
    assert compose(DVC, {"3.3": Input(COUNTED, 0.25, 1, 4)}).points == 5000


def test_no_rounding_gives_more_than_a_hundred_points() -> None:
    # 31,25 and four times 17,1875, each rounded up, would be 100,01.
    told = {one: Input(COUNTED, 1.0, 7, 7) for one in ("2.1", "3.3", "3.6", "4.1", "4.2")}
    got = compose(DVC, told)
    assert got.points == 10_000
    assert sum(g.points for g in got.groups) == 10_000
    assert sorted(p.points for g in got.groups for p in g.parts if p.points) == [
        1718, 1719, 1719, 1719, 3125,
    ]  # fmt: skip


def test_half_a_hundredth_is_rounded_up() -> None:
    assert rounded(Fraction("1.005")) == 101
    assert rounded(Fraction("1.00499")) == 100


def test_the_fourteen_goals_are_those_of_the_resolution() -> None:
    path = profile_folder("laocai") / "seed_targets.csv"
    with path.open(encoding="utf-8") as file:
        rows = {r["id"]: r for r in csv.DictReader(file)}
    goals = {g.id: g for g in PROFILE.goals}
    assert list(goals) == list(rows)
    for name, goal in goals.items():
        assert (goal.deadline, goal.feed) == (rows[name]["deadline"], rows[name]["feed"])
        if rows[name]["target"]:
            assert goal.value * 100 == pytest.approx(float(rows[name]["target"]))
        else:
            assert "targets.toml" in goal.note_vi
            assert "targets.toml" in goal.note_en
        if goal.indicator:
            held = PROFILE.indicators[goal.indicator]
            bound = [t.value for t in held.targets if goal.subject in t.subjects]
            assert bound == [goal.value], "a goal and its indicator state one value"


def test_a_goal_is_called_as_the_law_of_the_day_calls_it() -> None:
    goal = next(g for g in PROFILE.goals if g.id == "S01")
    names = [goal.label(day).vi for label in goal.labels for day in [label.begins]]
    assert "mức độ 4" in names[0]
    assert "toàn trình" in names[1]
    last_before = goal.labels[1].begins.replace(day=14)
    assert goal.label(last_before).vi == names[0]
    assert goal.met(None) == "none"
