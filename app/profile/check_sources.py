"""Checks the sources, the scene and the rules of a profile."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.profile import keys
from app.profile.document import Document
from app.profile.load import office_hours

# What a wall draws in one row, and how many rows; more would stand in no place.
TILES, ROWS = 6, 40  # four rows a page; ten pages take minutes to come round
# The tile types of this clone; an installed product brings them built.
DRAWN = Path(__file__).parents[2] / "frontend/src/tiles"
TILE_TYPE = re.compile(r"[a-z][a-z0-9_]*")


def check_source(doc: Document) -> bool:
    """Note what is wrong with one ``sources/<feed>.toml``; whether it can be loaded."""
    if not doc.told or not doc.check((), keys.SOURCE):
        return False
    told = doc.told
    if told["id"] != doc.path.stem:
        doc.wrong(
            ("id",), f"id = {told['id']!r}", f"the name of the file, {doc.path.stem!r}",
            "rename the file, or correct the id",
        )  # fmt: skip
    if not _address(told["base_url"]):
        doc.wrong(
            ("base_url",), f"base_url = {told['base_url']!r}", "http://… or https://…",
            "write the upstream's whole address",
        )  # fmt: skip
    elif "@" in urlsplit(told["base_url"]).netloc:
        doc.wrong(
            ("base_url",), "base_url holds a user or a password", "http://host… and nothing secret",
            "take it out; a secret is named in [settings] and set in the environment",
        )  # fmt: skip
    ages = ("every_s", "late_after_s", "stale_after_s", "absent_after_s")
    for lower, upper in pairwise(ages):
        if told[lower] >= told[upper]:
            doc.wrong(
                (upper,), f"{upper} = {told[upper]} and {lower} = {told[lower]}",
                " < ".join(ages), f"raise {upper} above {told[lower]}",
            )  # fmt: skip
    if told["timeout_s"] >= told["late_after_s"]:
        late = told["late_after_s"]
        doc.wrong(
            ("timeout_s",), f"timeout_s = {told['timeout_s']} and late_after_s = {late}",
            "timeout_s < late_after_s: one silent answer must not make the source late",
            f"lower timeout_s below {late}",
        )  # fmt: skip
    for name, value in told.get("settings", {}).items():
        if not isinstance(value, str | int | float):
            doc.wrong(("settings", name), f"{name} = {value!r}", "a text", "write it as a text")
    return True


def check_scene(
    doc: Document, subjects: Collection[str], periods: Mapping[str, Collection[str]]
) -> None:
    """``periods`` by indicator: what a tile can show."""
    if not doc.told or not doc.check((), keys.SCENE):
        return
    rows = list(doc.tables("group"))
    for place in rows:
        if doc.check(place, keys.GROUP):
            tiles = doc.at((*place, "tiles"))
            for number, tile in enumerate(tiles):
                _tile(doc, (*place, "tiles", number), tile, subjects, periods)
                if tile in tiles[:number]:
                    doc.wrong(
                        (*place, "tiles", number), f"tile {tile!r} twice", "each tile once",
                        "take one of the two out",
                    )  # fmt: skip
            if len(tiles) > TILES:
                doc.wrong(
                    (*place, "tiles", TILES), f"{len(tiles)} tiles in a row",
                    f"{TILES} at most: the wall draws no more", "take one out, or add a [[group]]",
                )  # fmt: skip
    _groups(doc, rows)
    if doc.check(("map",), keys.MAP):
        shown = doc.told["map"]
        _shows(doc, ("map", "indicator"), shown["indicator"], shown["period"], periods)


def _groups(doc: Document, rows: list[tuple[str | int, ...]]) -> None:
    names = [doc.at((*place, "id")) for place in rows]
    for number, name in enumerate(names):
        if name in names[:number]:
            doc.wrong((*rows[number], "id"), f"id {name!r} twice", "each once", "correct one")
    if len(rows) > ROWS:
        doc.wrong(
            rows[ROWS], f"{len(rows)} groups", f"{ROWS} at most: ten pages of a wall",
            "join two of them",
        )  # fmt: skip


def _address(told: str) -> bool:
    """Whether it names a scheme, a host and a port that there can be."""
    try:
        parts = urlsplit(told)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    return named and parts.scheme in {"http", "https"} and not re.search(r"\s", told)


def _tile(
    doc: Document,
    place: tuple[str | int, ...],
    tile: Any,  # noqa: ANN401  whatever TOML holds there
    subjects: Collection[str],
    periods: Mapping[str, Collection[str]],
) -> None:
    drawn = isinstance(tile, list) and len(tile) in (3, 4)
    if not drawn or not all(isinstance(word, str) for word in tile):
        doc.wrong(
            place, f"tile {tile!r}", '["<indicator>", "<subject>", "<period>"], a type if any',
            "write it as the tiles beside it",
        )  # fmt: skip
        return
    if len(tile) > 3 and not TILE_TYPE.fullmatch(tile[3]):
        doc.wrong(
            place, f"tile {tile!r}: type {tile[3]!r}", "a folder of frontend/src/tiles",
            "correct its name: small letters, digits and _",
        )  # fmt: skip
    elif len(tile) > 3 and DRAWN.is_dir() and not (DRAWN / tile[3] / "Tile.svelte").is_file():
        known = ", ".join(sorted(one.parent.name for one in DRAWN.glob("*/Tile.svelte")))
        doc.wrong(
            place, f"tile {tile!r}: nothing draws the type {tile[3]!r}", f"one of {known}",
            f"correct its name, or add frontend/src/tiles/{tile[3]}/Tile.svelte",
        )  # fmt: skip
    if tile[1] not in subjects:
        doc.wrong(
            place, f"tile {tile!r}: subject {tile[1]!r} is unknown", "kind:code, such as area:10",
            "correct the code",
        )  # fmt: skip
    _shows(doc, place, tile[0], tile[2], periods)


def _shows(
    doc: Document,
    place: tuple[str | int, ...],
    indicator: str,
    period: str,
    periods: Mapping[str, Collection[str]],
) -> None:
    if indicator not in periods:
        doc.wrong(
            place, f"indicator {indicator!r} is unknown", "a file in indicators/",
            f"correct the name, or add indicators/{indicator}.toml",
        )  # fmt: skip
    elif periods[indicator] and period not in periods[indicator]:  # unreadable: its own finding
        doc.wrong(
            place, f"{indicator} is not judged by {period!r}",
            f"one of its periods: {', '.join(periods[indicator])}", "choose one of them",
        )  # fmt: skip


def check_rules(doc: Document) -> None:
    """The switches of the on-time rule and the calendar."""
    if not doc.told or not doc.check((), keys.RULES_FILE):
        return
    doc.check(("on_time",), keys.ON_TIME)
    if not doc.check(("calendar",), keys.CALENDAR):
        return
    try:
        office_hours(doc.at(("calendar",)))
    except (TypeError, ValueError) as wrong:
        doc.wrong(
            ("calendar", "office_hours"), f"office_hours: {wrong}",
            '[["07:30", "11:30"], ["13:00", "17:00"]]', "write it like that",
        )  # fmt: skip
    off: set[date] = set(doc.at(("calendar", "holidays")))
    for day in doc.at(("calendar", "worked_saturdays")) or ():
        if day.weekday() != 5 or day in off:
            found = "a holiday as well" if day in off else f"a {day:%A}"
            doc.wrong(
                ("calendar", "worked_saturdays"), f"{day} is {found}", "a Saturday that is worked",
                "take the day out, or correct it",
            )  # fmt: skip
