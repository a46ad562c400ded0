"""Every hand-worked case: the product and the simulators' truth both give its figures."""

from __future__ import annotations

import importlib
import json
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app.domain.measure import Measures
from app.domain.measure_unit import in_unit
from app.domain.on_time import Rules
from app.domain.profile import Profile
from app.domain.record import Record, merge
from app.evaluation.tally import Tally, median
from app.profile import load_profile, profile_folder
from collectors._world.feed import Message
from collectors._world.world import World
from collectors.public_service.rule import Switches

CASES = sorted((Path(__file__).parents[1] / "cases").glob("*/*.json"))


@pytest.fixture(scope="session")
def profile() -> Profile:
    return load_profile(profile_folder("laocai"))


def _raw(record: object) -> bytes:
    return record.encode() if isinstance(record, str) else json.dumps(record).encode()


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parent.name}-{p.stem}")
@pytest.mark.parametrize("backwards", [False, True], ids=["as told", "backwards"])
def test_the_product_gives_the_figures(path: Path, backwards: bool, profile: Profile) -> None:
    case = json.loads(path.read_text())
    read = importlib.import_module(f"collectors.{case['feed']}.collector").read_record
    indicators = [i for i in profile.indicators.values() if i.source == case["feed"]]
    measures = Measures(indicators, _rules(case, profile))
    records: dict[tuple[str, str], Record] = {}
    told = case["records"][::-1] if backwards else case["records"]
    for raw in told:
        for update in read(_raw(raw)):
            key = (update.kind, update.code)
            records[key] = merge(records.get(key), update)
    for ask in case["asks"]:
        assert profile.subjects[ask["subject"]].level == ask["level"], ask
        assert ask["level"] in profile.indicators[ask["indicator"]].levels, ask
        assert _figure(ask, records, measures, profile) == _expected(ask), ask["why"]


def _rules(case: dict[str, Any], profile: Profile) -> Rules:
    """The rules of the profile, with the switches of the case."""
    switches = case.get("switches", {})
    return Rules(
        profile.holidays,
        switches.get("second_supplement") == "always_late",
        switches.get("fee_wait_stops_clock", False),
        profile.worked_saturdays,
    )


def _figure(
    ask: dict[str, Any],
    records: dict[tuple[str, str], Record],
    measures: Measures,
    profile: Profile,
) -> tuple[float | None, ...]:
    number = next(n for n, i in enumerate(measures.indicators) if i.id == ask["indicator"])
    indicator = measures.indicators[number]
    carried = {number: indicator.periods} if indicator.measure.carried else {}
    at_s = _at(ask["at"])
    tally = Tally(carried, profile.members)
    tally.start(profile.began_s, at_s)
    for record in records.values():
        steps = measures.steps(record)
        tally.add([(record.owner, record.sector, *k, *v) for k, v in steps.items()])
    begin, sums = tally.current(number, ask["period"])
    num, den = sums.get(ask["subject"], (0, 0))
    kind = indicator.measure.kind
    if kind == "quantile":
        counts = tally.values.get((number, ask["period"], begin), {}).get(ask["subject"])
        seconds, n = median(counts) if counts else (None, 0)
        return (in_unit(seconds, indicator.unit), n)
    return (num, den) if kind == "ratio" else (num,)


def _expected(ask: dict[str, Any]) -> tuple[float | None, ...]:
    if ask["num"] is None:
        return (ask["value"], ask["den"])
    return (ask["num"],) if ask["den"] is None else (ask["num"], ask["den"])


@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_the_truth_gives_the_figures(path: Path) -> None:
    case = json.loads(path.read_text())
    feed = importlib.import_module(f"collectors.{case['feed']}.simulator").feed(World(1, 0.01))
    truth = feed.truth()
    if "switches" in case:
        truth.switches = Switches(**case["switches"])
    for number, raw in enumerate(case["records"]):
        truth.add(Message(number, _raw(raw)))
    got: defaultdict[str, tuple[Any, ...]] = defaultdict(lambda: (None, 0, 0))
    for ask in case["asks"]:
        got.clear()
        got.update(truth.ask(ask["indicator"], ask["level"], ask["period"], _at(ask["at"])))
        value, num, den = got[ask["subject"]]
        if ask["num"] is None:
            assert (value, den or 0) == (ask["value"], ask["den"]), ask["why"]
        else:
            assert num == ask["num"], ask["why"]
            assert ask["den"] is None or den == ask["den"], ask["why"]
