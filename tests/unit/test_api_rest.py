"""The REST API: answers are of the stated shapes, refusals say what to do."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from app.api import ApiParts, create_api, guard, models, models_definitions, probes
from app.domain.ports import CaseRow, QuarantineRow
from tests.unit.in_memory import (
    NOW_S,
    PROFILE,
    Database,
    StillClock,
    alert_of,
    health_of,
    reading_of,
)


async def _no_hub(scope, receive, send):
    await send({"type": "websocket.close", "code": 1000})


@pytest.fixture
def db():
    found = Database()
    found.healths = {"public_service": health_of()}
    found.commit(reading_of(0.9), reading_of(0.8, subject="area:080"))
    return found


@pytest.fixture
def clock():
    return StillClock(NOW_S)


def parts_of(db, clock, static_dir=None) -> ApiParts:
    async def ready() -> bool:
        return await db.answers()

    return ApiParts(
        PROFILE, clock, db, db, db, db, db, _no_hub, "0.1.0", static_dir, ready,
        gauges=lambda: {"live_clients": 3.0},
    )  # fmt: skip


@pytest.fixture
async def ask(db, clock):
    transport = httpx2.ASGITransport(create_api(parts_of(db, clock)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://ioc") as client:
        yield client


async def test_a_snapshot_is_of_its_model_and_states_its_place(ask, db):
    db.rows = [alert_of(1)]
    got = await ask.get("/api/v1/snapshot")
    told = models.Snapshot.model_validate_json(got.content)
    assert (told.epoch, told.offset) == ("e1", 1)
    assert [r.value for r in told.readings] == [0.9, 0.8]
    assert told.alerts[0].worst[0].name_vi == PROFILE.subjects["area:085"].name_vi
    assert {s.level for s in told.subjects}.isdisjoint({"commune", "agency"})
    assert told.clock.data == "2022-10-03T09:15:00+07:00"


async def test_delta_is_against_the_last_daily_close_and_a_gap_has_none(ask, db):
    db.closes = {
        ("ps.on_time", "area:10", "month"): (0.7, None, 0.85),
        ("ps.on_time", "area:080", "month"): (0.7, None),
    }
    first, second = (await ask.get("/api/v1/snapshot")).json()["readings"]
    assert first["delta"] == pytest.approx(0.05)
    assert first["trend"] == [0.7, None, 0.85]
    assert second["delta"] is None


async def test_the_score_counts_fresh_tiles_with_a_target_and_caps_the_good_ones(ask, db):
    db.healths["einvoice"] = health_of("einvoice", NOW_S - 100_000)
    db.commit(
        reading_of(2.0, indicator="ps.fully_online", period="year", target=1.0),
        reading_of(0.5, indicator="inv.enterprises", period="now", target=1.0, source="einvoice"),
    )
    score = (await ask.get("/api/v1/snapshot")).json()["score"]
    attained = 0.9 / 0.95
    assert score == {
        "value": pytest.approx((attained + 1.25) / 2),
        "minimum": pytest.approx(attained),
        "below": 0,
        "counted": 2,
        "total": 3,
        "left_out": [
            {
                "indicator": "inv.enterprises", "subject": "area:10", "period": "now",
                "quality": "absent",
            }
        ],
    }  # fmt: skip


async def test_many_clients_cost_one_read(ask, db):
    for _ in range(20):
        await ask.get("/api/v1/snapshot")
    assert db.reads["latest"] == 1


async def test_quality_is_of_now_not_of_when_the_reading_was_made(ask, clock):
    async def quality() -> str:
        return (await ask.get("/api/v1/readings/latest")).json()["readings"][0]["quality"]

    assert await quality() == "fresh"
    clock.at_s += 901
    assert await quality() == "stale"


async def test_a_reading_whose_source_is_not_configured_has_none(ask, db):
    db.figures.clear()
    db.commit(reading_of(source="rumours"))
    got = await ask.get("/api/v1/readings/latest")
    assert got.json()["readings"][0]["quality"] == "no_source"


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("", ["area:10", "area:080"]),
        ("?level=district", ["area:080"]),
        ("?subject=area:10", ["area:10"]),
        ("?subject=area:10&level=district", []),
        ("?indicator=ps.on_time&period=month", ["area:10", "area:080"]),
        ("?period=year", []),
    ],
)
async def test_latest_readings_by_filter(ask, query, subjects):
    got = await ask.get(f"/api/v1/readings/latest{query}")
    told = models.Readings.model_validate_json(got.content)
    assert [r.subject for r in told.readings] == subjects


@pytest.mark.parametrize(
    ("step", "values"),
    [("tick", [0.1, 0.2, 0.3, 0.4]), ("hour", [0.2, 0.3, 0.4]), ("day", [0.3, 0.4])],
)
async def test_history_keeps_the_last_reading_of_each_step(ask, db, step, values):
    morning = 1664755200  # 2022-10-03T07:00:00+07:00
    db.past = [
        reading_of(0.1, at_s=morning),
        reading_of(0.2, at_s=morning + 3599),
        reading_of(0.3, at_s=morning + 3600),
        reading_of(0.4, at_s=morning + 86400),
    ]
    got = await ask.get(
        "/api/v1/readings/history",
        params={
            "indicator": "ps.on_time", "subject": "area:10", "period": "month",
            "from": "2022-10-03", "to": "2022-10-04T09:00:00+07:00", "step": step,
        },
    )  # fmt: skip
    assert [r["value"] for r in got.json()["readings"]] == values


async def test_history_as_it_was_when_its_source_had_come_that_far(ask, db):
    day = NOW_S - 3 * 86400
    kept = reading_of(0.4, at_s=day)
    db.past = [replace(kept, watermark_s=known) for known in (day + 60, NOW_S)]
    for as_of, there in (
        ("2022-09-28", 0), ("2022-10-01T00:00:00", 1), ("2022-10-04", 2), (None, 2)
    ):  # fmt: skip
        params = {"indicator": "ps.on_time", "step": "tick", **({"as_of": as_of} if as_of else {})}
        got = await ask.get("/api/v1/readings/history", params=params)
        assert len(got.json()["readings"]) == there


async def test_a_plus_sign_that_was_not_escaped_is_understood(ask, db):
    db.past = [reading_of(0.4)]
    got = await ask.get(
        "/api/v1/readings/history?indicator=ps.on_time&to=2022-10-03T09:15:00+07:00"
    )
    assert len(got.json()["readings"]) == 1


async def test_overdue_cases_of_a_district_are_those_of_its_committees(ask, db):
    late = NOW_S - 3 * 86400
    district = next(a for a in PROFILE.agencies.values() if a.area == "area:080")
    other = next(a for a in PROFILE.agencies.values() if a.area == "area:085")
    db.open_cases = [
        CaseRow(f"{a.code}-{n}", "dossier", a.code, "LV01", late - 9, late, late)
        for a in (district, other)
        for n in (1, 2)
    ]
    got = await ask.get("/api/v1/cases?subject=area:080&limit=1")
    told = models.Cases.model_validate_json(got.content)
    assert (told.total, told.next) == (2, "1")
    assert told.cases[0].overdue_days == 3
    rest = (await ask.get("/api/v1/cases?subject=area:080&limit=1&after=1")).json()
    assert [c["code"] for c in rest["cases"]] == [f"{district.code}-2"]
    assert rest["next"] is None
    assert (await ask.get("/api/v1/cases?subject=area:10")).json()["total"] == 4
    assert (await ask.get("/api/v1/cases?subject=sector:LV01")).json()["total"] == 4


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("areas", models.Areas),
        ("areas?on=2022-09-01", models.Areas),
        ("areas?on=2025-07-01", models.Areas),
        ("subjects?level=commune&parent=area:080", models.Subjects),
        ("indicators", models_definitions.Indicators),
        ("sources", models.Sources),
        ("quarantine", models.Quarantine),
        ("alerts?state=active", models.Alerts),
    ],
)
async def test_lists_are_of_their_models(ask, db, path, model):
    db.rows = [alert_of(1), alert_of(2, "resolved")]
    db.set_aside = [QuarantineRow(1, "public_service", NOW_S, "no code", "{}", 1)]
    got = await ask.get(f"/api/v1/{path}")
    told = model.model_validate_json(got.content)
    assert got.status_code == 200
    assert any(isinstance(v, list) and v for v in dict(told).values())


@pytest.mark.parametrize(
    ("path", "status", "names"),
    [
        ("readings/latest?indicator=ps.nothing", 404, "doc.on_time"),
        ("readings/latest?subject=area:999", 404, "area:"),
        ("readings/latest?level=planet", 404, "province"),
        ("readings/latest?period=decade", 404, "month"),
        ("readings/latest?indikator=ps.on_time", 422, "indikator"),
        ("readings/history", 422, "indicator"),
        ("readings/history?indicator=ps.on_time&step=minute", 422, "step"),
        ("readings/history?indicator=ps.on_time&from=yesterday", 422, "2022-10-03"),
        ("readings/history?indicator=ps.on_time&from=2022-10-03&to=2022-10-01", 422, "swap"),
        ("readings/history?indicator=ps.on_time&from=2012-10-03", 422, "narrow"),
        ("readings/history?indicator=ps.on_time&as_of=once", 422, "as_of"),
        ("cases?kind=rumour", 404, "dossier"),
        ("cases?limit=0", 422, "limit"),
        ("cases?after=x", 422, "after"),
        ("quarantine?source=rumours", 404, "see /api/v1/sources"),
        ("alerts?state=odd", 422, "active"),
        ("areas?on=2031-01-01", 422, "choose"),
        ("areas?on=soon", 422, "2022-10-03"),
        ("nothing/here", 404, "openapi.json"),
    ],
)
async def test_refusals_are_problems_that_name_the_next_step(ask, path, status, names):
    got = await ask.get(f"/api/v1/{path}")
    told = models.Problem.model_validate_json(got.content)
    assert got.status_code == told.status == status
    assert got.headers["content-type"] == "application/problem+json"
    assert names in told.detail


async def test_a_wrong_method_is_a_problem_too(ask):
    got = await ask.post("/api/v1/snapshot")
    assert got.status_code == 405
    assert got.headers["allow"] == "GET"
    assert "use GET" in models.Problem.model_validate_json(got.content).detail


async def test_a_lost_database_is_a_problem_and_not_a_trace(ask, db):
    db.away = True
    got = await ask.get("/api/v1/snapshot")
    assert got.status_code == 503
    assert got.headers["retry-after"] == "2"
    assert "Away" not in got.text
    assert got.headers["x-content-type-options"] == "nosniff"
    assert models.Problem.model_validate_json(got.content).instance == "/api/v1/snapshot"
    assert (await ask.get("/healthz")).status_code == 200
    assert (await ask.get("/readyz")).status_code == 503
    assert "ioc_database_up 0.0" in (await ask.get("/metrics")).text


async def test_a_database_that_hangs_is_waited_for_by_nobody(ask, db, monkeypatch):
    monkeypatch.setattr(guard, "PATIENT_S", 0.2)
    monkeypatch.setattr(guard, "READY_WITHIN_S", 0.2)
    monkeypatch.setattr(probes, "READY_WITHIN_S", 0.2)
    answers, waiting = asyncio.Event(), 0

    async def hangs(*_: object, **__: object):
        nonlocal waiting
        waiting += 1
        await answers.wait()
        return []

    monkeypatch.setattr(db, "health", hangs)
    monkeypatch.setattr(db, "answers", lambda: answers.wait())
    began = time.monotonic()
    got = await asyncio.gather(*(ask.get("/api/v1/sources") for _ in range(5)))
    later = await asyncio.gather(*(ask.get("/api/v1/sources") for _ in range(20)))
    assert [g.status_code for g in got + later] == [503] * 25
    assert got[0].headers["retry-after"] == "2"
    assert waiting == 5, "what comes after the first is refused before it joins them"
    assert (await ask.get("/healthz")).status_code == 200
    assert (await ask.get("/readyz")).status_code == 503
    assert time.monotonic() - began < 5
    answers.set()
    await asyncio.sleep(0.05)
    assert (await ask.get("/api/v1/sources")).status_code == 200


async def test_a_slow_answer_of_a_well_database_is_waited_for(ask, db, monkeypatch):
    monkeypatch.setattr(guard, "PATIENT_S", 0.1)

    async def slow() -> list[object]:
        await asyncio.sleep(0.5)
        return []

    monkeypatch.setattr(db, "health", slow)
    assert (await ask.get("/api/v1/sources")).status_code == 200


async def test_a_database_that_takes_nothing_is_told(ask, db):
    db.refusal = "DiskFullError: no space left on device"
    got = await ask.get("/readyz")
    assert got.status_code == 503
    assert "DiskFullError" in got.text
    assert (await ask.get("/api/v1/snapshot")).status_code == 200, "it can still be read"


async def test_a_fault_of_our_own_is_not_blamed_on_the_database(ask, db):
    db.healths = None
    got = await ask.get("/api/v1/sources")
    told = models.Problem.model_validate_json(got.content)
    assert got.status_code == 500
    assert "log" in told.detail
    assert "NoneType" not in got.text


async def test_many_readings_are_answered_whole(ask, db):
    subjects = list(PROFILE.subjects)
    db.past = [
        reading_of(0.5, subject=s, at_s=NOW_S - n * 900) for s in subjects[:300] for n in range(10)
    ]
    got = await ask.get("/api/v1/readings/history?indicator=ps.on_time&from=2022-10-03&step=tick")
    assert len(models.History.model_validate_json(got.content).readings) == 3000


async def test_metrics_are_openmetrics(ask):
    await ask.get("/api/v1/sources")
    got = await ask.get("/metrics")
    assert got.headers["content-type"].startswith("application/openmetrics-text")
    assert got.text.endswith("# EOF\n")
    assert "ioc_live_clients 3.0" in got.text
    assert 'ioc_http_requests_total{route="/api/v1/sources",status="200"} 1.0' in got.text


async def test_openapi_states_every_route_and_its_problems(ask):
    told = (await ask.get("/api/v1/openapi.json")).json()
    assert told["openapi"].startswith("3.1")
    for name in ("areas", "subjects", "indicators", "readings/latest", "readings/history",
                 "cases", "sources", "quarantine", "alerts", "snapshot"):  # fmt: skip
        answers = told["paths"][f"/api/v1/{name}"]["get"]["responses"]
        assert "$ref" in json.dumps(answers["200"])
        assert "application/problem+json" in answers["422"]["content"]
        assert "Problem" in json.dumps(answers["422"])
    assert "HTTPValidationError" not in told["components"]["schemas"]


async def test_the_manual_tells_every_route_and_field_and_loads_nothing(ask):
    told = (await ask.get("/api/v1/openapi.json")).json()
    got = await ask.get("/api/v1/docs")
    assert got.status_code == 200
    assert got.headers["content-type"].startswith("text/html")
    for path in told["paths"]:
        assert f"GET {path}<" in got.text or f"POST {path}<" in got.text, path
    for name, shape in told["components"]["schemas"].items():
        assert f'id="{name}"' in got.text
        assert all(f"<td>{field}" in got.text for field in shape.get("properties", ()))
    links = set(re.findall(r'href="#([^"]+)"', got.text))
    assert links <= set(told["components"]["schemas"])
    assert not re.search(r"<script|src=|https?://", got.text)


async def test_every_answer_carries_the_security_headers(ask):
    for path in ("/", "/api/v1/sources", "/api/v1/none", "/metrics"):
        headers = (await ask.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "same-origin"


async def test_without_built_pages_the_page_says_what_to_run(ask):
    got = await ask.get("/wall")
    assert "make ui" in got.text
    assert got.headers["content-type"].startswith("text/plain")


@pytest.fixture
async def site(db, clock, tmp_path: Path):
    root = tmp_path / "static"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<!doctype html>screens")
    (root / "assets" / "app-1a2b.js").write_text("run()")
    (tmp_path / "secret.txt").write_text("secret")
    transport = httpx2.ASGITransport(create_api(parts_of(db, clock, root)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://ioc") as client:
        yield client


async def test_unknown_addresses_are_the_screens_own(site):
    for path in ("/", "/wall", "/indicator/ps.on_time", "/index.html"):
        got = await site.get(path)
        assert got.text == "<!doctype html>screens"
        assert got.headers["cache-control"] == "no-cache"


async def test_hashed_files_are_kept_for_ever_and_missing_ones_are_not_html(site):
    got = await site.get("/assets/app-1a2b.js")
    assert "immutable" in got.headers["cache-control"]
    gone = await site.get("/assets/app-old.js")
    assert gone.status_code == 404
    assert gone.headers["content-type"] == "application/problem+json"


async def test_no_address_leads_out_of_the_folder(site):
    for path in (
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "//etc/passwd",
        "/a%00b",
    ):
        assert "secret" not in (await site.get(path)).text.replace("screens", "")
