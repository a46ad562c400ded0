"""Rule 2.1, walked once by the product and judged instant by instant by the simulators' truth."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.on_time import Phase, Rules, phases
from app.domain.record import Event, Record, Version, merge
from app.profile import load_profile, profile_folder
from collectors.public_service.collector import read_record
from collectors.public_service.rule import Switches, judge
from collectors.public_service.truth import _Dossier, _received, _statuses

PROFILE = load_profile(profile_folder("laocai"))
BEGIN = int(datetime(2024, 4, 25, 1, tzinfo=UTC).timestamp())
CODE = "H38.31.1-240425-0001"
# Few distinct instants, over a holiday and a worked Saturday, so that they fall together.
INSTANTS = st.integers(0, 40).map(lambda n: BEGIN + n * 21_600)
MAYBE = st.none() | INSTANTS
STATUSES = st.sampled_from([str(n) for n in range(1, 11)])


def _stamp(at_s: int | None) -> str:
    if at_s is None:
        return ""
    return datetime.fromtimestamp(at_s + 7 * 3600, UTC).strftime("%Y%m%d%H%M%S")


@st.composite
def dossiers(draw: st.DrawFn) -> list[dict[str, Any]]:
    requests = draw(st.lists(st.tuples(st.sampled_from("AB"), INSTANTS, MAYBE), max_size=3))
    item = {
        "MaHoSo": CODE,
        "MaLinhVuc": "LV01",
        "NgayTiepNhan": _stamp(draw(MAYBE)),
        "NgayHenTra": _stamp(draw(MAYBE)),
        "ThoiHanGiaiQuyet": draw(st.sampled_from(["", "0", "2", "5"])),
        "TrangThaiHoSo": draw(STATUSES),
        "NgayKetThucXuLy": _stamp(draw(MAYBE)),
        "NgayTra": _stamp(draw(MAYBE)),
        "DanhSachHoSoBoSung": [
            {
                "HoSoBoSungId": ref,
                "NgayBoSung": _stamp(asked),
                "NgayTiepNhanBoSung": _stamp(answered),
            }
            for ref, asked, answered in requests
        ],
    }
    steps = draw(st.lists(st.tuples(INSTANTS, STATUSES), max_size=7))
    told: list[dict[str, Any]] = [
        {
            "service": "CapNhatTienDoHoSoMC",
            "data": [{"MaHoSo": CODE, "ThoiDiemXuLy": _stamp(at), "TrangThai": status}],
        }
        for at, status in steps
    ]
    told.append({"service": "DongBoHoSoMC", "data": [item]})
    return [{"ThoiDiemGui": _stamp(BEGIN), **record} for record in told]


@given(dossiers(), st.booleans(), st.booleans())
@settings(max_examples=400, deadline=None)
def test_both_sides_judge_alike_at_every_instant(
    told: list[dict[str, Any]], always_late: bool, fee_stops: bool
) -> None:
    known: Record | None = None
    for record in told:
        for update in read_record(json.dumps(record).encode()):
            known = merge(known, update)
    assert known is not None
    rules = Rules(PROFILE.holidays, always_late, fee_stops, PROFILE.worked_saturdays)
    life = phases(known, rules)
    dossier = _Dossier(item=told[-1]["data"][0])
    dossier.progress = {(e.at_s, e.status) for e in known.events}
    received = _received(dossier)
    assert (received is None) == (not life)
    if received is None:
        return
    switches = Switches("always_late" if always_late else "late_without_result", fee_stops)
    for at_s in sorted({received, *range(BEGIN, BEGIN + 41 * 21_600, 10_800)}):
        if at_s >= received:
            judged = judge(dossier.item or {}, _statuses(dossier), received, at_s, switches)
            phase = _at(life, at_s)
            assert (phase.end_s, phase.done, phase.late) == (judged.end, judged.done, judged.late)


def _at(life: list[Phase], at_s: int) -> Phase:
    return [p for p in life if p.from_s <= at_s][-1]


def _long(steps: int) -> float:
    """Seconds for a dossier that is sent back and forth for ever."""
    events = frozenset(Event(BEGIN + 60 * n, "45"[n % 2]) for n in range(steps))
    record = Record("dossier", CODE, "H38.31.1", "", Version(1, BEGIN, BEGIN + 10**9), events)
    begun = time.perf_counter()
    assert phases(record, Rules())
    return time.perf_counter() - begun


def test_ten_times_the_steps_cost_about_ten_times_as_much() -> None:
    short = min(_long(2000) for _ in range(5))
    assert min(_long(20_000) for _ in range(3)) < 30 * short
