"""Composites, goals, ranking and contribution, as a client of the API sees them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import httpx2
import pytest

from app.api import ApiParts, create_api
from app.api import score_models as models
from app.api.models_why import Why
from app.domain.period import midnight_s
from tests.unit.in_memory import NOW_S, PROFILE, Database, StillClock, health_of, reading_of


async def _no_hub(scope, receive, send):
    await send({"type": "websocket.close", "code": 1000})


def figure(num: int, den: int, **told: object):
    return replace(reading_of(num / den if den else None, **told), num=num, den=den)


@pytest.fixture
def db():
    found = Database()
    found.healths = {"public_service": health_of()}
    return found


@pytest.fixture
async def ask(db):
    async def ready() -> bool:
        return True

    parts = ApiParts(PROFILE, StillClock(NOW_S), db, db, db, db, db, _no_hub, "0.1.0", None, ready)
    transport = httpx2.ASGITransport(create_api(parts))
    async with httpx2.AsyncClient(transport=transport, base_url="http://ioc") as client:
        yield client


async def test_a_composite_states_its_parts_and_they_add_up(ask, db):
    db.commit(
        figure(18, 20),
        figure(6, 10, indicator="ps.filed_online"),
        figure(0, 0, indicator="ps.paid_online"),
        figure(2, 3, indicator="ps.digitised"),
    )
    got = await ask.get("/api/v1/composites/dvc766?subject=area:10")
    told = models.Composite.model_validate_json(got.content)
    parts = [p for g in told.groups for p in g.parts]
    assert round(sum(p.points for p in parts) * 100) == round((told.points or 0) * 100)
    assert sum(p.weight_now for p in parts) == pytest.approx(100)
    by_id = {p.id: p for p in parts}
    assert by_id["3.6"].status == "not_applicable"
    assert by_id["1.4"].status == "no_source"
    assert (by_id["2.1"].num, by_id["2.1"].den) == (18, 20)
    assert told.counted == 3
    assert told.covered == pytest.approx(0.32)
    assert [p.until for p in told.published] == ["2023-09-30", "2025-07-31"]


async def test_a_silent_feed_gives_no_points_and_says_so(ask, db):
    db.commit(figure(18, 20))
    db.healths = {"public_service": health_of(watermark_s=NOW_S - 100_000)}
    got = await ask.get("/api/v1/composites/dvc766?subject=area:10")
    told = models.Composite.model_validate_json(got.content)
    assert (told.points, told.counted) == (None, 0)
    assert {p.status for g in told.groups for p in g.parts} == {"stale", "no_source"}


async def test_a_composite_of_every_district_the_best_first(ask, db):
    db.commit(figure(18, 20, subject="area:080"), figure(19, 20, subject="area:085"))
    got = await ask.get("/api/v1/composites/dvc766/subjects?level=district")
    told = models.CompositeRows.model_validate_json(got.content)
    best = [(r.subject, r.points) for r in told.rows[:2]]
    assert best == [("area:085", 95.0), ("area:080", 90.0)]
    assert len(told.rows) == 9
    assert all(r.points is None for r in told.rows[2:])


async def test_a_commune_with_three_files_does_not_lead_a_composite(ask, db):
    db.commit(
        figure(3, 3, subject="area:02647"),
        figure(97, 100, subject="area:02650"),
        figure(80, 100, subject="area:02671"),
    )
    got = await ask.get("/api/v1/composites/dvc766/subjects?level=commune")
    told = models.CompositeRows.model_validate_json(got.content)
    assert [(r.subject, r.place, r.few, r.points) for r in told.rows[:3]] == [
        ("area:02650", 1, False, 97.0), ("area:02647", 2, True, 100.0),
        ("area:02671", 3, False, 80.0),
    ]  # fmt: skip
    assert 80 < (told.rows[1].estimate or 0) < 97
    assert {r.place for r in told.rows[3:]} == {None}


async def test_every_goal_is_there_and_one_without_a_source_is_not_zero(ask, db):
    db.commit(figure(7, 10, indicator="ps.fully_online", period="year", target=1.0))
    told = models.Goals.model_validate_json((await ask.get("/api/v1/goals")).content)
    assert [g.id for g in told.goals] == [f"S{n:02}" for n in range(1, 15)]
    by_id = {g.id: g for g in told.goals}
    assert (by_id["S02"].value, by_id["S02"].quality) == (0.7, "fresh")
    assert (by_id["S07"].value, by_id["S07"].quality, by_id["S07"].state) == (
        None, "no_source", "none",
    )  # fmt: skip
    assert by_id["S01"].label_since == "2022-08-15"
    assert "toàn trình" in by_id["S01"].label_vi


async def test_a_commune_with_three_files_does_not_lead(ask, db):
    db.commit(
        figure(3, 3, subject="area:02647"),
        figure(97, 100, subject="area:02650"),
        figure(80, 100, subject="area:02671"),
        figure(0, 0, subject="area:02839"),
    )
    got = await ask.get("/api/v1/ranking?indicator=ps.on_time&level=commune&period=month")
    told = models.Ranking.model_validate_json(got.content)
    assert [(r.reading.subject, r.place, r.few) for r in told.rows] == [
        ("area:02650", 1, False), ("area:02647", 2, True), ("area:02671", 3, False),
        ("area:02839", None, False),
    ]  # fmt: skip
    assert told.rows[1].estimate is not None
    assert told.rows[1].estimate < 0.97


async def asked_at(db, now_s: int, path: str, profile=PROFILE) -> bytes:
    async def ready() -> bool:
        return True

    parts = ApiParts(profile, StillClock(now_s), db, db, db, db, db, _no_hub, "0.1.0", None, ready)
    transport = httpx2.ASGITransport(create_api(parts))
    async with httpx2.AsyncClient(transport=transport, base_url="http://ioc") as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.content


async def goals_at(db, now_s: int, profile=PROFILE, on: str = "") -> dict[str, models.Goal]:
    path = "/api/v1/goals" + (f"?on={on}" if on else "")
    told = models.Goals.model_validate_json(await asked_at(db, now_s, path, profile))
    return {g.id: g for g in told.goals}


async def test_after_its_deadline_a_goal_keeps_the_figure_of_that_day(db):
    end_s = midnight_s(date(2023, 1, 1)) - 1
    told = {"indicator": "ps.fully_online", "period": "year", "target": 1.0}
    db.past = [figure(3, 10, at_s=end_s - 86_400, **told), figure(4, 10, at_s=end_s, **told)]
    db.commit(figure(2, 2, at_s=end_s + 90_000, **told))
    goal = (await goals_at(db, end_s + 90_000))["S02"]
    assert (goal.value, goal.state, goal.at) == (0.4, "missed", "2022-12-31T23:59:59+07:00")
    goal = (await goals_at(db, end_s))["S02"]
    assert goal.value == 1.0, "until then it is the newest figure"


async def test_goals_of_a_day_are_as_it_closed_and_know_nothing_of_later_ones(db):
    goals = tuple(replace(g, deadline="2025-12-31") for g in PROFILE.goals)
    profile, now_s = replace(PROFILE, goals=goals), midnight_s(date(2026, 3, 1))
    told = {"indicator": "ps.fully_online", "period": "year", "target": 1.0}
    days = [
        (date(2024, 10, 31), "area:10", 2), (date(2024, 11, 1), "area:10", 3),
        (date(2025, 6, 30), "area:10", 4), (date(2025, 7, 1), "area:15@2025", 5),
        (date(2025, 12, 31), "area:15@2025", 6), (date(2026, 1, 31), "area:15@2025", 7),
    ]  # fmt: skip
    db.past = [
        figure(num, 10, subject=subject, at_s=midnight_s(day) + 86_399, **told)
        for day, subject, num in days
    ]
    for day, subject, num in days[:-1]:
        goal = (await goals_at(db, now_s, profile, day.isoformat()))["S02"]
        assert (goal.subject, goal.value) == (subject, num / 10), day
        assert (goal.state == "missed") is (day == date(2025, 12, 31)), "its last day is over"
    # A day behind the deadline has what was reached by it.
    goal = (await goals_at(db, now_s, profile, "2026-01-31"))["S02"]
    assert (goal.value, goal.state) == (0.6, "missed")
    before = await goals_at(db, now_s, profile, "2022-08-01")
    assert "toàn trình" not in before["S01"].label_vi, "the label of that day"


async def test_the_score_of_a_day_is_of_what_it_closed_with(db):
    tile = PROFILE.scene.groups[0].tiles[0]
    now_s = midnight_s(date(2022, 10, 20))
    told = {"indicator": tile.indicator, "subject": tile.subject, "period": tile.period}
    at = {day: midnight_s(date(2022, 10, day)) + 86_399 for day in (5, 6)}
    db.past = [figure(n, 10, at_s=at[d], target=0.5, **told) for d, n in ((5, 3), (6, 4))]
    db.commit(figure(5, 10, at_s=now_s, target=0.5, **told))
    db.healths = {tile_source(tile): health_of(watermark_s=now_s)}
    for on, value in (("?on=2022-10-05", 0.6), ("?on=2022-10-06", 0.8), ("", 1.0)):
        body = await asked_at(db, now_s, f"/api/v1/score{on}")
        told_score = models.ScoreWhy.model_validate_json(body)
        assert (told_score.value, told_score.counted) == (value, 1), on


def tile_source(tile) -> str:
    return PROFILE.indicators[tile.indicator].source


async def test_a_goal_of_the_province_is_of_what_the_province_became(db):
    goals = tuple(replace(g, deadline="2025-12-31") for g in PROFILE.goals)
    now_s = midnight_s(date(2025, 7, 10))
    db.healths = {"public_service": health_of(watermark_s=now_s)}
    told = {"indicator": "ps.fully_online", "period": "year", "target": 1.0, "at_s": now_s}
    db.commit(figure(6, 10, subject="area:15@2025", **told))
    found = await goals_at(db, now_s, replace(PROFILE, goals=goals))
    assert (found["S02"].subject, found["S02"].value) == ("area:15@2025", 0.6)
    # A figure that is not there yet has a source all the same.
    assert (found["S01"].value, found["S01"].quality) == (None, "fresh")


async def test_a_gap_is_made_of_the_cases_of_its_parts(ask, db):
    db.commit(
        figure(249, 300),
        figure(50, 100, subject="area:085"),
        figure(99, 100, subject="area:080"),
        figure(95, 95, subject="agency:H38.5"),
    )
    got = await ask.get("/api/v1/contribution?indicator=ps.on_time&subject=area:10&period=month")
    told = models.Contribution.model_validate_json(got.content)
    assert told.lacks == pytest.approx(36.0)
    assert sum(p.lacks for p in told.parts) == pytest.approx(told.lacks)
    assert sum(p.den for p in told.parts) == told.den
    assert (told.parts[0].subject, told.few) == ("area:085", 1)
    assert [p for p in told.parts if p.subject is None]


async def test_what_cannot_be_judged_is_told_beside_the_share(ask, db):
    db.commit(
        figure(18, 20),
        figure(3, 0, indicator="ps.unjudged", target=None),
        figure(2, 0, indicator="ps.reappointed", target=None),
        figure(9, 0, indicator="ps.reappointed", target=None, subject="area:085"),
    )
    got = await ask.get("/api/v1/readings/why?indicator=ps.on_time&subject=area:10&period=month")
    told = Why.model_validate_json(got.content)
    assert {(r.indicator, r.subject, r.num) for r in told.beside} == {
        ("ps.unjudged", "area:10", 3), ("ps.reappointed", "area:10", 2),
    }  # fmt: skip
    got = await ask.get("/api/v1/readings/why?indicator=ps.unjudged&subject=area:10&period=month")
    assert Why.model_validate_json(got.content).beside == []


async def test_a_unit_that_reopens_what_it_closed_is_named(ask, db):
    told = {"indicator": "ps.reopened", "period": "year", "target": None}
    honest = [a for a in PROFILE.agencies if a != "H38.31"][:20]
    db.commit(
        figure(30, 100, subject="agency:H38.31", **told),
        *(figure(0, 100, subject=f"agency:{a}", **told) for a in honest),
        figure(30, 2100, **told),
    )
    told = models.Gaming.model_validate_json((await ask.get("/api/v1/gaming")).content)
    assert [(s.subject, s.num, s.den) for s in told.suspects] == [("agency:H38.31", 30, 100)]
    assert told.looked_at == 21
    assert told.false_alarm < 0.05


@pytest.mark.parametrize(
    ("path", "status", "names"),
    [
        ("composites/none?subject=area:10", 404, "dvc766"),
        ("composites/dvc766?subject=area:999", 404, "area:"),
        ("composites/dvc766/subjects?level=planet", 404, "district"),
        ("ranking?indicator=ps.on_time&level=planet", 404, "commune"),
        ("contribution?indicator=inv.issued&subject=area:10", 422, "ratio"),
    ],
)
async def test_refusals_name_the_next_step(ask, path, status, names):
    got = await ask.get(f"/api/v1/{path}")
    assert got.status_code == status
    assert names in got.json()["detail"]


READS = (
    "readings/latest?indicator=ps.on_time&subject=area:10&period=month",
    "readings/why?indicator=ps.on_time&subject=area:10",
    "ranking?indicator=ps.on_time&level=province",
    "contribution?indicator=ps.on_time&subject=area:10",
    "composites/dvc766?subject=area:10",
    "composites/dvc766/subjects?level=province",
    "gaming?",
    "indicators?",
)


@pytest.mark.parametrize("read", READS)
async def test_every_read_takes_a_day_and_tells_what_it_closed_with(ask, db, read: str):
    then = midnight_s(date(2022, 9, 20)) + 86399
    db.past.append(replace(figure(3, 4), at_s=then, watermark_s=then, definition="0123456789ab"))
    db.commit(figure(18, 20))
    told = {}
    for on in ("", "&on=2022-10-03", "&on=2022-09-20", "&on=2022-09-19"):
        got = await ask.get(f"/api/v1/{read}{on}")
        told[on] = (got.status_code, got.text)
    now, today, day, before = told.values()
    assert now[0] == today[0] == day[0] == 200
    assert now == today
    if read not in ("gaming?", "indicators?"):  # of these two nothing happened
        assert len({now, day, before}) == 3
        if '"num"' in now[1]:
            assert '"num":18,"den":20' in now[1] and '"num":3,"den":4' in day[1]
    for wrong in ("2022-13-01", *([] if read == "indicators?" else ["2030-01-01"])):
        refused = await ask.get(f"/api/v1/{read}&on={wrong}")
        assert refused.status_code == 422
        assert wrong in refused.json()["detail"]
