"""Courses: yearly targets among the figures of a source, over restarts, to screens and alerts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import asyncpg
import pytest

from app.alerts.episode import decide
from app.alerts.notice import write
from app.api import models
from app.domain.access import EVERYTHING
from app.domain.alerting import Episode
from app.domain.indicator import AlertRule, Indicator, target_of
from app.domain.judged import Judged
from app.domain.judgement import pace_reason
from app.domain.period import midnight_s
from app.domain.reading import Pace, Reading
from app.domain.shape import reading_shape
from app.domain.trajectory import due
from app.evaluation.courses import Close, Courses
from app.evaluation.source import Occasion, SourceEvaluation
from app.profile import load_profile, profile_folder
from app.store.changes import PgChanges
from app.store.readings import PgReadings
from tests.unit.store_stage import store_migrated, store_pool, store_postgres

__all__ = ["store_migrated", "store_pool", "store_postgres"]

PROFILE = load_profile(profile_folder("laocai"))
ABOUT, TIER = "doc.work_files_online", "tier:province"
OWNERS = [c for c, a in PROFILE.agencies.items() if a.tier == "province"][:4]
BEGAN = PROFILE.began_s
PACE = Pace(0.8, 12.4, BEGAN, BEGAN, 1.4, 0.78, 0.74, 0.81, 0.07, BEGAN + 365 * 86400)


def close(day: int) -> int:
    return BEGAN + day * 86400 - 1


def steps(evaluation: SourceEvaluation, day: int, share: float, rng: random.Random) -> list[Any]:
    """A day's work files, of which about this share was handled online."""
    number = next(n for n, i in enumerate(evaluation.indicators) if i.id == ABOUT)
    return [
        (owner, "", number, "year", BEGAN, close(day) - 9000, -1, int(rng.random() < share), 1)
        for owner in OWNERS
        for _ in range(5)
    ]


def judge(evaluation: SourceEvaluation, day: int, share: float) -> Judged:
    evaluation.tally.add(steps(evaluation, day, share, random.Random(day)))
    evaluation.tally.advance(close(day))
    on = Occasion(filling=False, bulk=False, latest=True, day=True)
    return evaluation.judge(day, close(day), on)


def begun() -> SourceEvaluation:
    found = SourceEvaluation("documents", PROFILE)
    found.tally.start(BEGAN, BEGAN)
    return found


def frame(judged: Judged) -> dict[str, str]:
    found = next(f for f in judged.frames if (f.head.indicator, f.head.period) == (ABOUT, "year"))
    return dict(zip(found.subjects, found.states, strict=True))


def closes(judged: Sequence[Judged]) -> list[Close]:
    frames = [(j.at_s, f) for j in judged for f in j.frames]
    return [(at, f.subjects, f.values) for at, f in frames if f.head.indicator == ABOUT]


def test_a_tier_that_falls_back_lags_once_and_says_by_how_many_days():
    evaluation, told = begun(), []
    for day in range(1, 300):
        judged = judge(evaluation, day, 0.84 if day < 100 else 0.6)
        told.append(next(r for r in judged.changed if (r.subject, r.indicator) == (TIER, ABOUT)))
    states = [r.state for r in told]
    assert states[90] == "met"
    assert states[-1] == "critical"
    first = next(r for r in told if r.state == "lagging")
    assert first.pace is not None and first.pace.lag_days is not None
    assert first.pace.lag_days >= 9
    assert f"Chậm {int(first.pace.lag_days)} ngày làm việc" in first.reason
    last = told[-1]
    assert last.pace is not None and last.pace.odds is not None and last.pace.odds < 0.1
    assert last.pace.low is not None and last.pace.high is not None
    assert 0 <= last.pace.low <= last.pace.high < 0.85
    assert last.value is not None and last.pace.expected > last.value


@pytest.mark.parametrize("day", [1, 37, 140, 151])
def test_after_a_restart_states_are_what_they_would_have_been(day: int):
    """The closes that were kept, walked again in their order, are all a state rests on."""

    def share(on: int) -> float:
        return 0.86 if on < 60 else 0.55 if on < 150 else 0.95

    straight = begun()
    whole = [judge(straight, n, share(n)) for n in range(1, 200)]
    again = begun()
    kept = closes([judge(again, n, share(n)) for n in range(1, day + 1)])
    restarted = begun()
    for n in range(1, day + 1):
        restarted.tally.add(steps(restarted, n, share(n), random.Random(n)))
        restarted.tally.advance(close(n))
    restarted.resume(ABOUT, "year", kept)
    for n in range(day + 1, 200):
        judged = judge(restarted, n, share(n))
        assert frame(judged) == frame(whole[n - 1])
        one, other = (
            [(r.subject, r.pace) for r in j.changed if r.indicator == ABOUT]
            for j in (judged, whole[n - 1])
        )
        assert one == other
    assert {frame(j)[TIER] for j in whole} >= {"met", "lagging"}


def test_only_years_and_stocks_are_on_a_way_and_only_until_the_deadline():
    indicator = PROFILE.indicators["ps.fully_online"]
    subject = PROFILE.subjects["area:10"]
    target = target_of(indicator, subject)
    assert target is not None
    courses = Courses([indicator], [{"area:10": target}], PROFILE.rules())
    assert courses.judged() == [(0, "year")]
    assert courses.state((0, "month"), "area:10", 0.2, close(200)) is None
    assert courses.state((0, "year"), "area:10", 0.2, close(200)) == "near"
    assert courses.state((0, "year"), "area:10", None, close(200)) == "none"
    assert courses.state((0, "year"), "area:10", 0.2, close(365) + 1) is None
    assert courses.pace((0, "year"), "area:10", 0.2, close(365) + 1) is None


@pytest.mark.parametrize(
    ("value", "lag", "says"),
    [
        (0.7, 9.6, "Chậm 9 ngày làm việc so với tiến độ: đến nay cần đạt 80,0 %"),
        (0.82, -12.0, "Nhanh hơn tiến độ 12 ngày làm việc"),
        (0.8, 0.4, "Đúng tiến độ"),
        (0.9, -40.0, "Đạt mục tiêu cả năm"),
        (None, None, "Mẫu số bằng 0"),
    ],
)
def test_the_words(value: float | None, lag: float | None, says: str):
    indicator = PROFILE.indicators[ABOUT]
    assert says in pace_reason(value, 0.85, indicator, replace(PACE, lag_days=lag))


def reading(state: str, day: int, pace: Pace | None = PACE) -> Reading:
    return Reading(
        ABOUT, TIER, "year", BEGAN, close(day), close(day), "documents", 0.7, 7, 10, 0.85, state,
        "", pace,
    )  # fmt: skip


RULE = AlertRule((TIER,), 5 * 86400, "year", "Sở", "Đôn đốc", "department")


def test_an_alarm_does_not_wait_a_second_time():
    """The state has dwelt five days to come and seven to go; the alert follows it at once."""
    pace = replace(PACE, since_s=close(40))
    raised = decide(RULE, "tier", None, reading("lagging", 41, pace), filling=False)
    assert raised.kind == "raise" and raised.episode is not None
    assert raised.episode.since_s == close(40)
    ended = decide(RULE, "tier", raised.episode, reading("near", 60), filling=False)
    assert ended.kind == "resolve"
    plain = decide(RULE, "tier", None, reading("lagging", 41, None), filling=False)
    assert plain.kind == "start"


def test_people_are_told_the_pace():
    episode = Episode(
        1, ABOUT, "tier", TIER, "active", "lagging", close(40), close(41), None, False
    )
    indicator: Indicator = PROFILE.indicators[ABOUT]
    told = write(PROFILE, indicator, episode, reading("lagging", 41), (), simulated=True)
    assert "đến nay cần 80,0\u00a0%; chậm 12 ngày làm việc" in told.text
    assert "từ 74,0\u00a0% đến 81,0\u00a0%; khả năng đạt 7\u00a0%" in told.text


def test_the_shape_has_a_pace_only_where_there_is_one():
    shaped = reading_shape(reading("lagging", 41), {})
    assert models.Reading.model_validate_json(_json(shaped)).pace is not None
    plain = reading_shape(reading("lagging", 41, None), {})
    assert "pace" not in plain
    assert models.Reading.model_validate_json(_json(plain)).pace is None


def _json(shape: object) -> bytes:
    import msgspec

    return msgspec.json.encode(shape)


def test_history_says_what_was_due():
    target = target_of(PROFILE.indicators[ABOUT], PROFILE.subjects[TIER])
    assert target is not None
    told = due(target, PROFILE.rules(), reading("near", 182, None))
    assert told is not None and target.baseline < told.expected < target.value
    end = midnight_s(date(2023, 1, 1)) - 1
    last = due(target, PROFILE.rules(), replace(reading("near", 1), at_s=end))
    assert last is not None and last.expected == pytest.approx(target.value)
    assert due(target, PROFILE.rules(), replace(reading("near", 1), period="month")) is None


async def test_the_store_keeps_a_pace_and_the_closes_of_days(pool: asyncpg.Pool):
    store, changes = PgReadings(pool), PgChanges(pool)
    async with pool.acquire() as db:
        await db.execute("INSERT INTO source_state (source, measures) VALUES ('documents', '')")
    epoch, offset = await changes.position()
    evaluation = begun()
    judged = [judge(evaluation, day, 0.7) for day in range(1, 41)]
    await store.commit(judged)
    kept = await store.latest(EVERYTHING, indicators=[ABOUT], subjects=[TIER], period="year")
    shown = [r for r in judged[-1].changed if (r.indicator, r.subject) == (ABOUT, TIER)]
    assert [r.pace for r in kept] == [r.pace for r in shown]
    assert kept[0].pace is not None and kept[0].pace.odds is not None
    found = await changes.since(epoch, offset)
    announced = [r for r in found.changes[-1].readings if (r.indicator, r.subject) == (ABOUT, TIER)]
    assert [r.pace for r in announced] == [r.pace for r in shown]
    days = await store.closes("documents", ABOUT, "year", close(10))
    assert [(at, dict(zip(s, v, strict=True))[TIER]) for at, s, v in days] == [
        (at, dict(zip(s, v, strict=True))[TIER]) for at, s, v in closes(judged)[9:]
    ]
