"""Centres and codes of a profile: ``operation_centres.csv``, ``codes.csv``, and what units say."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path

from app.domain.area import Areas
from app.domain.land import Centre, Code
from app.domain.membership import Agency
from app.profile.areas import AreasError


def load_centres(folder: Path, areas: Areas) -> tuple[Centre, ...]:
    """Operation centres; each stands on a unit that stands as long as it does."""
    found = []
    for row in _rows(folder / "operation_centres.csv"):
        begins, ends = _dates(row)
        unit = next((a for a in areas.units if a.id == row["area"]), None)
        if unit is None or (unit.valid_to is not None and (ends is None or ends > unit.valid_to)):
            raise AreasError(
                f"operation_centres.csv: {row['id']}: {row['area']} does not stand until"
                f" {ends or 'further notice'}; correct area or valid_to"
            )
        found.append(Centre(row["id"], row["name_vi"], unit.id, begins, ends, row["assumption"]))
    return tuple(found)


def load_codes(
    folder: Path, areas: Areas, agencies: Mapping[str, Agency], subjects: Collection[str]
) -> tuple[Code, ...]:
    """Codes of the statistics office and of agencies as the lists have them, and ``codes.csv``."""
    found = [Code("gso", a.code, a.id, a.valid_from, a.valid_to) for a in areas.units]
    found += [
        Code("h38", a.code, f"agency:{a.code}", a.valid_from or areas.known_from, None)
        for a in agencies.values()
    ]
    for row in _rows(folder / "codes.csv"):
        if row["subject"] not in subjects:
            raise AreasError(
                f"codes.csv: {row['scheme']} {row['code']}: no subject {row['subject']!r};"
                " expected kind:code, such as area:080; correct it"
            )
        found.append(Code(row["scheme"], row["code"], row["subject"], *_dates(row)))
    return tuple(found)


def _dates(row: Mapping[str, str]) -> tuple[date, date | None]:
    ends = row["valid_to"]
    return date.fromisoformat(row["valid_from"]), date.fromisoformat(ends) if ends else None


def _rows(path: Path) -> list[dict[str, str]]:
    """None where a province has no such list."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
