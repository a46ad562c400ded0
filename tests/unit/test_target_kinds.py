"""Every kind of target, from a file of the profile to the state: `ioc check` proves the example."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from app.cli.check import check
from app.domain.indicator import target_of
from app.profile import load_profile

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "app/profiles/laocai"
HEAD = """\
id = "ps.done"
source = "public_service"
group = "ps"
title_vi = "Hồ sơ đã xong"
title_en = "Dossiers done"
label_wall_vi = "Hồ sơ xong"
label_wall_en = "Done"
unit = "count"
decimals = 0
better = "up"
periods = ["year"]
levels = ["province"]
legal_source = "Quyết định thử"
formula_vi = "Hồ sơ xong trong năm"

[measure]
kind = "sum"
records = "dossier"
rule = "counted"
start = "received"

[[target]]
subjects = ["area:10"]
levels = []
legal_source = "Quyết định thử"
near = 5
critical = 20
"""
EARLY = [date(2022, 1, 3) + timedelta(days=2 * n) for n in range(60)]  # all by the end of April
EVEN = [date(2022, 1, 3) + timedelta(days=6 * n) for n in range(60)]


def example(days: list[date], at: str, state: str) -> str:
    records = ",\n".join(
        f'{{ owner = "H38.5", received = {d}T08:00:00, events = [[{d}T08:00:00, "2"]] }}'
        for d in days
    )
    return (
        f'\n[[example]]\nsays = "thử"\nsubject = "area:10"\nperiod = "year"\nat = {at}\n'
        f'state = "{state}"\nrecords = [\n{records}\n]\n'
    )


CASES = {
    "cumulative, on its way": (
        'value = 60\ndeadline = "2022-12-31"\nkind = "cumulative"\n',
        example(EVEN, "2022-07-01T12:00:00", "met"),
    ),
    "cumulative, fallen behind": (
        'value = 200\ndeadline = "2022-12-31"\nkind = "cumulative"\n',
        example(EVEN[:30], "2022-09-01T12:00:00", "critical"),
    ),
    "cumulative, by milestones that begin late": (
        'value = 60\ndeadline = "2022-12-31"\nkind = "cumulative"\nshape = "milestones"\n'
        'milestones = [["2022-09-30", 10]]\n',
        example(EVEN[:10], "2022-06-01T12:00:00", "met"),
    ),
    "milestone, not yet due": (
        'value = 60\ndeadline = "2022-12-31"\nkind = "milestone"\n'
        'milestones = [["2022-06-30", 10], ["2022-12-31", 60]]\n',
        example(EVEN[:5], "2022-06-20T12:00:00", "met"),
    ),
    "milestone, missed yesterday": (
        'value = 60\ndeadline = "2022-12-31"\nkind = "milestone"\n'
        'milestones = [["2022-06-30", 10], ["2022-12-31", 60]]\n',
        example(EVEN[:5], "2022-07-01T00:00:01", "near"),
    ),
    "milestone, passed without the work": (
        'value = 60\ndeadline = "2022-12-31"\nkind = "milestone"\n'
        'milestones = [["2022-06-30", 10], ["2022-12-31", 60]]\n',
        example(EVEN[:5], "2022-07-25T12:00:00", "lagging"),
    ),
    "the deadline has passed": (
        'value = 60\ndeadline = "2022-10-31"\nkind = "cumulative"\n',
        example(EVEN[:20], "2022-11-02T12:00:00", "missed"),
    ),
    "maintain, above": (
        'value = 5\ndeadline = ""\nkind = "maintain"\n',
        example(EVEN, "2022-12-31T12:00:00", "met"),
    ),
    "maintain, missed for long": (
        'value = 100\ndeadline = ""\nkind = "maintain"\n',
        example(EVEN, "2022-12-31T12:00:00", "critical"),
    ),
    "instant: as it stands": (
        'value = 61\ndeadline = ""\nkind = "instant"\n',
        example(EVEN, "2022-12-31T12:00:00", "near"),
    ),
    "last year came early, so this one is late": (
        'value = 60\ndeadline = "2023-12-31"\nkind = "cumulative"\nshape = "last_year"\n',
        example(
            [*EARLY, *(d.replace(year=2023) for d in EVEN[:25])], "2023-06-15T12:00:00", "critical"
        ),
    ),
    "an even year before leaves the same course on its way": (
        'value = 60\ndeadline = "2023-12-31"\nkind = "cumulative"\nshape = "last_year"\n',
        example([*EVEN, *(d.replace(year=2023) for d in EVEN[:28])], "2023-06-15T12:00:00", "met"),
    ),
    "no year before: as if even": (
        'value = 60\ndeadline = "2022-12-31"\nkind = "cumulative"\nshape = "last_year"\n',
        example(EVEN, "2022-07-01T12:00:00", "met"),
    ),
}


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """The shipped profile with one small indicator more, and no other to take time."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "laocai"))


@pytest.mark.parametrize("name", CASES)
def test_an_example_of_every_kind_comes_true(name: str, profile: Path):
    target, told = CASES[name]
    (profile / "indicators/ps.done.toml").write_text(HEAD + target + told)
    assert [f.told(profile) for f in check(profile).findings] == []


def test_below_and_ranks(profile: Path):
    head = HEAD.replace('better = "up"', 'better = "down"')
    for kind in ("maintain", "rank"):
        for days, state in ((EVEN[:3], "met"), (EVEN, "critical")):
            told = f'value = 5\ndeadline = ""\nkind = "{kind}"\n'
            text = head + told + example(days, "2022-12-31T12:00:00", state)
            (profile / "indicators/ps.done.toml").write_text(text)
            assert [f.told(profile) for f in check(profile).findings] == []


def test_every_target_of_the_resolution_says_its_kind():
    goals = load_profile(SHIPPED).goals
    assert len(goals) == 14
    assert {g.id for g in goals if g.kind == "rank"} == {"S14"}
    assert {g.kind for g in goals} == {"level", "rank"}


def test_a_target_of_the_resolution_is_of_the_kind_its_indicator_is_judged_by():
    profile = load_profile(SHIPPED)
    for goal in profile.goals:
        if goal.indicator:
            target = target_of(profile.indicators[goal.indicator], profile.subjects[goal.subject])
            assert target is not None
            assert (target.kind, target.value) == (goal.kind, goal.value), goal.id
