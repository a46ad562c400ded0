"""CSV: the same tables as text, for a spreadsheet or any program; a missing value is empty."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path

from app.store.archive.shape import Block, Cell, Damaged, Kind, Table

_ZONE = timezone(timedelta(hours=7))
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MS = timedelta(milliseconds=1)
_AT_ONCE = 50_000


class CsvWriter:
    """One line a row, after a line of names."""

    def __init__(self, path: Path, table: Table) -> None:
        self._table = table
        self._out = path.open("w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._out, lineterminator="\n")
        self._csv.writerow(table.columns)

    def write(self, block: Block) -> None:
        columns = [map(_SAYS[kind], block[name]) for name, kind in self._table.columns.items()]
        self._csv.writerows(zip(*columns, strict=True))

    def close(self) -> None:
        self._out.close()


def read_csv(path: Path, table: Table) -> Iterator[Block]:
    """Blocks of a file written above; columns may stand in another order, none may be missing."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        names = next(rows, [])
        if sorted(names) != sorted(table.columns):
            raise Damaged(
                f"{path} has the columns {', '.join(names) or 'of no line at all'}; expected"
                f" {', '.join(table.columns)}. Export again, or put the first line right."
            )
        block: Block = {name: [] for name in names}
        fields = [(block[name].append, _HEARS[table.columns[name]]) for name in names]
        line = 0
        for line, row in enumerate(rows, start=1):
            try:
                for (add, hear), text in zip(fields, row, strict=True):
                    add(hear(text))
            except ValueError as wrong:
                raise Damaged(f"{path}:{line + 1}: {wrong}; put the line right.") from None
            if line % _AT_ONCE == 0:
                yield {name: list(column) for name, column in block.items()}
                for column in block.values():
                    column.clear()
        if line % _AT_ONCE:
            yield block


@lru_cache(maxsize=_AT_ONCE)  # an instant stands in row after row
def _instant(cell: Cell) -> str:
    if cell is None:
        return ""
    at = (_EPOCH + int(cell) * _MS).astimezone(_ZONE)
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds")


@lru_cache(maxsize=_AT_ONCE)
def _heard_instant(text: str) -> Cell:
    return (datetime.fromisoformat(text) - _EPOCH) // _MS if text else None


def _heard_bool(text: str) -> Cell:
    if text not in ("true", "false", ""):
        raise ValueError(f"expected true or false, not {text!r}")
    return text == "true" if text else None


_SAYS: dict[Kind, Callable[[Cell], str]] = {
    "text": lambda cell: "" if cell is None else str(cell),
    "int": lambda cell: "" if cell is None else str(cell),
    "float": lambda cell: "" if cell is None else repr(cell),
    "bool": lambda cell: "" if cell is None else "true" if cell else "false",
    "instant": _instant,
}
_HEARS: dict[Kind, Callable[[str], Cell]] = {
    "text": str,
    "int": lambda text: int(text) if text else None,
    "float": lambda text: float(text) if text else None,
    "bool": _heard_bool,
    "instant": _heard_instant,
}
