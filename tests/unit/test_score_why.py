"""The operating score taken apart: its parts add up to it exactly, whatever they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from app.api import score_models
from app.api.score_why import shape
from app.domain.reading import Reading
from app.domain.score import STEPS, members, score, shares
from app.profile import load_profile, profile_folder

PROFILE = load_profile(profile_folder("laocai"))
TILES = [t for g in PROFILE.scene.groups for t in g.tiles]


def reading(number: int, value: float | None, target: float | None) -> Reading:
    tile = TILES[number]
    source = PROFILE.indicators[tile.indicator].source
    return Reading(
        tile.indicator, tile.subject, tile.period, 0, 9, 9, source, value, None, None, target,
        "met", "",
    )  # fmt: skip


VALUES = st.one_of(st.none(), st.floats(0, 1.2), st.floats(0, 1e6))


PAIRS = st.lists(st.tuples(VALUES, st.floats(0.01, 1.0)), min_size=1, max_size=len(TILES))


@given(PAIRS, st.data())
def test_the_parts_add_up_exactly_and_whoever_is_left_out_is_named(told, data):
    readings = [reading(n, v, t) for n, (v, t) in enumerate(told)]
    judged = {s: data.draw(st.sampled_from(("fresh", "stale"))) for s in PROFILE.sources}
    found = members(PROFILE.scene, PROFILE.indicators, readings, judged)
    body = shape(PROFILE, found, date(2022, 10, 3))
    score_models.ScoreWhy.model_validate(body)
    whole = score(PROFILE.scene, PROFILE.indicators, readings, judged)
    assert (body["value"], body["counted"], body["total"]) == (
        whole.value, whole.counted, whole.total,
    )  # fmt: skip
    parts = [Fraction(str(p["points"])) for p in body["parts"]]  # type: ignore[attr-defined]
    assert sum(parts) == (Fraction(str(body["points"])) if whole.value is not None else 0)
    if whole.value is not None:
        assert abs(float(sum(parts)) - whole.value) <= 0.5 / STEPS + 1e-12
        assert body["sum"] == whole.value * whole.counted or abs(
            float(str(body["sum"])) / whole.counted - whole.value
        ) < 1e-15 * max(1.0, whole.value)
    left = {(p["indicator"], p["subject"]) for p in body["parts"] if p["status"] == "left_out"}  # type: ignore[attr-defined]
    assert left == {(o.key[0], o.key[1]) for o in whole.left_out}
    assert body["coverage"] == f"{whole.counted}/{whole.total}"


def test_no_order_of_tiles_changes_the_score():
    readings = [reading(n, 0.1 * (n + 1), 0.7) for n in range(len(TILES))]
    judged = dict.fromkeys(PROFILE.sources, "fresh")
    groups = tuple(replace(g, tiles=g.tiles[::-1]) for g in PROFILE.scene.groups[::-1])
    turned = replace(PROFILE.scene, groups=groups)
    one, other = (score(s, PROFILE.indicators, readings, judged) for s in (PROFILE.scene, turned))
    assert one.value == other.value
    assert sum(shares(members(PROFILE.scene, PROFILE.indicators, readings, judged))) > 0
