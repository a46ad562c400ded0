"""Shape: the tables of an archive, their columns, and what tells one row from another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

# An instant is epoch milliseconds here, a timestamp in UTC in Parquet, ISO 8601 in CSV.
Kind = Literal["text", "int", "float", "bool", "instant"]
Cell = str | int | float | bool | None
Block = dict[str, list[Cell]]


class Damaged(Exception):
    """A file of an archive is not what was written; the message names it and what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """One file: columns in their order; rows come in the order of ``key``."""

    name: str
    columns: Mapping[str, Kind]
    key: tuple[str, ...]


READINGS = Table(
    "readings",
    {
        "source": "text", "indicator": "text", "period": "text", "at": "instant",
        "subject": "text", "value": "float", "num": "int", "den": "int", "target": "float",
        "state": "text", "period_begins": "instant", "watermark": "instant", "closes_day": "bool",
    },
    ("source", "indicator", "period", "at", "subject"),
)  # fmt: skip
CASES = Table(
    "cases",
    {
        "source": "text", "kind": "text", "code": "text", "agency": "text", "sector": "text",
        "received": "instant", "due": "instant", "ended": "instant", "late": "instant",
        "life": "text",
    },
    ("source", "kind", "code"),
)  # fmt: skip
SERIES = Table(
    "series",
    {
        "source": "text", "series": "text", "unit": "text", "tick_ms": "int", "at": "instant",
        "value": "float",
    },
    ("source", "series", "at"),
)  # fmt: skip
TABLES: Mapping[str, Table] = {t.name: t for t in (READINGS, CASES, SERIES)}


def empty(table: Table) -> Block:
    """A block without rows."""
    return {name: [] for name in table.columns}


def height(block: Mapping[str, Sequence[Cell]]) -> int:
    """How many rows."""
    return len(next(iter(block.values()), ()))
