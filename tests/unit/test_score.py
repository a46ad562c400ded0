"""Score: one definition, worked cases that the server and the browser both run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.domain.indicator import Scene, SceneMap, Tile, TileGroup
from app.domain.reading import Reading
from app.domain.score import score
from app.profile import load_profile, profile_folder

# frontend/src/data/score.test.ts runs the same file.
CASES = json.loads((Path(__file__).parent / "score_worked.json").read_text(encoding="utf-8"))
INDICATOR = load_profile(profile_folder("laocai")).indicators["ps.on_time"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["says"])
def test_worked_scores(case: dict[str, Any]) -> None:
    tiles, readings = [], []
    for n, tile in enumerate(case["tiles"]):
        subject = f"area:{n}"
        tiles.append(Tile(f"t{n}", "value", "x", subject, "month"))
        readings.append(
            Reading("x", subject, "month", 0, 1, 1, "feed", tile["value"], None, None,
                    tile["target"], "none", "")
        )  # fmt: skip
    scene = Scene((TileGroup("g", "", "", tuple(tiles)),), SceneMap("x", "month", "", "", ()))
    told = score(
        scene, {"x": replace(INDICATOR, better=case["better"])}, readings,
        {"feed": case["quality"]},
    )  # fmt: skip
    for name, wanted in case["score"].items():
        assert getattr(told, name) == pytest.approx(wanted), name
    assert len(told.left_out) == case["left_out"]
    assert all(o.quality == case["quality"] for o in told.left_out)
