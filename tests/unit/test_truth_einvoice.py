"""The simulators' own truth of `inv.*` against the hand-worked cases, and the world it counts."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from collectors._world.calendar import day_of, midnight_s
from collectors._world.feed import Message
from collectors._world.world import World
from collectors.einvoice.calibration import OFFICES
from collectors.einvoice.simulator import feed
from collectors.einvoice.truth import EinvoiceTruth

CASES = sorted((Path(__file__).parents[1] / "cases" / "einvoice").glob("*.json"))
WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


def _grown(records: list[str]) -> EinvoiceTruth:
    truth = EinvoiceTruth()
    for position, record in enumerate(records):
        truth.add(Message(position, record.encode()))
    return truth


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("backwards", [False, True], ids=["as told", "told backwards"])
def test_truth_says_what_was_worked_out_by_hand(path: Path, backwards: bool) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    truth = _grown(case["records"][::-1] if backwards else case["records"])
    for ask in case["asks"]:
        at_s = int(datetime.fromisoformat(ask["at"]).timestamp())
        value, num, den = truth.ask(ask["indicator"], ask["level"], ask["period"], at_s)[
            ask["subject"]
        ]
        assert (num, den) == (ask["num"], ask["den"]), ask["why"]
        assert value == pytest.approx(ask["value"]), ask["why"]


def test_there_are_enough_cases_and_each_indicator_has_one() -> None:
    asked = {ask["indicator"] for path in CASES for ask in json.loads(path.read_text())["asks"]}
    assert len(CASES) >= 10
    assert asked == set(EinvoiceTruth.indicators)


def _days(world: World, first: date, count: int) -> list[list[Message]]:
    simulated = feed(world)
    return [simulated.day(first + timedelta(days=number)) for number in range(count)]


def test_the_same_seed_gives_the_same_messages() -> None:
    first = date(2022, 1, 1)
    assert _days(World(3, 0.02), first, 20) == _days(World(3, 0.02), first, 20)
    assert _days(World(4, 0.02), first, 20) != _days(World(3, 0.02), first, 20)


def test_messages_belong_to_their_day_and_are_never_told_before_they_are_sent() -> None:
    first = date(2022, 1, 1)
    for number, messages in enumerate(_days(World(1, 0.05), first, 40)):
        for message in messages:
            assert day_of(message.published_s) == first + timedelta(days=number)
            stamps = re.match(rb'<\w+ PHanh="(.{19})" TDGui="(.{19})">', message.body)
            assert stamps is not None
            assert stamps[2] < stamps[1]


def test_no_code_could_have_been_issued() -> None:
    messages = _days(World(1, 0.05), date(2022, 1, 1), 1)[0]
    codes = {
        m[1].decode()
        for message in messages
        if (m := re.search(rb"<MST>(.*?)</MST>", message.body))
    }
    assert len(codes) > 4600
    assert not [
        code
        for code in codes
        if sum(int(digit) * w for digit, w in zip(code, WEIGHTS, strict=False)) % 11
    ]


def test_the_offices_are_those_of_the_world() -> None:
    told = {office.group: set(office.codes) for office in OFFICES}
    assert told == {group.code: set(group.offices) for group in World().groups}
    assert round(sum(office.invoices for office in OFFICES), 6) == 1
    assert round(sum(office.enterprises for office in OFFICES), 6) == 1


@pytest.mark.slow
def test_the_year_is_calibrated() -> None:
    simulated = feed(World(1, 0.1))
    truth = simulated.truth()
    day, weekend_tills = date(2022, 1, 1), Counter[str]()
    shares: dict[date, float] = {}
    while day <= date(2022, 10, 5):
        messages = simulated.day(day)
        for message in messages:
            truth.add(message)
        if day.weekday() >= 5 and day.month == 9:
            for message in messages:
                if b'MLTDiep="206"' in message.body:
                    weekend_tills[message.body.split(b"<CQT>")[1].split(b"<")[0].decode()] += 1
        value, _, active = truth.ask("inv.enterprises", "province", "now", midnight_s(day) + 86399)[
            "area:10"
        ]
        assert value is not None and active is not None
        assert 4500 < active < 5000
        shares[day] = value
        day += timedelta(days=1)
    assert 0.53 < shares[date(2022, 1, 1)] < 0.58
    assert 0.77 < shares[date(2022, 7, 1)] < 0.82
    assert 0.87 < shares[date(2022, 10, 3)] < 0.89
    at_s = midnight_s(date(2022, 10, 5)) - 1
    issued = truth.ask("inv.issued", "province", "day", at_s)["area:10"][0]
    assert issued is not None and 450 < issued < 800
    tet = truth.ask("inv.issued", "province", "day", midnight_s(date(2022, 2, 2)) - 1)["area:10"][0]
    assert tet is not None and tet < 40
    assert weekend_tills.most_common(1)[0][0] == "1106"
