"""The land of the simulated province by date, read here and nowhere else in the simulators.

Three trees: that of 2022; a commune fewer from 2024-11-01; no districts from 2025-07-01.
"""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

DATA = Path(__file__).parent / "data"
ONE_FEWER = date(2024, 11, 1)
NO_DISTRICTS = date(2025, 7, 1)
# Which commune took it in is an assumption: the lists only say that it is gone.
TAKEN_IN = {"02872": "02839"}


class Land:
    """Which subject of a level the records of an agency count for on a day."""

    def __init__(self) -> None:
        with (DATA / "units_2022.csv").open(encoding="utf-8", newline="") as handle:
            self._above = {row["code"]: row["parent_code"] for row in csv.DictReader(handle)}
        with (DATA / "crosswalk_laocai_2025.csv").open(encoding="utf-8", newline="") as handle:
            self._new = {row["old_code"]: row["new_code"] for row in csv.DictReader(handle)}

    def subject(self, level: str, tier: str, area: str, division: str, day: date) -> str | None:
        """Give the id, or None: the agency counts for no unit of this level on that day."""
        if level == "province":
            return province(day)
        if tier == "province" or (division == "2025" and day < NO_DISTRICTS):
            return None
        if day >= NO_DISTRICTS:
            return self._commune_of_2025(level, tier, area, division)
        if tier == "district":
            return f"area:{area}" if level == "district" else None
        here = TAKEN_IN.get(area, area) if day >= ONE_FEWER else area
        if level == "commune":
            return f"area:{here}"
        return f"area:{self._above[here]}" if level == "district" else None

    def _commune_of_2025(self, level: str, tier: str, area: str, division: str) -> str | None:
        if level != "commune" or tier != "commune":
            return None
        new = area if division == "2025" else self._new[TAKEN_IN.get(area, area)]
        return f"area:{new}@2025"


def province(day: date) -> str:
    """Give the id of the province on a day."""
    return "area:10" if day < NO_DISTRICTS else "area:15@2025"
