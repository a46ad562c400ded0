"""The simulators' own truth of `doc.*` against the hand-worked cases, and the world it counts."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collectors._world.calendar import day_of, in_tet, is_working_day, midnight_s
from collectors._world.feed import Message
from collectors._world.world import World
from collectors.documents.simulator import feed
from collectors.documents.truth import DocumentsTruth

CASES = sorted((Path(__file__).parents[1] / "cases" / "documents").glob("*.json"))
NEW_YEAR = date(2022, 1, 1)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("backwards", [False, True], ids=["as told", "told backwards"])
def test_truth_says_what_was_worked_out_by_hand(path: Path, backwards: bool) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    truth = DocumentsTruth(World(1, 0.01))
    for position, record in enumerate(case["records"][::-1] if backwards else case["records"]):
        truth.add(Message(position, json.dumps(record, ensure_ascii=False).encode()))
    for ask in case["asks"]:
        at_s = int(datetime.fromisoformat(ask["at"]).timestamp())
        told = truth.ask(ask["indicator"], ask["level"], ask["period"], at_s)
        value, num, den = told.get(ask["subject"], (None, 0, 0))
        assert den == ask["den"], ask["why"]
        assert ask["num"] is None or num == ask["num"], ask["why"]
        assert value == (None if ask["value"] is None else pytest.approx(ask["value"])), ask["why"]


def test_there_are_enough_cases_and_each_indicator_has_several() -> None:
    asked = Counter(
        ask["indicator"] for path in CASES for ask in json.loads(path.read_text())["asks"]
    )
    assert len(CASES) >= 14
    assert set(asked) == set(DocumentsTruth.indicators)
    assert min(asked.values()) >= 8


def _days(world: World, count: int) -> list[list[Message]]:
    simulated = feed(world)
    return [simulated.day(NEW_YEAR + timedelta(days=number)) for number in range(count)]


def _packets(days: list[list[Message]]) -> list[dict[str, Any]]:
    messages = sorted((m for day in days for m in day), key=lambda m: m.published_s)
    return [json.loads(message.body) for message in messages]


def test_the_same_seed_gives_the_same_packets() -> None:
    assert _days(World(3, 0.02), 20) == _days(World(3, 0.02), 20)
    assert _days(World(4, 0.02), 20) != _days(World(3, 0.02), 20)


def test_packets_belong_to_their_day_and_are_never_told_before_they_are_sent() -> None:
    for number, messages in enumerate(_days(World(1, 0.03), 40)):
        for message in messages:
            assert day_of(message.published_s) == NEW_YEAR + timedelta(days=number)
            packet = json.loads(message.body)
            assert packet["sent"] < packet["published"]


def test_one_document_never_says_two_things_in_one_second() -> None:
    said: dict[tuple[str, str], str] = {}
    for packet in _packets(_days(World(1, 0.03), 60)):
        if packet["type"] == "edoc":
            key = re.search("DocumentId>([^<]+)<", packet["edxml"])[1]  # type: ignore[index]
        elif packet["type"] == "workfile":
            key = packet["hscv"]["MaHoSoCongViec"]
        else:
            continue
        content = json.dumps(packet.get("edxml") or packet["hscv"])
        assert said.setdefault((key, packet["sent"]), content) == content


def test_the_axis_has_its_quirks() -> None:
    packets = _packets(_days(World(1, 0.05), 30))
    known: set[str] = set()
    versions: dict[str, set[str]] = {}
    codes, early, backwards, last = Counter[str](), 0, 0, dict[str, str]()
    for packet in packets:
        if packet["type"] == "workfile":
            continue
        document = re.findall("DocumentId>([^<]+)<", packet["edxml"])[0]
        if packet["type"] == "edoc":
            known.add(document)
            versions.setdefault(document, set()).add(packet["edxml"])
            continue
        told = re.findall("<edXML:(?:StatusCode|Timestamp)>([^<]+)<", packet["edxml"])
        codes[told[0]] += 1
        early += document not in known
        backwards += told[1] < last.get(document, "")
        last[document] = told[1]
    assert set(codes) == {"01", "02", "03", "04", "05", "06", "13", "15", "16"}
    assert early > 20
    assert backwards > 100
    corrected = sum(len(told) > 1 for told in versions.values())
    assert 0.01 < corrected / len(versions) < 0.03
    repeated = len(packets) - len({json.dumps({**p, "published": ""}) for p in packets})
    assert 0.02 < repeated / len(packets) < 0.06
    assert {"H38", "000"} == {document.split(".")[0] for document in known}


def test_offices_are_closed_at_tet_and_at_night() -> None:
    for packet in _packets(_days(World(1, 0.03), 60)):
        told = re.findall("<edXML:(?:StatusCode|Timestamp)>([^<]+)<", packet.get("edxml", ""))
        if len(told) == 2 and told[0] != "01":
            day = datetime.strptime(told[1][:10], "%Y/%m/%d").date()  # noqa: DTZ007
            assert is_working_day(day)
            assert not in_tet(day)
            assert "07:30" <= told[1][11:16] <= "17:00"


@pytest.mark.slow
def test_the_year_is_calibrated() -> None:
    simulated = feed(World(1, 0.05))
    truth = simulated.truth()
    quiet, day, count = 0, NEW_YEAR, 0
    while day <= date(2022, 10, 5):
        messages = sorted(simulated.day(day), key=lambda m: m.published_s)
        count += len(messages)
        for message in messages:
            truth.add(message)
        if date(2022, 9, 30) <= day:
            quiet += sum(
                re.search(rb"From><edXML:OrganId>(H38\.34|000\.00\.34\.H38)<", m.body) is not None
                for m in messages
            )
        day += timedelta(days=1)
    assert 190_000 < count < 230_000
    assert quiet == 0
    at_s = midnight_s(date(2022, 10, 1)) - 1
    files = truth.ask("doc.work_files_online", "tier", "year", at_s)
    shares = [files[f"tier:{tier}"][0] for tier in ("province", "district", "commune")]
    assert shares == [
        pytest.approx(0.84, abs=0.02),
        *(pytest.approx(s, abs=0.02) for s in (0.80, 0.77)),
    ]
    whole = truth.ask("doc.work_files_online", "province", "year", at_s)["area:10"][0]
    assert whole == pytest.approx(0.7976, abs=0.012)
    assert truth.ask("doc.signed", "province", "month", at_s)["area:10"][0] == pytest.approx(
        0.7953, abs=0.02
    )
    on_time = truth.ask("doc.on_time", "province", "month", at_s)["area:10"][0]
    assert on_time == pytest.approx(0.9, abs=0.02)
    minutes = truth.ask("doc.register_median", "province", "day", at_s)["area:10"][0]
    assert minutes is not None and 25 < minutes < 40
