"""Lines: where each key of a TOML file stands; ``tomllib`` gives values without their places."""

from __future__ import annotations

import re
from collections import defaultdict

Place = tuple[str | int, ...]

_TABLE = re.compile(r"\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$")
_TABLES = re.compile(r"\[\[\s*([^\[\]]+?)\s*\]\]\s*(#.*)?$")
_KEY = re.compile(r"([A-Za-z0-9_.\"'-]+)\s*=\s*(.*)$")
# What must not be counted as a bracket: strings and comments.
_QUIET = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'|#.*$")


class Lines:
    """Line numbers of one file by place, such as ("target", 0, "value")."""

    def __init__(self, text: str) -> None:
        self._at: dict[Place, int] = {}
        self._counts: defaultdict[Place, int] = defaultdict(int)
        self._table: Place = ()
        self._open: tuple[Place, int, int] | None = None  # array under way: place, depth, elements
        for number, line in enumerate(text.splitlines(), 1):
            self._read(number, line.strip())

    def of(self, place: Place) -> int:
        """The line of a place, or of the nearest thing around it that has one."""
        while place and place not in self._at:
            place = place[:-1]
        return self._at.get(place, 1)

    def _read(self, number: int, line: str) -> None:
        if self._open is not None:
            self._go_on(number, line)
        elif tables := _TABLES.match(line):
            parent = self._path(tables[1])
            self._table = (*parent, self._counts[parent])
            self._counts[parent] += 1
            self._at.setdefault(parent, number)
            self._at[self._table] = number
        elif table := _TABLE.match(line):
            self._table = self._path(table[1])
            self._at[self._table] = number
        elif key := _KEY.match(line):
            place = (*self._table, *(part.strip("\"' ") for part in key[1].split(".")))
            self._at[place] = number
            if (depth := _depth(key[2])) > 0:
                self._open = (place, depth, 0)

    def _go_on(self, number: int, line: str) -> None:
        """A line of an array that began above; at depth 1 each line begins an element."""
        assert self._open is not None
        place, depth, elements = self._open
        if depth == 1 and line and line[0] not in "]#":
            self._at[(*place, elements)] = number
            elements += 1
        depth += _depth(line)
        self._open = (place, depth, elements) if depth > 0 else None

    def _path(self, name: str) -> Place:
        """A header's place; under an array of tables it belongs to the last one."""
        place: Place = ()
        parts = [part.strip("\"' ") for part in name.split(".")]
        for number, part in enumerate(parts):
            place = (*place, part)
            if number + 1 < len(parts) and place in self._counts:
                place = (*place, self._counts[place] - 1)
        return place


def _depth(text: str) -> int:
    bare = _QUIET.sub("", text)
    return sum(bare.count(c) for c in "[{") - sum(bare.count(c) for c in "]}")
