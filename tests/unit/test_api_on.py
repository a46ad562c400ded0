"""Every read of a day that is over: as the day closed, in the areas of that day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import httpx2
import pytest

from app.api import ApiParts, create_api
from app.domain.period import DAY_S, midnight_s
from app.domain.ports import CaseRow
from tests.unit.in_memory import PROFILE, Database, StillClock, alert_of, health_of, reading_of

NOW_S = midnight_s(date(2025, 8, 1))
DAYS = {
    date(2024, 10, 31): "area:10",
    date(2024, 11, 1): "area:10",
    date(2024, 11, 2): "area:10",
    date(2025, 6, 30): "area:10",
    date(2025, 7, 1): "area:15@2025",
    date(2025, 7, 2): "area:15@2025",
}
# What a route without `on` tells is about now; `readings/history` takes `from` and `to`.
ABOUT_NOW = {"snapshot", "sources", "quarantine", "readings/history"}


async def _no_hub(scope, receive, send):
    await send({"type": "websocket.close", "code": 1000})


@pytest.fixture
def db():
    db = Database()
    # The feed is silent today: of a past day that says nothing.
    db.healths = {"public_service": health_of(watermark_s=NOW_S - 100 * DAY_S)}
    for count, (day, subject) in enumerate(DAYS.items(), 1):
        for name, period in (("ps.fully_online", "year"), ("ps.on_time", "month")):
            told = reading_of(
                count / 10, subject=subject, indicator=name, period=period, target=1.0,
                at_s=midnight_s(day) + DAY_S - 1,
            )  # fmt: skip
            db.past.append(replace(told, num=count, den=10))
    return db


@pytest.fixture
def api(db):
    async def ready() -> bool:
        return True

    goals = tuple(replace(g, deadline="2025-07-01") for g in PROFILE.goals)
    profile = replace(PROFILE, goals=goals)
    parts = ApiParts(
        profile, StillClock(NOW_S), db, db, db, db, db, _no_hub, "0.1.0", None, ready
    )  # fmt: skip
    return create_api(parts)


async def asked(api, path: str):
    transport = httpx2.ASGITransport(api)
    async with httpx2.AsyncClient(transport=transport, base_url="http://ioc") as client:
        return await client.get(f"/api/v1/{path}")


@pytest.mark.parametrize("count", range(1, 7))
async def test_goals_score_and_index_over_both_changes_of_the_tree(api, count: int):
    day, subject = list(DAYS.items())[count - 1]
    got = (await asked(api, f"goals?on={day}")).json()["goals"]
    goal = {g["id"]: g for g in got}["S02"]
    over = day >= date(2025, 7, 1)  # its last day is over
    if over:
        assert (goal["state"], goal["value"]) == ("missed", 0.5), "the deadline's figure stands"
    else:
        assert (goal["subject"], goal["value"]) == (subject, count / 10)
        assert goal["state"] != "missed", "a day knows no result of a later one"
    parts = (await asked(api, f"score?on={day}")).json()["parts"]
    counted = [(p["indicator"], p["subject"], p["value"]) for p in parts if p["ratio"] is not None]
    assert ("ps.on_time", subject, count / 10) in counted
    told = (await asked(api, f"composites/dvc766?subject=area:10&on={day}")).json()
    by_id = {p["id"]: p for g in told["groups"] for p in g["parts"]}
    assert (told["subject"], by_id["2.1"]["num"]) == (subject, count)


@pytest.mark.parametrize("path", ["goals", "score", "cases", "alerts"])
async def test_a_day_to_come_is_refused(api, path: str):
    assert (await asked(api, f"{path}?on=2025-08-02")).status_code == 422
    assert (await asked(api, f"{path}?on=2025-08-01")).text == (await asked(api, path)).text


async def test_overdue_cases_and_alerts_of_a_day(api, db):
    day_s = midnight_s(date(2025, 6, 30))
    db.open_cases = [
        CaseRow(code, "dossier", "H38.31.1", "LV01", late_s - DAY_S, late_s, late_s)
        for code, late_s in (("before", day_s - 3 * DAY_S), ("after", day_s + 2 * DAY_S))
    ]
    db.healths = {"public_service": health_of(watermark_s=NOW_S)}
    told = (await asked(api, "cases?on=2025-06-30")).json()
    assert [(c["code"], c["overdue_days"]) for c in told["cases"]] == [("before", 3)]
    assert (await asked(api, "cases")).json()["total"] == 2
    db.rows = [replace(alert_of(1), since_s=day_s), replace(alert_of(2), since_s=day_s + 2 * DAY_S)]
    told = (await asked(api, "alerts?on=2025-06-30")).json()
    assert [a["id"] for a in told["alerts"]] == [1]
    assert len((await asked(api, "alerts")).json()["alerts"]) == 2


async def test_of_a_day_no_more_is_told_than_its_source_knows(api, db):
    late_s = NOW_S - 20 * DAY_S
    db.open_cases = [CaseRow("d1", "dossier", "H38.31.1", "LV01", 0, late_s, late_s)]
    assert (await asked(api, "cases?on=2025-07-31")).json()["total"] == 0, "silent for 100 days"


def test_every_read_takes_a_day_or_is_named_as_about_now(api):
    told = {
        path.removeprefix("/api/v1/"): {p["name"] for p in methods["get"].get("parameters", ())}
        for path, methods in api.openapi()["paths"].items()
        if path.startswith("/api/v1/") and "get" in methods
    }
    assert {path for path, takes in told.items() if "on" not in takes} == ABOUT_NOW
