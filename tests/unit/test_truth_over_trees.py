"""A small world of 2022 to 2025: every figure over both changes of the tree is the truth's.

The whole of it, at scale 0.02 and with every feed, is ``make soak-trees``.
"""

from __future__ import annotations

from datetime import date

import pytest

from app.domain.period import midnight_s
from app.profile import load_profile, profile_folder
from collectors._world.land import Land, province
from collectors._world.world import World
from tests.soak.trees import INSTANTS, run

CHANGES = [midnight_s(day) for day in (date(2024, 11, 1), date(2025, 7, 1))]
# The night of each change, and the month after the last one.
EDGES = (CHANGES[0] - 1, CHANGES[0], CHANGES[1] - 1, CHANGES[1], CHANGES[1] + 40 * 86_400)
PROFILE = load_profile(profile_folder("laocai"))


@pytest.mark.parametrize(
    ("source", "scale"), [("public_service", 0.0008), ("documents", 0.0004), ("einvoice", 0.0003)]
)
def test_no_figure_differs_over_both_changes(source: str, scale: float) -> None:
    outcome = run(source, World(4, scale), EDGES)
    assert outcome.differences == []
    assert outcome.nonzero > 60
    assert outcome.messages > outcome.records > 1000


def test_the_instants_lie_before_and_after_each_change() -> None:
    for at_s in CHANGES:
        assert {at_s - 1, at_s} <= set(INSTANTS)
        near = [i for i in INSTANTS if abs(i - at_s) < 100 * 86_400]
        assert sum(i < at_s for i in near) >= 2
        assert sum(i >= at_s for i in near) >= 3


@pytest.mark.parametrize(
    "day",
    [date(2022, 1, 1), date(2024, 10, 31), date(2024, 11, 1), date(2025, 6, 30), date(2025, 7, 1)],
)
def test_the_simulators_read_the_land_by_themselves_and_alike(day: date) -> None:
    world, land = World(), Land()
    assert set(world.agency) == set(PROFILE.agencies)
    for code, agency in world.agency.items():
        ours = PROFILE.subjects_of(code, "", day)
        standing = {s for s in ours if PROFILE.members.stands(s, PROFILE.members.tree_on(day))}
        place = (agency.tier, agency.area, agency.division, day)
        true = {land.subject(level, *place) for level in ("province", "district", "commune")}
        assert {s for s in standing if s.startswith("area:")} == true - {None}
        assert province(day) in true


def test_who_takes_in_new_cases_follows_the_tree() -> None:
    world = World()
    numbers = [len(agencies) for _, agencies in world.offices]
    assert numbers == [181, 180, 119]
    assert world.era(date(2024, 10, 31)) == 0
    assert world.era(date(2024, 11, 1)) == 1
    assert world.era(date(2025, 7, 1)) == 2
