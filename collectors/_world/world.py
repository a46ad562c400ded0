"""The simulated province: one seed, its agencies, its calendar and its quiet agency."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from collectors._world import calendar
from collectors._world.land import NO_DISTRICTS, ONE_FEWER, TAKEN_IN, Land

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).parent / "data"
YEN_BAI_TOO = 1.9  # invented
_NEVER_S = 4_102_444_800  # 2100: held back for good


@dataclass(frozen=True, slots=True)
class Agency:
    """A department (province), a district committee or a commune committee."""

    code: str  # H38.31.7
    name: str
    tier: str  # province | district | commune
    area: str  # GSO code
    short_name: str
    division: str = "2022"  # whose list of units the code is of

    @property
    def old_code(self) -> str:
        """The code of before Decision 20/2020: most specific part left."""
        second, third = (*self.code.split(".")[1:], "0")[:2]
        return f"000.{int(third):02d}.{int(second):02d}.H38"


@dataclass(frozen=True, slots=True)
class Sector:
    """A field of procedures (lĩnh vực) and the department in charge."""

    code: str
    name: str
    department: str


@dataclass(frozen=True, slots=True)
class Group:
    """A tax office as the feed knows it; a joint one has several codes and areas."""

    code: str
    name: str
    offices: tuple[str, ...]
    areas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """An administrative unit of 2022."""

    code: str
    parent: str
    type: str
    name: str


class World:
    """Everything the simulators share; nothing in it moves."""

    def __init__(self, seed: int = 1, scale: float = 0.1, gaming: str = "") -> None:
        self.seed = seed
        # An agency planted: it closes files just before they are due and reopens them.
        self.gaming = gaming
        self.scale = scale
        self.agencies = tuple(Agency(**row) for row in _rows("agencies.csv"))
        self.sectors = tuple(Sector(**row) for row in _rows("sectors.csv"))
        self.groups = tuple(
            Group(
                row["code"],
                row["name"],
                tuple(row["offices"].split()),
                tuple(row["areas"].split()),
            )
            for row in _rows("groups.csv")
        )
        self.units = tuple(
            Unit(row["code"], row["parent_code"], row["type"], row["name"])
            for row in _rows("units_2022.csv")
        )
        self.population = {row["code"]: int(row["pop_2019"]) for row in _rows("districts_2022.csv")}
        young = tuple(Agency(**row, division="2025") for row in _rows("agencies_2025.csv"))
        self.agency = {agency.code: agency for agency in (*self.agencies, *young)}
        # Who takes in new cases from a day on; what was begun before is ended by who began it.
        lasting = tuple(a for a in self.agencies if a.area not in TAKEN_IN)
        departments = tuple(a for a in self.agencies if a.tier == "province")
        self.offices = (
            (calendar.FIRST_DAY, self.agencies),
            (ONE_FEWER, lasting),
            (NO_DISTRICTS, (*departments, *young)),
        )
        self.land = Land()
        self.quiet_agency = "H38.34"
        # (begins, ends, what was held back appears from): the second one never catches up.
        self.quiet_windows = (
            (_at(2022, 8, 8), _at(2022, 8, 18), _at(2022, 8, 18) + 9 * 3600),
            (_at(2022, 9, 29), _NEVER_S, _NEVER_S),
        )

    def rng(self, *key: object) -> random.Random:
        """Give a stream of its own for the key, the same for the same seed."""
        return random.Random("|".join(map(str, (self.seed, *key))))

    def era(self, day: date) -> int:
        """Give the place among ``offices`` that holds on a day."""
        return sum(begins <= day for begins, _ in self.offices) - 1

    def size(self, day: date) -> float:
        """Give how much there is to do against 2022: the merged province is nearly twice it."""
        return 1.0 if day < NO_DISTRICTS else YEN_BAI_TOO

    def is_working_day(self, day: date) -> bool:
        """Say whether offices are open."""
        return calendar.is_working_day(day)

    def rush(self, day: date) -> float:
        """Give how busy offices are: about 1.0 on a working day, 0 on a day off."""
        return calendar.rush(day)

    def office_second(self, rng: random.Random, day: date) -> int:
        """Draw an instant in 07:30-11:30 or 13:30-17:00, now and then outside."""
        draw = rng.random()
        if draw < 0.55:
            second = 27_000 + int(rng.random() * 14_400)
        elif draw < 0.97:
            second = 48_600 + int(rng.random() * 12_600)
        else:
            second = 18_000 + int(rng.random() * 64_800)
        return calendar.midnight_s(day) + second

    def held_until(self, agency: str, at_s: int) -> int | None:
        """Give the instant a record of a quiet agency appears after all, or None if it flows."""
        if agency != self.quiet_agency:
            return None
        for begins, ends, appears in self.quiet_windows:
            if begins <= at_s < ends:
                return appears
        return None

    def is_quiet(self, agency: str, at_s: int) -> bool:
        """Say whether the agency sends nothing at this instant."""
        return self.held_until(agency, at_s) is not None


def _at(year: int, month: int, day: int) -> int:
    return calendar.midnight_s(date(year, month, day))


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)
