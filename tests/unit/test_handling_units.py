"""Handling time in the procedure's own unit: working days, office hours, days of the calendar."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from app.cli.check import check
from app.domain.on_time import Rules, working_seconds
from app.profile import load_profile
from app.profile.load import office_hours
from collectors.public_service.collector import read_record

SHIPPED = Path(__file__).parents[2] / "app/profiles/laocai"
RULES = load_profile(SHIPPED).rules()
SAMPLE = Path(__file__).parents[2] / "collectors/public_service/samples/page.json"


def at(told: str) -> int:
    zone = timezone(timedelta(hours=7))
    return int(datetime.fromisoformat(told).replace(tzinfo=zone).timestamp())


@pytest.mark.parametrize(
    ("begin", "end", "hours"),
    [
        ("2022-10-03T08:00", "2022-10-03T10:30", 2.5),
        ("2022-10-03T11:00", "2022-10-03T13:30", 1.0),  # over noon
        ("2022-10-07T16:00", "2022-10-10T08:30", 2.0),  # over a weekend
        ("2022-01-28T16:00", "2022-02-07T08:30", 2.0),  # over Tết
        ("2022-10-08T08:00", "2022-10-09T17:00", 0.0),  # on a weekend
        ("2024-05-03T16:00", "2024-05-04T08:30", 2.0),  # a Saturday worked in exchange
        ("2022-10-03T18:00", "2022-10-04T07:00", 0.0),
        ("2022-10-03T08:00", "2022-10-03T07:00", 0.0),
    ],
)
def test_office_hours_by_hand(begin: str, end: str, hours: float) -> None:
    assert working_seconds(at(begin), at(end), RULES) == hours * 3600


def test_hours_of_an_office_are_the_profile_s() -> None:
    longer = office_hours({"office_hours": [["07:00", "19:00"]]})
    day = at("2022-10-03T00:00")
    assert working_seconds(day, day + 86_400, Rules(office=longer)) == 12 * 3600
    for wrong in ([["11:30", "07:30"]], [["07:30", "11:30"], ["11:00", "17:00"]]):
        with pytest.raises(ValueError, match="opens before it closes"):
            office_hours({"office_hours": wrong})


def definition(unit: str, start: str, den: str, value: float) -> str:
    text = (SHIPPED / "indicators/ps.handling_days.toml").read_text()
    text = text.replace("ps.handling_days", "ps.handling_other").replace(
        'unit = "working_days"', f'unit = "{unit}"'
    )
    text = text.replace(
        'den = ["!unit_hours", "!unit_days"]', f'start = "{start}"\nden = ["{den}"]'
    )
    text = text.split("[[example]]")[0]
    records = "\n".join(
        f'  {{ owner = "H38.31.1", sector = "LV01", received = {begin}:00, flags = ["{flag}"],'
        f' events = [[{begin}:00, "2"], [{end}:00, "9"]] }},'
        for begin, end, flag in (
            ("2022-10-03T08:00", "2022-10-03T10:30", "unit_hours"),
            ("2022-10-07T16:00", "2022-10-10T09:00", "unit_hours"),
            ("2022-10-01T08:00", "2022-10-04T20:00", "unit_days"),
            ("2022-10-03T08:00", "2022-10-05T08:00", "online"),
        )
    )
    return (
        f'{text}[[example]]\nsays = "thử"\nsubject = "agency:H38.31.1"\nperiod = "month"\n'
        f"at = 2022-10-31T17:00:00\nvalue = {value}\nrecords = [\n{records}\n]\n"
    )


@pytest.mark.parametrize(
    ("unit", "start", "den", "value"),
    [("working_hours", "working_hours", "unit_hours", 2.5), ("days", "days", "unit_days", 3.5)],
)
def test_a_definition_in_another_unit_proves_itself(
    unit: str, start: str, den: str, value: float, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "laocai"))
    path = folder / "indicators/ps.handling_other.toml"
    path.write_text(definition(unit, start, den, value))
    assert [f.told(folder) for f in check(folder).findings] == []
    path.write_text(definition("working_days", start, den, value))
    assert "of handling by" in check(folder).findings[0].found


@pytest.mark.parametrize(
    ("unit", "flag", "most"), [("giờ", "unit_hours", 2), ("Ngày", "unit_days", None), ("", "", 9)]
)
def test_the_collector_reads_the_unit_where_a_portal_says_it(
    unit: str, flag: str, most: int | None
) -> None:
    told = next(r for r in json.loads(SAMPLE.read_text())["result"] if "MaHoSo" in str(r))
    told["data"][0] |= {"DonViThoiHan": unit, "ThoiHanGiaiQuyet": "9"}
    [update, *_] = read_record(json.dumps(told).encode())
    assert update.version is not None
    assert {f for f in update.version.flags if f.startswith("unit")} == ({flag} if flag else set())
    assert update.version.max_working_days == most
