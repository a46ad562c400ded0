"""From a change of the log to rows and messages, on a real Postgres."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import date

from app.alerts import follow
from app.domain.access import EVERYTHING, Visible
from app.domain.alerting import OtherFollower
from app.domain.period import midnight_s
from app.store.alerts import PgAlerts
from tests.unit.alerts_stage import *  # noqa: F403 - the fixtures
from tests.unit.alerts_stage import BEGAN_S, DAY, PROFILE, RAISE, RESOLVE, announce, parts, reading


async def districts(pool, values: dict[str, float]) -> None:
    await pool.execute(
        "INSERT INTO reading_head (source, indicator, period, period_s, at_s, watermark_s)"
        " VALUES ('public_service', 'ps.on_time', 'month', 0, 0, 0)"
    )
    for subject, value in values.items():
        await pool.execute(
            "INSERT INTO reading_latest"
            " (source, indicator, period, subject, value, num, den, target, state, reason)"
            " VALUES ('public_service', 'ps.on_time', 'month', $1, $2, 1, 1, 0.95, 'lagging', '')",
            subject, value,
        )  # fmt: skip


async def test_a_lag_becomes_one_alert_with_its_worst_and_one_message_a_receiver(pool):
    units = [s.id for s in PROFILE.subjects.values() if s.level == "district"]
    await districts(pool, {u: 0.9 - n / 100 for n, u in enumerate(units)} | {"area:10": 0.1})
    await announce(pool, *RAISE)
    assert [await follow.step(parts(pool)) for _ in "123"] == [True, True, False]  # 2: its own
    [alert] = await PgAlerts(pool).alerts(EVERYTHING, "active", 10)
    assert (alert.indicator, alert.level, alert.subject) == ("ps.on_time", "province", "area:10")
    assert alert.since_s == BEGAN_S
    assert [w[0] for w in alert.worst] == units[:-6:-1]
    rows = await pool.fetch("SELECT * FROM outbox ORDER BY receiver")
    assert [(r["receiver"], r["transition"]) for r in rows] == [
        ("hook", "raised"),
        ("mail", "raised"),
    ]
    text = json.loads(rows[0]["notice"])["text"]
    assert "DỮ LIỆU MÔ PHỎNG" in text
    assert "91,3\u00a0%; mục tiêu: 95,0\u00a0%" in text
    assert "từ 03/10/2022 07:30 (5,0 ngày), cảnh báo lúc 08/10/2022 07:30" in text
    [change] = await pool.fetch("SELECT * FROM change WHERE kind = 'alert'")
    assert json.loads(change["payload"]) == {"alerts": [alert.id]}
    assert await PgAlerts(pool).alerts(Visible(frozenset()), None, 10) == []


async def test_it_resolves_after_the_exit_delay_and_can_be_raised_again(pool):
    await announce(pool, *RAISE, *RESOLVE)
    await follow.step(parts(pool))
    [alert] = await PgAlerts(pool).alerts(EVERYTHING, None, 10)
    assert (alert.state, alert.resolved_s) == ("resolved", RESOLVE[-1].at_s)
    for at_s, states in (
        (BEGAN_S, []),
        (RAISE[-1].at_s, ["active"]),
        (RESOLVE[-1].at_s - 1, ["active"]),
        (RESOLVE[-1].at_s, ["resolved"]),
    ):
        then = await PgAlerts(pool).alerts(EVERYTHING, None, 10, at_s)
        assert [a.state for a in then] == states
        assert await PgAlerts(pool).alerts(EVERYTHING, "active", 10, at_s) == [
            a for a in then if a.resolved_s is None
        ]
    again = tuple(replace(r, at_s=r.at_s + 20 * DAY) for r in RAISE)
    await announce(pool, *again)
    await follow.step(parts(pool))
    keys = [r["idem_key"] for r in await pool.fetch("SELECT idem_key FROM outbox")]
    assert len(keys) == len(set(keys)) == 6


async def test_an_episode_of_a_fill_is_stored_and_never_sent_nor_its_end(pool):
    await announce(pool, *RAISE, filling=True)
    await announce(pool, *RESOLVE)
    await follow.step(parts(pool))
    [alert] = await PgAlerts(pool).alerts(EVERYTHING, "resolved", 10)
    assert alert.filling
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 0


async def test_the_end_of_a_told_episode_is_told_even_while_catching_up(pool):
    await announce(pool, *RAISE)
    await announce(pool, *RESOLVE, filling=True)
    await follow.step(parts(pool, ["hook"]))
    rows = await pool.fetch("SELECT transition FROM outbox ORDER BY id")
    assert [r[0] for r in rows] == ["raised", "resolved"]


async def test_lost_history_moves_the_cursor_and_keeps_the_timers(pool):
    await announce(pool, *RAISE[:2])
    await follow.step(parts(pool))
    await announce(pool, reading("lagging", 4))
    await pool.execute("UPDATE epoch SET id = 'after-a-restore'")
    assert not await follow.step(parts(pool))
    await announce(pool, RAISE[2])
    assert await follow.step(parts(pool))
    [alert] = await PgAlerts(pool).alerts(EVERYTHING, "active", 10)
    assert alert.since_s == BEGAN_S


async def test_of_two_followers_one_stores(pool):
    await announce(pool, *RAISE)
    done = await asyncio.gather(
        *(follow.step(parts(pool)) for _ in range(4)), return_exceptions=True
    )
    assert all(d is True or d is False or isinstance(d, OtherFollower) for d in done)
    while await follow.step(parts(pool)):
        pass
    assert await pool.fetchval("SELECT count(*) FROM alert") == 1
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 2


async def test_killed_at_any_statement_the_alerts_come_out_the_same(pool):
    """Cut the connection after n statements, again and again, until a whole run goes through."""
    await announce(pool, *RAISE, *RESOLVE)
    for budget in range(1, 60):
        cut = CutPool(pool, budget)
        try:
            while await follow.step(parts(cut)):
                pass
            break
        except ConnectionResetError:
            continue
    while await follow.step(parts(pool)):
        pass
    [row] = await pool.fetch("SELECT state, since_s, raised_s, resolved_s FROM alert")
    assert tuple(row) == ("resolved", BEGAN_S, RAISE[2].at_s, RESOLVE[1].at_s)
    counted = await pool.fetch("SELECT transition, receiver FROM outbox")
    assert len(counted) == len({tuple(r) for r in counted}) == 4


class CutPool:
    """A pool whose process dies after so many statements."""

    def __init__(self, pool, budget: int) -> None:
        self._pool, self._budget = pool, budget
        self.get_max_size = pool.get_max_size

    def acquire(self):
        return _CutAcquire(self)

    def spend(self) -> None:
        self._budget -= 1
        if self._budget < 0:
            raise ConnectionResetError("killed")


class _CutAcquire:
    def __init__(self, cut: CutPool) -> None:
        self._cut = cut

    async def __aenter__(self):
        self._db = await self._cut._pool.acquire()
        return _CutConnection(self._db, self._cut)

    async def __aexit__(self, *_):
        await self._cut._pool.release(self._db)


class _CutConnection:
    def __init__(self, db, cut: CutPool) -> None:
        self._db, self._cut = db, cut

    def transaction(self, **options):
        return self._db.transaction(**options)

    def __getattr__(self, name):
        async def call(*arguments):
            self._cut.spend()
            return await getattr(self._db, name)(*arguments)

        return call


async def test_an_alert_about_a_unit_that_has_ended_is_closed_and_told_so(pool):
    await announce(pool, *RAISE)
    await follow.step(parts(pool))
    later = midnight_s(date(2025, 7, 1))
    young = replace(RAISE[-1], subject="area:15@2025", at_s=later, watermark_s=later)
    await announce(pool, young)
    while await follow.step(parts(pool)):
        pass
    told = await PgAlerts(pool).alerts(EVERYTHING, None, 10)
    old = next(a for a in told if a.subject == "area:10")
    assert (old.state, old.resolved_s) == ("resolved", later)
    texts = await pool.fetch("SELECT notice FROM outbox WHERE transition = 'resolved'")
    assert texts
    assert all("ĐƠN VỊ KHÔNG CÒN" in json.loads(r["notice"])["title"] for r in texts)
