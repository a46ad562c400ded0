"""The simulated world's data, calendar and clock."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import holidays
import pytest

from collectors._world import calendar
from collectors._world.clock import FileClock, Pace, PacedClock, own_clock, write_mark
from collectors._world.world import DATA, World

PROFILE = Path(__file__).parents[2] / "app/profiles/laocai"
MONDAY = calendar.seconds_of("2022-10-03T07:30:00")


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def test_working_days_agree_with_the_published_holidays_of_four_years() -> None:
    published = holidays.country_holidays("VN", years=range(2022, 2026))
    for day in days(date(2022, 1, 1), date(2025, 12, 31)):
        works = (day.weekday() < 5 and day not in published) or day in published.weekend_workdays
        assert calendar.is_working_day(day) == works, day


def test_offices_rush_at_month_end_and_rest_at_tet() -> None:
    assert calendar.rush(date(2022, 2, 2)) == 0
    assert calendar.rush(date(2022, 10, 2)) == 0
    assert calendar.rush(date(2022, 8, 31)) > 1.3 > calendar.rush(date(2022, 8, 17)) > 0.9
    assert calendar.rush(date(2022, 2, 8)) < 0.7


def test_the_simulators_copy_of_the_data_is_the_profiles() -> None:
    copies = sorted(DATA.glob("*.csv"))
    assert len(copies) == 8
    for copy in copies:
        assert copy.read_bytes() == (PROFILE / copy.name).read_bytes(), copy.name


def test_every_unit_has_its_agency() -> None:
    world = World()
    tiers = [agency.tier for agency in world.agencies]
    assert [tiers.count(tier) for tier in ("province", "district", "commune")] == [20, 9, 152]
    parents = {unit.code: unit.parent for unit in world.units}
    for agency in world.agencies:
        if agency.tier == "commune":
            district = world.agency[agency.code.rsplit(".", 1)[0]]
            assert parents[agency.area] == district.area
    assert world.agency["H38.31.7"].old_code == "000.07.31.H38"
    assert world.agency["H38.12"].old_code == "000.00.12.H38"
    assert all(sector.department in world.agency for sector in world.sectors)
    served = [area for group in world.groups if group.code != "1100" for area in group.areas]
    assert sorted(served) == sorted(world.population)


def test_streams_depend_on_seed_and_key_only() -> None:
    assert World(1).rng("a", 2).random() == World(1).rng("a", 2).random()
    assert World(1).rng("a", 2).random() != World(2).rng("a", 2).random()
    assert World(1).rng("a", 2).random() != World(1).rng("a", 3).random()


def test_most_work_happens_in_office_hours() -> None:
    world, day = World(), date(2022, 10, 3)
    rng = world.rng("hours")
    seconds = [world.office_second(rng, day) - calendar.midnight_s(day) for _ in range(2000)]
    inside = [s for s in seconds if 27_000 <= s < 41_400 or 48_600 <= s < 61_200]
    assert all(0 <= s < 86_400 for s in seconds)
    assert 0.95 < len(inside) / len(seconds) < 0.999


def test_the_quiet_agency_catches_up_after_august_and_not_after_september() -> None:
    world = World()
    at = calendar.seconds_of("2022-08-10T09:00:00")
    assert world.held_until(world.quiet_agency, at) == calendar.seconds_of("2022-08-18T09:00:00")
    assert world.held_until("H38.31", at) is None
    assert world.is_quiet(world.quiet_agency, calendar.seconds_of("2022-10-03T07:30:00"))
    assert not world.is_quiet(world.quiet_agency, calendar.seconds_of("2022-09-01T07:30:00"))


@pytest.mark.parametrize(
    ("real", "data"),
    [
        (0.0, "2022-10-03T07:30:00"),
        (1.0, "2022-10-03T07:31:00"),
        (570.0, "2022-10-03T17:00:00"),
        (571.0, "2022-10-03T17:20:00"),
        (570 + 43.5, "2022-10-04T07:30:00"),
        (5 * 570 + 4 * 43.5 + 187.5 - 1, "2022-10-10T07:10:00"),
    ],
)
def test_data_time_walks_office_hours_and_the_rest(real: float, data: str) -> None:
    clock = PacedClock(Pace(60, 1200), 0.0, MONDAY, real=lambda: real)
    assert calendar.iso(round(clock.now())) == f"{data}+07:00"


def test_a_clock_file_is_read_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "clock.json"
    told = {"version": 1, "real_anchor": 4e9, "office_rate": 60, "other_rate": 1200}
    path.write_text(json.dumps({**told, "data_anchor": "2022-10-03T07:30:00+07:00"}))
    clock = FileClock(path)
    assert clock.now() == MONDAY
    monkeypatch.setattr("collectors._world.clock._LOOK_EVERY_S", -1.0)
    for later, wanted in (("09:00:00", MONDAY + 5400), ("08:00:00", MONDAY + 5400)):
        fresh = tmp_path / "fresh.json"
        fresh.write_text(json.dumps({**told, "data_anchor": f"2022-10-03T{later}+07:00"}))
        fresh.replace(path)
        assert clock.now() == wanted, "data time follows the file and never goes back"


def test_a_program_alone_goes_on_from_its_mark(tmp_path: Path) -> None:
    clock = own_clock(MONDAY, 10_000, tmp_path)
    write_mark(clock, tmp_path, 3.0)
    again = own_clock(MONDAY, 1, tmp_path)
    assert MONDAY + 30_000 <= again.now() < MONDAY + 60_000
    with pytest.raises(ValueError, match="1 to 10000"):
        own_clock(MONDAY, 0.5, None)
