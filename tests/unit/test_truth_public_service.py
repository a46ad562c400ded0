"""The simulators' own truth of `ps.*` against the hand-worked cases, and the world it counts."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from collectors._world.calendar import DAY_S, day_of, in_tet, is_working_day, midnight_s
from collectors._world.feed import Message
from collectors._world.world import World
from collectors.public_service.catalogue import Catalogue
from collectors.public_service.rule import Switches
from collectors.public_service.simulator import feed
from collectors.public_service.stamps import stamp
from collectors.public_service.truth import PublicServiceTruth

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CASES = sorted((Path(__file__).parents[1] / "cases" / "public_service").glob("*.json"))
FIRST = date(2022, 1, 1)


def _grown(records: Iterable[dict[str, Any]]) -> PublicServiceTruth:
    truth = PublicServiceTruth(World())
    for position, record in enumerate(records):
        truth.add(Message(position, json.dumps(record).encode()))
    return truth


def _days(world: World, count: int) -> Iterator[tuple[date, list[Message]]]:
    simulated = feed(world)
    for number in range(count):
        day = FIRST + timedelta(days=number)
        yield day, simulated.day(day)


@cache
def _told(seed: int, scale: float, days: int) -> tuple[tuple[date, Message], ...]:
    return tuple((day, m) for day, told in _days(World(seed, scale), days) for m in told)


def _case(name: str) -> dict[str, Any]:
    path = next(path for path in CASES if path.stem.endswith(name))
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return case


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("backwards", [False, True], ids=["as told", "told backwards"])
def test_truth_says_what_was_worked_out_by_hand(path: Path, backwards: bool) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    truth = _grown(case["records"][::-1] if backwards else case["records"])
    truth.switches = Switches(**case.get("switches", {}))
    for ask in case["asks"]:
        at_s = int(datetime.fromisoformat(ask["at"]).timestamp())
        answer = truth.ask(ask["indicator"], ask["level"], ask["period"], at_s)
        value, num, den = answer.get(ask["subject"], (None, 0, 0))
        if ask["num"] is None:  # a median
            value, _, den = answer.get(ask["subject"], (None, None, 0))
            assert (value, den) == (ask["value"], ask["den"]), ask["why"]
            continue
        if ask["den"] is None:
            value, num, den = answer.get(ask["subject"], (0, 0, None))
        assert (num, den) == (ask["num"], ask["den"]), ask["why"]
        assert value == ask["value"], ask["why"]


def test_there_are_enough_cases_and_each_indicator_has_one() -> None:
    asks = [ask for path in CASES for ask in json.loads(path.read_text())["asks"]]
    assert len(CASES) >= 24
    assert {ask["indicator"] for ask in asks} == set(PublicServiceTruth.indicators)
    assert sum(ask["indicator"] == "ps.on_time" for ask in asks) > len(asks) / 2


def test_each_level_has_its_own_subjects_and_no_others() -> None:
    truth = _grown(_case("every-level-once")["records"])
    at_s = midnight_s(date(2022, 3, 31))
    told = {
        level: {s: n[1:] for s, n in truth.ask("ps.on_time", level, "month", at_s).items()}
        for level in ("commune", "district", "province", "department", "agency", "sector", "tier")
    }
    assert told == {
        "commune": {"area:02635": (1, 1)},
        "district": {"area:080": (1, 2)},
        "province": {"area:10": (1, 3)},
        "department": {"agency:H38.12": (0, 1)},
        "agency": {"agency:H38.31": (0, 1), "agency:H38.31.1": (1, 1)},
        "sector": {"sector:LV01": (1, 2), "sector:LV02": (0, 1)},
        "tier": {"tier:province": (0, 1), "tier:district": (0, 1), "tier:commune": (1, 1)},
    }


def test_repeats_change_nothing() -> None:
    records = _case("every-level-once")["records"]
    at_s = midnight_s(date(2022, 3, 31))
    once, thrice = _grown(records), _grown([*records, *records[::-1], *records])
    for indicator in PublicServiceTruth.indicators:
        asked = (indicator, "agency", "month", at_s)
        assert once.ask(*asked) == thrice.ask(*asked)


def test_the_same_seed_gives_the_same_messages() -> None:
    assert list(_days(World(3, 0.02), 20)) == list(_days(World(3, 0.02), 20))
    assert list(_days(World(4, 0.02), 20)) != list(_days(World(3, 0.02), 20))


def test_messages_belong_to_their_day_and_are_never_told_before_they_are_sent() -> None:
    for day, message in _told(1, 0.05, 60):
        assert day_of(message.published_s) == day
        record = json.loads(message.body)
        assert record["PhatHanh"] == stamp(message.published_s)
        assert message.body.startswith(b'{"PhatHanh":"')
        assert record["ThoiDiemGui"] <= record["PhatHanh"]
        assert len(record["data"]) == 1


def test_two_versions_of_a_dossier_never_share_the_second_they_were_sent() -> None:
    seen: dict[tuple[str, str], str] = {}
    repeats = 0
    for _, message in _told(1, 0.05, 60):
        record = json.loads(message.body)
        if record["service"] != "DongBoHoSoMC":
            continue
        key = (record["data"][0]["MaHoSo"], record["ThoiDiemGui"])
        told = json.dumps(record["data"])
        repeats += key in seen
        assert seen.setdefault(key, told) == told
    assert repeats > 0


def test_the_sent_versions_arrive_out_of_order_now_and_then() -> None:
    newest: dict[str, str] = {}
    older = 0
    for _, message in sorted(_told(1, 0.05, 60), key=lambda one: one[1].published_s):
        record = json.loads(message.body)
        if record["service"] == "DongBoHoSoMC":
            code, sent = record["data"][0]["MaHoSo"], record["ThoiDiemGui"]
            older += sent < newest.get(code, "")
            newest[code] = max(sent, newest.get(code, ""))
    assert older > 0


def test_the_catalogue_lists_the_newest_level_of_each_procedure() -> None:
    catalogue = Catalogue(World(1, 0.01))
    told: list[tuple[int, dict[str, Any]]] = []
    for number in range(200):
        for message in catalogue.day(FIRST + timedelta(days=number)):
            told.append((message.published_s, json.loads(message.body)["data"][0]))
    newest: dict[str, dict[str, Any]] = {}
    for _, item in sorted(told, key=lambda one: one[0]):
        newest[item["MaTTHC"]] = item
    changed = Counter(item["MaTTHC"] for _, item in told)
    listed = {i["MaTTHC"]: i for i in catalogue.known(midnight_s(FIRST) + 200 * DAY_S)}
    assert max(changed.values()) > 1
    assert listed == newest


def test_offices_are_closed_at_night_and_in_tet() -> None:
    told = [(day, m) for day, m in _told(1, 0.05, 60) if day != FIRST]
    by_night = sum(not 7 <= (m.published_s + 25_200) % DAY_S / 3600 <= 18 for _, m in told)
    assert by_night < 0.05 * len(told)
    working = [day for day, _ in told if is_working_day(day)]
    in_a_day = len(working) / len(set(working))
    assert sum(in_tet(day) for day, _ in told) < 0.1 * in_a_day * 9


@pytest.mark.slow
def test_the_year_is_calibrated() -> None:
    truth = PublicServiceTruth(World(1, 0.1))
    first_told: dict[str, str] = {}
    channel: dict[str, Counter[str]] = {}
    count = 0
    quiet: Counter[date] = Counter()
    for day, message in sorted(_told(1, 0.1, 277), key=lambda one: one[1].published_s):
        truth.add(message)
        record = json.loads(message.body)
        item = record["data"][0]
        if record["service"] == "LayDanhSachTTHC":
            continue
        count += 1
        code = item["MaHoSo"].split("-")[0]
        quiet[day] += code == "000.00.34.H38" or code == "H38.34"
        if record.get("isUpdating") == "False" and item["MaHoSo"] not in first_told:
            first_told[item["MaHoSo"]] = item["KenhThucHien"]
            month = item["MaHoSo"].split("-")[1][:4]
            channel.setdefault(month, Counter())[item["KenhThucHien"]] += 1
    online = {month: c["2"] / c.total() for month, c in channel.items()}
    assert 0.52 < online["2201"] < 0.60
    assert 0.62 < online["2209"] < 0.71
    assert 110 * 187 < len(first_told) < 130 * 187
    assert 6.5 < count / len(first_told) < 8
    assert sum(quiet[date(2022, 8, n)] for n in range(8, 18)) == 0 < quiet[date(2022, 8, 18)]
    assert sum(n for day, n in quiet.items() if day >= date(2022, 9, 29)) == 0
    for month in range(3, 10):
        at_s = midnight_s(date(2022, month + 1, 1)) - 1
        share = {
            name: truth.ask(f"ps.{name}", "province", "month", at_s)["area:10"][0] or 0.0
            for name in ("on_time", "fully_online", "paid_online", "digitised")
        }
        assert 0.92 < share["on_time"] < 0.97
        assert 0.2 < share["fully_online"] < 0.45
        assert 0.35 < share["paid_online"] < 0.52
        assert 0.33 < share["digitised"] < 0.5
    at_s = midnight_s(date(2022, 10, 1)) - 1
    _, new4, issued = truth.ask("ps.new_procedures_online", "province", "year", at_s)["area:10"]
    assert new4 is not None and issued is not None
    assert 80 < issued < 130
    assert 0.8 < new4 / issued < 0.96
