"""Checks the CSV files of a profile: codes are there once and point at each other rightly."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from pathlib import Path

from app.profile.finding import Finding

Row = tuple[int, dict[str, str]]
TIERS = ("province", "district", "commune")


def check_tables(folder: Path) -> tuple[set[str], list[Finding]]:
    """The subjects the tables name, and what is wrong with the tables."""
    found: list[Finding] = []
    units = _rows(folder / "units_2022.csv", ("code", "parent_code", "name"), found)
    agencies = _rows(folder / "agencies.csv", ("code", "name", "tier", "area", "short_name"), found)
    sectors = _rows(folder / "sectors.csv", ("code", "name", "department"), found)
    groups = _rows(folder / "groups.csv", ("code", "name"), found)
    areas, offices = _codes(units), _codes(agencies)
    _refers(folder / "units_2022.csv", units, "parent_code", {*areas, ""}, "a unit above", found)
    _refers(folder / "agencies.csv", agencies, "area", areas, "a code of units_2022.csv", found)
    _refers(folder / "agencies.csv", agencies, "tier", TIERS, ", ".join(TIERS), found)
    _refers(folder / "sectors.csv", sectors, "department", offices, "a code of agencies.csv", found)
    subjects = {f"area:{c}" for c in areas} | {f"agency:{c}" for c in offices}
    subjects |= {f"sector:{c}" for c in _codes(sectors)} | {f"group:{c}" for c in _codes(groups)}
    return subjects | {f"tier:{tier}" for tier in TIERS}, found


def _rows(path: Path, columns: Collection[str], found: list[Finding]) -> list[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(enumerate(csv.DictReader(file), 2))
    except (OSError, UnicodeDecodeError) as error:
        found.append(
            Finding(path, 1, f"cannot be read: {error}", "a CSV file in UTF-8", "put it there")
        )
        return []
    missing = [c for c in columns if rows and c not in rows[0][1]]
    if missing or not rows:
        found.append(
            Finding(
                path,
                1,
                f"column {missing[0]!r} is missing" if missing else "no rows",
                f"columns {', '.join(columns)}",
                "add it to the first line",
            )
        )
        return []
    for line, row in rows:
        if None in row or None in row.values():
            found.append(
                Finding(
                    path,
                    line,
                    "another number of fields than the first line",
                    f"columns {', '.join(columns)} …",
                    'write a field with a comma between quotation marks: "a, b"',
                )
            )
            return []
    _once(path, rows, found)
    return rows


def _once(path: Path, rows: Iterable[Row], found: list[Finding]) -> None:
    seen: dict[str, int] = {}
    for line, row in rows:
        code = row["code"]
        if code in seen:
            found.append(
                Finding(
                    path,
                    line,
                    f"code {code!r} stands in line {seen[code]} too",
                    "each code once",
                    "take one of the two lines out",
                )
            )
        seen.setdefault(code, line)


def _refers(
    path: Path,
    rows: Iterable[Row],
    column: str,
    known: Collection[str],
    expected: str,
    found: list[Finding],
) -> None:
    if not set(known) - {""}:
        return  # that table has a finding of its own
    for line, row in rows:
        if row[column] not in known:
            found.append(
                Finding(
                    path,
                    line,
                    f"{row['code']}: {column} {row[column]!r} is unknown",
                    expected,
                    "correct the code, or add what it names",
                )
            )


def _codes(rows: Iterable[Row]) -> set[str]:
    return {row["code"] for _, row in rows}
