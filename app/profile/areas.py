"""Areas of a profile: divisions of the land by date, from ``areas.toml`` and its lists."""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from app.domain.area import Area, Areas, Break, overlaps
from app.domain.membership import Agency

_TYPES = {"tinh": "province", "thanh-pho": "district", "thi-xa": "district", "huyen": "district"}
_SHORT = (
    ("Thành phố ", "TP "),
    ("Thị xã ", "TX "),
    ("Thị trấn ", "TT "),
    ("Huyện ", ""),
    ("Phường ", "P. "),
    ("Tỉnh ", ""),
)


class AreasError(Exception):
    """The lists contradict each other; names the file and the units."""


def load_areas(folder: Path) -> Areas:
    """Every unit of every division; the first division's ids are plain, later ones are dated."""
    path = folder / "areas.toml"
    with path.open("rb") as file:
        divisions: list[dict[str, Any]] = tomllib.load(file)["division"]
    units: list[Area] = []
    for number, division in enumerate(divisions):
        after = divisions[number + 1]["valid_from"] if number + 1 < len(divisions) else None
        last = after - timedelta(days=1) if after is not None else None
        units += _division(folder, division, last, dated=number > 0)
    if wrong := overlaps(units):
        raise AreasError(
            f"{', '.join(sorted(set(wrong))[:5])}: a unit must stand once on any day, and"
            " with its parent; correct valid_from, valid_to or parent_code in the unit lists"
        )
    stated = [*divisions, *(m for d in divisions for m in d.get("merger", ()))]
    return Areas(
        tuple(units), tuple(d["assumption"] for d in stated if d["assumption"]), _breaks(divisions)
    )


def _breaks(divisions: Sequence[Mapping[str, Any]]) -> tuple[Break, ...]:
    return tuple(
        Break(d["valid_from"], d["break_vi"], d["break_en"], d["ended_vi"], d["ended_en"])
        for d in divisions
        if "break_vi" in d
    )


def load_agencies(folder: Path) -> dict[str, Agency]:
    """Agencies of every division; those of a later one begin with it."""
    path = folder / "areas.toml"
    with path.open("rb") as file:
        divisions: list[dict[str, Any]] = tomllib.load(file)["division"]
    lists: list[tuple[str, date | None, str]] = [("agencies.csv", None, "")]
    for division in divisions:
        if "agencies" in division:
            lists.append((division["agencies"], division["valid_from"], f"@{division['id']}"))
    return {
        r["code"]: Agency(
            r["code"], r["name"], r["short_name"], r["tier"], f"area:{r['area']}{suffix}", begins
        )
        for name, begins, suffix in lists
        for r in _rows(folder / name)
    }


def short_name(name: str) -> str:
    """As a tile shows it: the kind of unit shortened, and left out where it is the usual one."""
    for long, short in _SHORT:
        if name.startswith(long):
            return short + name[len(long) :]
    return name


def _division(
    folder: Path, division: Mapping[str, Any], last: date | None, *, dated: bool
) -> list[Area]:
    suffix = f"@{division['id']}" if dated else ""
    rows = _rows(folder / division["units"])
    if province := division.get("province"):
        rows.insert(0, {"code": province["code"], "name": province["name"], "type": "tinh"})
    before = _predecessors(folder, division)
    found = []
    for row in rows:
        parent, ends = row.get("parent_code"), row.get("valid_to")
        begins = row.get("valid_from")
        found.append(
            Area(
                f"area:{row['code']}{suffix}",
                row["code"],
                _TYPES.get(row["type"], "commune"),
                row["name"],
                short_name(row["name"]),
                f"area:{parent}{suffix}" if parent else None,
                date.fromisoformat(begins) if begins else division["valid_from"],
                min(date.fromisoformat(ends), last or date.max) if ends else last,
                tuple(f"area:{c}" for c in before[row["code"]]),
                row.get("origin") or "",
            )
        )
    return found


def _predecessors(folder: Path, division: Mapping[str, Any]) -> dict[str, list[str]]:
    """Old codes by new code, for the units the profile itself knew before."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for merger in division.get("merger", ()):
        found[merger["into"]].append(merger["old"])
    if name := division.get("succession"):
        for row in _rows(folder / name):
            found[row["new_code"]].append(row["old_code"])
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
