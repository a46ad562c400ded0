"""Composites and goals of a profile: ``composites/<id>.toml`` and ``targets.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from app.domain.composite import Composite, CompositeGroup, CompositePart, Input, Published
from app.domain.goal import Goal, Label


def load_composites(folder: Path) -> dict[str, Composite]:
    """Every composite by id; a profile may have none."""
    found = [composite(_read(p)) for p in sorted((folder / "composites").glob("*.toml"))]
    return {c.id: c for c in found}


def load_goals(folder: Path) -> tuple[Goal, ...]:
    """The goals in the order of the file; a profile may have none."""
    path = folder / "targets.toml"
    return tuple(goal(told) for told in _read(path)["target"]) if path.is_file() else ()


def composite(told: Mapping[str, Any]) -> Composite:
    return Composite(
        told["id"], told["title_vi"], told["title_en"], told["legal_source"], told["rule_vi"],
        told["rule_en"], tuple(told["levels"]), tuple(_group(g) for g in told["group"]),
        tuple(_published(p) for p in told.get("published", ())),
    )  # fmt: skip


def goal(told: Mapping[str, Any]) -> Goal:
    labels = [Label(date.fromisoformat(x["from"]), x["vi"], x["en"]) for x in told["labels"]]
    labels.sort(key=lambda label: label.begins)
    return Goal(
        told["id"], tuple(labels), float(told["value"]), told["unit"], told["better"],
        told["level"], told["period"], told["deadline"], told["legal_source"], told["feed"],
        told.get("indicator", ""), told.get("subject", ""), told.get("note_vi", ""),
        told.get("note_en", ""), told["kind"],
    )  # fmt: skip


def inputs(example: Mapping[str, Any]) -> dict[str, Input]:
    """What an example states of the parts: [num, den], or a word that says why there is none."""
    found = {}
    for name, told in example["parts"].items():
        if isinstance(told, str):
            found[name] = Input(told)
        else:
            num, den = told
            found[name] = Input("counted", num / den, num, den)
    return found


def _group(told: Mapping[str, Any]) -> CompositeGroup:
    return CompositeGroup(
        told["id"], told["title_vi"], told["title_en"], _exact(told["weight"]),
        tuple(_part(p) for p in told["part"]),
    )  # fmt: skip


def _part(told: Mapping[str, Any]) -> CompositePart:
    return CompositePart(
        told["id"], told["title_vi"], told["title_en"], _exact(told["weight"]),
        told["assumption"], told.get("indicator", ""), told.get("period", ""),
        _exact(told.get("full", 1)), told.get("rule_vi", ""),
        told.get("rule_en", ""),
    )  # fmt: skip


def _published(told: Mapping[str, Any]) -> Published:
    return Published(
        told["until"], float(told["total"]), told["rank"], told["of"],
        {k: float(v) for k, v in told["groups"].items()}, told["source"],
        {k: float(v) for k, v in told.get("national", {}).items()},
    )  # fmt: skip


def _exact(told: float | str) -> Fraction:
    """A decimal as it is written, not as a computer rounds it."""
    return Fraction(str(told))


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)
