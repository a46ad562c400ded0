"""Reads a profile folder; errors name the file, what was expected and the remedy."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from app.domain.area import Areas
from app.domain.indicator import (
    AlertRule,
    Indicator,
    Measure,
    Scene,
    SceneMap,
    Subject,
    Target,
    Tile,
    TileGroup,
    Wording,
)
from app.domain.land import Centre, Code
from app.domain.measure import RULES
from app.domain.membership import Agency
from app.domain.on_time import OFFICE
from app.domain.period import KINDS, midnight_s
from app.domain.profile import Profile
from app.domain.source import SourceConfig
from app.profile.areas import AreasError, load_agencies, load_areas
from app.profile.composites import load_composites, load_goals
from app.profile.land import load_centres, load_codes

MAX_WALL_LABEL = 28
# Where a profile says the simulators are; a demo may have moved them to another port.
SIMULATORS = "http://127.0.0.1:8900/"


class ProfileError(Exception):
    """A profile file says something it may not."""


def profile_folder(name: str) -> Path:
    """Folder of a profile shipped with the product, or a path given as is."""
    path = Path(name)
    return path if path.is_dir() else Path(__file__).parent.parent / "profiles" / name


def load_profile(folder: Path, base_urls: Mapping[str, str] | None = None) -> Profile:
    """Load every file of the folder. ``base_urls``: where the simulators of a demo are.

    A source that points at another upstream keeps its address.
    """
    if not (folder / "profile.toml").is_file():
        raise ProfileError(f"{folder}: no profile.toml there; name a folder of app/profiles")
    head = _toml(folder / "profile.toml")
    rules = _toml(folder / "rules.toml")
    areas, agencies = _areas(folder)
    subjects = _subjects(folder, areas, agencies)
    indicators = {}
    for path in sorted((folder / "indicators").glob("*.toml")):
        indicator = _with_heirs(_indicator(path, subjects), areas)
        indicators[indicator.id] = indicator
    try:
        composites, goals = load_composites(folder), load_goals(folder)
    except (KeyError, ValueError) as wrong:
        detail = f"{folder}: composites or targets.toml: {wrong!r}; run ioc check"
        raise ProfileError(detail) from None
    return Profile(
        str(head["id"]),
        str(head["name_vi"]),
        midnight_s(date.fromisoformat(str(head["began"]))),
        subjects,
        agencies,
        {s.id: s for s in _sources(folder, base_urls or {})},
        indicators,
        _scene(folder / "scene.toml", subjects, indicators),
        frozenset(rules["calendar"]["holidays"]),
        {k: str(v).lower() for k, v in rules["on_time"].items()},
        frozenset(rules["calendar"].get("worked_saturdays", ())),
        areas,
        *_bound(folder, areas, agencies, subjects),
        composites=composites,
        goals=goals,
        office=office_hours(rules["calendar"]),
        legal_words=_legal_words(folder / "legal.toml"),
        history_days=int(head.get("history_days", 0)),
    )


def _bound(
    folder: Path, areas: Areas, agencies: Mapping[str, Agency], subjects: Mapping[str, Subject]
) -> tuple[tuple[Centre, ...], tuple[Code, ...]]:
    try:
        return load_centres(folder, areas), load_codes(folder, areas, agencies, subjects)
    except (AreasError, KeyError, ValueError) as wrong:
        raise ProfileError(f"{folder}: {_said(wrong)}") from None


def _areas(folder: Path) -> tuple[Areas, dict[str, Agency]]:
    try:
        return load_areas(folder), load_agencies(folder)
    except (AreasError, OSError, KeyError, ValueError) as wrong:
        raise ProfileError(f"{folder / 'areas.toml'}: {_said(wrong)}") from None


def _said(wrong: Exception) -> str:
    return f"the key or column {wrong} is missing" if isinstance(wrong, KeyError) else str(wrong)


def office_hours(calendar: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    """[["07:30", "11:30"], …] as seconds of the day; ValueError where it is not like that."""
    if "office_hours" not in calendar:
        return OFFICE
    found: list[tuple[int, int]] = []
    for opens, closes in calendar["office_hours"]:
        span = tuple(int(t[:2]) * 3600 + int(t[3:]) * 60 for t in (opens, closes))
        if not 0 <= span[0] < span[1] <= 86_400 or (found and span[0] < found[-1][1]):
            raise ValueError(f"{opens}–{closes}: opens before it closes, one span after another")
        found.append((span[0], span[1]))
    return tuple(found)


def _legal_words(path: Path) -> tuple[tuple[str, str], ...]:
    """A profile without the file has its laws in Vietnamese alone."""
    told = _toml(path).get("word", ()) if path.is_file() else ()
    return tuple((word["vi"], word["en"]) for word in told)


def _toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise ProfileError(f"{path}: the file is missing; every profile has one") from None
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{path}: not TOML ({error}); mend that line") from None
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise ProfileError(f"{path}: cannot be read ({error}); run ioc check") from None


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _subjects(folder: Path, areas: Areas, agencies: Mapping[str, Agency]) -> dict[str, Subject]:
    tiles = {f"area:{r['code']}": r for r in _csv(folder / "districts_2022.csv")}
    found: dict[str, Subject] = {}
    for area in areas.units:
        tile = tiles.get(area.id)
        found[area.id] = Subject(
            area.id,
            area.level,
            area.name_vi,
            area.short_name,
            area.parent,
            int(tile["tile_row"]) if tile else None,
            int(tile["tile_col"]) if tile else None,
        )
    for agency in agencies.values():
        level = "department" if agency.tier == "province" else "agency"
        found[f"agency:{agency.code}"] = Subject(
            f"agency:{agency.code}", level, agency.name, agency.short_name, agency.area
        )
    for row in _csv(folder / "sectors.csv"):
        key = f"sector:{row['code']}"
        found[key] = Subject(key, "sector", row["name"], row["name"], f"agency:{row['department']}")
    province = next(s.id for s in found.values() if s.level == "province")
    for row in _csv(folder / "groups.csv"):
        key = f"group:{row['code']}"
        found[key] = Subject(
            key, "group", row["name"], row.get("short_name") or row["name"], province
        )
    for tier, name in (("province", "tỉnh"), ("district", "huyện"), ("commune", "xã")):
        key = f"tier:{tier}"
        found[key] = Subject(key, "tier", f"Cơ quan cấp {name}", name, province)
    return found


def _indicator(path: Path, subjects: Mapping[str, Subject]) -> Indicator:
    told = _toml(path)
    try:
        measure = told["measure"]
        indicator = Indicator(
            told["id"], told["source"], told["group"], told["title_vi"], told["title_en"],
            told["label_wall_vi"], told["label_wall_en"], told["unit"], int(told["decimals"]),
            told["better"],
            Measure(
                measure["kind"], measure["records"], measure["rule"],
                tuple(measure.get("num", ())), tuple(measure.get("den", ())),
                measure.get("start", ""), measure.get("end", ""),
            ),
            tuple(told["periods"]), tuple(told["levels"]),
            tuple(_target(t) for t in told.get("target", ())),
            _alert(told.get("alert")), told["legal_source"], told.get("assumption"),
            told["formula_vi"], _wordings(told), told.get("formula_en", ""),
            told.get("assumption_en", ""),
        )  # fmt: skip
    except KeyError as missing:
        raise ProfileError(
            f"{path}: the key {missing} is missing; see any other indicator"
        ) from None
    _check(path, indicator, subjects)
    return indicator


def _wordings(told: Mapping[str, Any]) -> tuple[Wording, ...]:
    found = [
        Wording(
            w["from"], w["title_vi"], w["title_en"], w["label_wall_vi"], w["label_wall_en"]
        )
        for w in told.get("wording", ())
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda w: w.begins))


def _check(path: Path, indicator: Indicator, subjects: Mapping[str, Subject]) -> None:
    if indicator.measure.rule not in RULES:
        raise ProfileError(
            f"{path}: rule {indicator.measure.rule!r}; expected one of {sorted(RULES)}"
        )
    for kind in indicator.periods:
        if kind not in KINDS:
            raise ProfileError(f"{path}: period {kind!r}; expected one of {', '.join(KINDS)}")
    for label in (indicator.label_wall_vi, indicator.label_wall_en):
        if len(label) > MAX_WALL_LABEL:
            raise ProfileError(f"{path}: {label!r} is over {MAX_WALL_LABEL} characters; shorten it")
    named = [s for t in indicator.targets for s in t.subjects]
    named += list(indicator.alert.subjects) if indicator.alert else []
    for subject in named:
        if subject not in subjects:
            raise ProfileError(f"{path}: subject {subject!r} is not in the profile's CSV files")


def _with_heirs(indicator: Indicator, areas: Areas) -> Indicator:
    """What holds for the province holds for what it became."""
    provinces = tuple(a.id for a in areas.units if a.parent is None)

    def heirs(subjects: tuple[str, ...]) -> tuple[str, ...]:
        named = provinces if set(subjects) & set(provinces) else ()
        return tuple(dict.fromkeys([*subjects, *named]))

    alert = indicator.alert
    return replace(
        indicator,
        targets=tuple(replace(t, subjects=heirs(t.subjects)) for t in indicator.targets),
        alert=alert and replace(alert, subjects=heirs(alert.subjects)),
    )


def _target(told: Mapping[str, Any]) -> Target:
    return Target(
        float(told["value"]), tuple(told["subjects"]), tuple(told["levels"]), told["legal_source"],
        told["deadline"], float(told["near"]), float(told["critical"]),
        told.get("kind", "instant"), float(told.get("baseline", 0.0)), told.get("begins", ""),
        told.get("shape", "linear"),
        tuple((str(d), float(v)) for d, v in told.get("milestones", ())),
        told.get("assumption", ""), told.get("assumption_en", ""),
    )  # fmt: skip


def _alert(told: Mapping[str, Any] | None) -> AlertRule | None:
    if told is None:
        return None
    return AlertRule(
        tuple(told["subjects"]), int(told["for_days"] * 86400), told["period"], told["owner"],
        told["response_vi"], told["worst_level"],
    )  # fmt: skip


def _sources(folder: Path, base_urls: Mapping[str, str]) -> list[SourceConfig]:
    found = []
    for path in sorted((folder / "sources").glob("*.toml")):
        told = _toml(path)
        try:
            address = told["base_url"]
            if address.startswith(SIMULATORS):
                address = base_urls.get(told["id"], address)
            found.append(
                SourceConfig(
                    told["id"], told["collector"], told["name_vi"], told["name_en"],
                    address, int(told["every_s"]),
                    float(told["timeout_s"]), int(told["late_after_s"]), int(told["stale_after_s"]),
                    int(told["absent_after_s"]), told.get("owner", ""),
                    told.get("legal_source", ""),
                    {k: str(v) for k, v in told.get("settings", {}).items()},
                    float(told.get("least_pace", 1000)),
                )
            )  # fmt: skip
        except KeyError as missing:
            raise ProfileError(f"{path}: the key {missing} is missing") from None
    return found


def _scene(
    path: Path, subjects: Mapping[str, Subject], indicators: Mapping[str, Indicator]
) -> Scene:
    told = _toml(path)
    groups = []
    for group in told["group"]:
        tiles = []
        for number, row in enumerate(group["tiles"], 1):
            indicator, subject, period = row[:3]
            if indicator not in indicators or subject not in subjects:
                raise ProfileError(f"{path}: tile {row}: unknown indicator or subject")
            kind = row[3] if len(row) > 3 else "value"
            tiles.append(Tile(f"{group['id']}{number}", kind, indicator, subject, period))
        groups.append(TileGroup(group["id"], group["title_vi"], group["title_en"], tuple(tiles)))
    shown = told["map"]
    districts = tuple(s.id for s in subjects.values() if s.level == "district")
    return Scene(
        tuple(groups),
        SceneMap(
            shown["indicator"], shown["period"], shown["title_vi"], shown["title_en"], districts
        ),
    )
