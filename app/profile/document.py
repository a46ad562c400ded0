"""Document: one TOML file under check; every wrong key becomes a finding with its line."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from app.profile import keys
from app.profile.finding import Finding
from app.profile.keys import Key, Keys
from app.profile.lines import Lines, Place

# An instant outside them is a slip of the pen, and no calendar reckons with it.
YEARS = range(1970, 2200)


class Document:
    """What a file says, and what is wrong with it so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: dict[str, Any] = {}
        self.findings: list[Finding] = []
        self.lines = Lines("")
        self._load()

    def wrong(self, place: Place, found: str, expected: str, remedy: str) -> None:
        """Note a mistake."""
        self.findings.append(Finding(self.path, self.lines.of(place), found, expected, remedy))

    def check(self, place: Place, known: Keys, *, open_ended: bool = False) -> bool:
        """Whether the table at a place has the keys it needs, of the right kind, and no others.

        ``open_ended``: others are somebody else's, and only a slip of the pen is named.
        """
        before = len(self.findings)
        table = self.at(place)
        if not isinstance(table, dict):
            self.wrong(place, f"{_name(place)} is {table!r}", keys.TABLE, "write it as a table")
            return False
        for name, key in known.items():
            if name in table:
                self._value((*place, name), table[name], key)
            elif key.needed:
                self.wrong(
                    place, f"the key {name!r} is missing", f"{name} = {_like(key)}",
                    f"add a line {name} = … ({key.holds}); any file beside this one has it",
                )  # fmt: skip
        for name in set(table) - set(known):
            self._unknown(place, name, known, open_ended=open_ended)
        return len(self.findings) == before

    def at(self, place: Place) -> Any:  # noqa: ANN401  whatever TOML holds there
        """The value at a place; None when there is none."""
        value: Any = self.told
        for step in place:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def tables(self, name: str) -> Iterator[Place]:
        """The places of an array of tables."""
        told = self.told.get(name)
        for number in range(len(told) if isinstance(told, list) else 0):
            yield (name, number)

    def _load(self) -> None:
        try:
            text = self.path.read_text(encoding="utf-8")
            if text.startswith("\ufeff"):
                found = "begins with a byte-order mark"
                self.wrong((), found, "UTF-8 without one", "save the file as UTF-8 without BOM")
                return
            self.lines = Lines(text)
            self.told = _parsed(text)
            if not self.told:
                self.wrong((), "the file says nothing", "key = value", "fill it in, or remove it")
        except FileNotFoundError:
            self.wrong(
                (), "the file is missing", "every profile has one", "copy it from another profile"
            )
        except tomllib.TOMLDecodeError as error:
            told = re.search(r"line (\d+)", str(error))
            line = int(told[1]) if told else 1
            self.findings.append(
                Finding(self.path, line, f"not TOML: {error}", "key = value", "mend that line")
            )
        except UnicodeDecodeError:
            self.wrong((), "not UTF-8", "text in UTF-8", "save the file as UTF-8")
        except RecursionError:
            self.wrong((), "brackets within brackets without end", "key = value", "mend the file")
        except OSError as error:
            self.wrong((), f"cannot be read: {error.strerror}", "a file of text", "put it there")

    def _unknown(self, place: Place, name: str, known: Keys, *, open_ended: bool) -> None:
        near = difflib.get_close_matches(name, known, 1, 0.75)
        if open_ended and not near:
            return
        remedy = f"did you mean {near[0]!r}?" if near else "take the line out"
        self.wrong(
            (*place, name), f"unknown key {name!r}", f"one of {', '.join(sorted(known))}", remedy
        )

    def _value(self, place: Place, value: object, key: Key) -> None:
        if not _is(value, key.holds):
            self.wrong(place, f"{place[-1]} = {value!r}", key.holds, f"write it as {_like(key)}")
        elif key.least is not None and isinstance(value, int | float) and value < key.least:
            self.wrong(place, f"{place[-1]} = {value}", f"at least {key.least:g}", "raise it")
        elif key.most is not None and isinstance(value, int | float) and value > key.most:
            self.wrong(place, f"{place[-1]} = {value}", f"at most {key.most:g}", "lower it")
        elif key.among:
            stated = value if isinstance(value, list) else [value]
            for one in stated:
                if one not in key.among:
                    near = difflib.get_close_matches(str(one), key.among, 1, 0.5)
                    self.wrong(
                        place, f"{place[-1]} = {one!r}", f"one of {', '.join(key.among)}",
                        f"did you mean {near[0]!r}?" if near else "choose one of them",
                    )  # fmt: skip
        elif key.needed and key.holds == keys.TEXT and not str(value).strip():
            found = f'{place[-1]} = "{value}"'
            self.wrong(place, found, "a text that says something", "fill it in")


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = f"at line {max(1, len(text.splitlines()))}, its last"
        raise tomllib.TOMLDecodeError(str(error).replace("at end of document", where)) from None


def _is(value: object, holds: str) -> bool:
    match holds:
        case keys.TEXT:
            return isinstance(value, str)
        case keys.WHOLE:
            return isinstance(value, int) and not isinstance(value, bool)
        case keys.NUMBER:
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
            return math.isfinite(value)
        case keys.YES_NO:
            return isinstance(value, bool)
        case keys.TEXTS:
            return isinstance(value, list) and all(isinstance(v, str) for v in value)
        case keys.DAYS:
            return isinstance(value, list) and all(type(v) is date for v in value)
        case keys.LIST:
            return isinstance(value, list)
        case keys.TABLE:
            return isinstance(value, Mapping)
        case keys.INSTANT:
            return isinstance(value, datetime) and value.year in YEARS
        case _:
            return isinstance(value, str) and (_day(value) or (not value and holds != keys.DAY))


def _day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _like(key: Key) -> str:
    if key.among:
        return f'"{key.among[0]}"' if key.holds == keys.TEXT else f'["{key.among[0]}"]'
    shown = {
        keys.TEXT: '"…"', keys.WHOLE: "5", keys.NUMBER: "0.95", keys.TEXTS: '["…"]',
        keys.YES_NO: "true", keys.DAYS: "[2022-01-31]", keys.LIST: "[…]",
        keys.INSTANT: "2022-10-03T08:00:00", keys.TABLE: "{…}", keys.DAY: '"2022-01-31"',
    }  # fmt: skip
    return shown.get(key.holds, '"2022-12-31"')


def _name(place: Place) -> str:
    return ".".join(str(step) for step in place) or "the file"
