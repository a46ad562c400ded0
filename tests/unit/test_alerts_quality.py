"""Alerts about data: raised once, told once, over when the data is well again; a real Postgres."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.alerts import follow, quality
from app.domain.access import EVERYTHING
from app.domain.quality_alert import Drift
from app.domain.shape import alert_shape
from app.store.alerts import PgAlerts
from tests.unit.alerts_stage import *  # noqa: F403 - the fixtures
from tests.unit.alerts_stage import BEGAN_S, PROFILE, announce, parts, reading
from tests.unit.in_memory import Database, StillClock, health_of


@pytest.fixture
async def stage(pool):
    """Every source fresh, and the alerts' place in the log known."""
    await announce(pool, reading("met", 0))
    await follow.step(parts(pool))
    sources = Database()
    sources.healths = {s: health_of(s, BEGAN_S) for s in PROFILE.sources}
    clock = StillClock(BEGAN_S)
    looks = quality.Looks()

    async def step():
        await quality.step(parts(pool), sources, clock, looks)
        return await PgAlerts(pool).alerts(EVERYTHING, None, 10)

    async def told():
        rows = await pool.fetch("SELECT transition, notice FROM outbox ORDER BY id")
        return [(r["transition"], json.loads(r["notice"])["title"]) for r in rows]

    return sources, clock, looks, step, told


async def test_records_that_cannot_be_read_are_told_once_and_their_end_too(stage):
    sources, _, _, step, told = stage
    assert await step() == []
    for count in (1, 2, 700):
        sources.drifting = [Drift("documents", BEGAN_S - 60, count, "no field 'sent'")]
        [alert] = await step()
    assert (alert.indicator, alert.level, alert.subject) == (
        "schema_drift", "source", "source:documents",
    )  # fmt: skip
    assert (alert.severity, alert.state, alert.since_s) == ("quality", "active", BEGAN_S - 60)
    assert [t for t, _ in await told()] == ["raised", "raised"], "one for each of two receivers"
    shape = alert_shape(alert, PROFILE)
    assert shape["owner"] == PROFILE.sources["documents"].owner
    assert "ioc replay documents" in str(shape["response_vi"])
    sources.drifting = []
    [alert] = await step()
    assert alert.state == "resolved"
    assert [t for t, _ in await told()] == ["raised", "raised", "resolved", "resolved"]
    assert all(PROFILE.sources["documents"].name_vi in title for _, title in await told())


async def test_a_silent_source_is_told_once_and_only_it(stage, monkeypatch):
    sources, clock, _, step, told = stage
    monkeypatch.setattr(quality, "STANDS_STILL_S", 0.0)
    clock.at_s += 1000
    for other in ("einvoice", "public_service"):
        sources.healths[other] = health_of(other, int(clock.at_s))
    [alert] = await step()
    assert (alert.indicator, alert.subject) == ("source_silent", "source:documents")
    clock.at_s += 400  # the others are late by now: no alert, and late is not well either
    sources.healths["documents"] = health_of("documents", int(clock.at_s) - 400)
    [alert] = await step()
    assert alert.state == "active", "it moves, but it is not fresh"
    sources.healths["documents"] = health_of("documents", int(clock.at_s))
    [alert] = await step()
    assert alert.state == "resolved"
    assert len(await told()) == 4


async def test_what_is_caught_up_with_after_a_downtime_is_no_silence(stage):
    sources, clock, looks, step, told = stage
    clock.at_s += 7200
    for minute in range(5):
        for source, health in sources.healths.items():
            sources.healths[source] = replace(health, watermark_s=BEGAN_S + minute * 60)
        looks.marks = {s: (m, at - 3600) for s, (m, at) in looks.marks.items()}
        assert await step() == []
    looks.marks = {s: (m, at - 3600) for s, (m, at) in looks.marks.items()}
    assert {a.indicator for a in await step()} == {"source_silent"}, "it stands still now"
    assert len(await told()) == 2 * len(PROFILE.sources)
