"""Alerts: episodes with their messages and cursor in one transaction, and the outbox's leases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import asyncpg

from app.domain.access import Visible
from app.domain.alerting import (
    ALWAYS,
    ANNOUNCED,
    AlertStep,
    Cursor,
    Episode,
    Leased,
    Notice,
    OtherFollower,
    Transition,
    WorstUnit,
)
from app.domain.reading import Alert
from app.store.still import reader

_NAME = "alerts"
# While an episode is active, resolved_s is the instant its figure turned good (the exit delay
# runs); it is the end of the episode only once state is 'resolved'.
_OPEN = """
SELECT id, indicator, level, subject, state, severity, since_s, raised_s, resolved_s, filling
FROM alert WHERE state <> 'resolved' ORDER BY id
"""
_FIRST_PLACE = """
INSERT INTO alert_cursor (name, epoch, "offset") VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
_MOVE = """
UPDATE alert_cursor SET epoch = $2, "offset" = $3
WHERE name = $1 AND epoch = $4 AND "offset" = $5
"""
_START = """
INSERT INTO alert (indicator, level, subject, severity, state, since_s, raised_s, resolved_s,
                   filling, value, target, worst)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb) RETURNING id
"""
_DROP = "DELETE FROM alert WHERE id = $1 AND state = 'pending'"
_TIMER = "UPDATE alert SET resolved_s = $2 WHERE id = $1"
_CHANGE_EPISODE = """
UPDATE alert SET severity = $2, state = $3, raised_s = $4, resolved_s = $5, filling = $6,
    value = $7, target = $8, worst = CASE WHEN $3 = 'resolved' THEN worst ELSE $9::jsonb END
WHERE id = $1
"""
# The epoch is part of the key: alert ids begin again in a new database, receivers remember.
_QUEUE = """
INSERT INTO outbox (alert_id, transition, receiver, idem_key, notice)
SELECT $1, $2, r, concat_ws('-', left($3, 12), $1::bigint, $2::text, r), $4::jsonb
FROM unnest($5::text[]) AS r
ON CONFLICT (idem_key) DO NOTHING
"""
_ANNOUNCE = """
INSERT INTO change (kind, source, at_s, watermark_s, filling, payload)
VALUES ('alert', $1, $2, $3, $4, $5::jsonb)
"""
_SHOWN = """
SELECT * FROM (
    SELECT id, indicator, level, subject, severity, since_s, raised_s, resolved_s, value, target,
           worst, filling, sent,
           CASE WHEN state = 'resolved' AND resolved_s > $4 THEN 'active' ELSE state END AS state
    FROM alert WHERE coalesce(raised_s, since_s) <= $4
) AS shown
WHERE (state = $1 OR ($1::text IS NULL AND state <> 'pending'))
  AND ($2::text[] IS NULL OR subject = ANY($2))
ORDER BY state = 'resolved', coalesce(resolved_s, raised_s, since_s) DESC, id DESC LIMIT $3
"""
_BY_ID = "SELECT * FROM alert WHERE id = ANY($1::bigint[]) ORDER BY id"

# A resolve that overtakes a raise nobody has been sent: one message tells both.
_FOLD = """
WITH fold AS (
    SELECT r.id AS raise_id, n.id AS resolve_id
    FROM outbox r JOIN outbox n ON n.alert_id = r.alert_id AND n.receiver = r.receiver
    WHERE r.receiver = $1 AND r.transition = 'raised' AND r.state = 'queued'
      AND (r.lease_until IS NULL OR r.lease_until < now())
      AND n.transition = 'resolved' AND n.state = 'queued'
    FOR UPDATE SKIP LOCKED
), told AS (
    UPDATE outbox SET notice = jsonb_set(notice, '{reason}', '"raised_resolved"')
    WHERE id IN (SELECT resolve_id FROM fold)
)
UPDATE outbox SET state = 'superseded', lease_until = NULL WHERE id IN (SELECT raise_id FROM fold)
"""
# What was created in the future, or is leased for longer than leases are, dates from before the
# server's clock was put back: it is due.
# In order within an episode: a message waits for every earlier one of its alert and receiver.
_LEASE = """
UPDATE outbox SET lease_until = now() + make_interval(secs => $2), attempts = attempts + 1
WHERE id = (
    SELECT o.id FROM outbox o
    WHERE o.receiver = $1 AND o.state = 'queued'
      AND (o.next_at <= now() OR o.created > now())
      AND (o.lease_until IS NULL OR o.lease_until < now()
           OR o.lease_until > now() + make_interval(secs => 2 * $2))
      AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.alert_id = o.alert_id
                      AND e.receiver = o.receiver AND e.state = 'queued' AND e.id < o.id)
    ORDER BY o.next_at, o.id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id, alert_id, transition, receiver, idem_key, notice, attempts,
          extract(epoch FROM now() - created)::float8 AS age_s
"""
# The attempt is the lease's own number: a worker whose lease ran out no longer decides.
_MINE = "WHERE id = $1 AND state = 'queued' AND attempts = $2"
_SENT = f"UPDATE outbox SET state = 'sent', lease_until = NULL, last_error = NULL {_MINE}"
_TOLD = "UPDATE alert SET sent = true WHERE id = $1 AND NOT sent RETURNING id"
_ANNOUNCE_SENT = """
INSERT INTO change (kind, source, at_s, watermark_s, filling, payload)
SELECT 'alert', '', coalesce(raised_s, since_s), coalesce(raised_s, since_s), false, $2::jsonb
FROM alert WHERE id = $1
"""
_LATER = f"""
UPDATE outbox SET lease_until = NULL, last_error = $3,
    next_at = now() + make_interval(secs => $4) {_MINE}
"""
_DEAD = f"UPDATE outbox SET state = 'dead', lease_until = NULL, last_error = $3 {_MINE}"
_EXPIRE = """
UPDATE outbox SET state = 'dead', last_error = coalesce(last_error, 'no receiver took it')
WHERE state = 'queued' AND created < now() - make_interval(secs => $1)
  AND (lease_until IS NULL OR lease_until < now())
RETURNING idem_key
"""


class PgAlerts:
    """Alerts as screens read them, as the follower writes them, and as the outbox sends them."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def alerts(
        self, visible: Visible, state: str | None, limit: int, at_s: int = ALWAYS
    ) -> list[Alert]:
        """Active ones first, then the newest; pending ones only when asked for.

        ``at_s``: those raised by then, in the state they had then; else as they are.
        """
        subjects = None if visible.subjects is None else sorted(visible.subjects)
        async with reader(self._pool) as db:
            rows = await db.fetch(_SHOWN, state, subjects, limit, at_s)
        return [_alert(r) for r in rows]

    async def alerts_by_id(self, visible: Visible, ids: Sequence[int]) -> list[Alert]:
        async with self._pool.acquire() as db:
            rows = await db.fetch(_BY_ID, list(ids))
        return [_alert(r) for r in rows if visible.allows(r["subject"])]

    async def cursor(self) -> Cursor | None:
        async with self._pool.acquire() as db:
            row = await db.fetchrow(
                'SELECT epoch, "offset" FROM alert_cursor WHERE name = $1', _NAME
            )
        return Cursor(row["epoch"], row["offset"]) if row else None

    async def open_episodes(self) -> list[Episode]:
        async with self._pool.acquire() as db:
            rows = await db.fetch(_OPEN)
        return [
            Episode(
                r["id"], r["indicator"], r["level"], r["subject"], r["state"], r["severity"],
                r["since_s"], r["raised_s"], r["resolved_s"], r["filling"],
            )
            for r in rows
        ]  # fmt: skip

    async def commit(self, step: AlertStep) -> None:
        async with self._pool.acquire() as db, db.transaction():
            await _move(db, step)
            announced = []
            for transition in step.transitions:
                alert_id = await _store(db, transition)
                if transition.kind in ANNOUNCED:
                    announced.append(alert_id)
                if transition.notice is not None:
                    await _queue(db, step, alert_id, transition.notice)
            if announced:
                payload = json.dumps({"alerts": announced})
                await db.execute(
                    _ANNOUNCE, step.source, step.at_s, step.watermark_s, step.filling, payload
                )
                await db.execute("NOTIFY ioc_change")

    async def lease(self, receiver: str, lease_s: float) -> Leased | None:
        async with self._pool.acquire() as db, db.transaction():
            await db.execute(_FOLD, receiver)
            row = await db.fetchrow(_LEASE, receiver, lease_s)
        if row is None:
            return None
        return Leased(
            row["id"], row["alert_id"], row["transition"], row["receiver"], row["idem_key"],
            _notice(row), row["attempts"], row["age_s"],
        )  # fmt: skip

    async def sent(self, leased: Leased) -> None:
        async with self._pool.acquire() as db, db.transaction():
            await db.execute(_SENT, leased.id, leased.attempts)
            if await db.fetchval(_TOLD, leased.alert_id) is not None:
                # Screens learn that it was sent by the same log as everything else.
                payload = json.dumps({"alerts": [leased.alert_id]})
                await db.execute(_ANNOUNCE_SENT, leased.alert_id, payload)
                await db.execute("NOTIFY ioc_change")

    async def later(self, leased: Leased, delay_s: float, error: str) -> None:
        async with self._pool.acquire() as db:
            await db.execute(_LATER, leased.id, leased.attempts, error[:500], delay_s)

    async def dead(self, leased: Leased, error: str) -> None:
        async with self._pool.acquire() as db:
            await db.execute(_DEAD, leased.id, leased.attempts, error[:500])

    async def expire(self, after_s: float) -> list[str]:
        async with self._pool.acquire() as db:
            return [r["idem_key"] for r in await db.fetch(_EXPIRE, after_s)]


async def _move(db: asyncpg.Connection, step: AlertStep) -> None:
    """First of all: the row's lock makes a rival wait, and then find the place taken."""
    after = (step.after.epoch, step.after.offset)
    if step.before is None:
        done = await db.execute(_FIRST_PLACE, _NAME, *after)
    else:
        done = await db.execute(_MOVE, _NAME, *after, step.before.epoch, step.before.offset)
    if not done.endswith(" 1"):
        raise OtherFollower(f"the cursor {_NAME!r} is no longer at {step.before}; reading it again")


async def _store(db: asyncpg.Connection, transition: Transition) -> int:
    episode = transition.episode
    worst = json.dumps([asdict(u) for u in transition.worst])
    if episode.id is None:
        return int(
            await db.fetchval(
                _START, episode.indicator, episode.level, episode.subject, episode.severity,
                episode.state, episode.since_s, episode.raised_s, episode.clear_s, episode.filling,
                transition.value, transition.target, worst,
            )
        )  # fmt: skip
    if transition.kind == "drop":
        await db.execute(_DROP, episode.id)
    elif transition.kind in ("clearing", "relapse"):
        await db.execute(_TIMER, episode.id, episode.clear_s)
    else:
        await db.execute(
            _CHANGE_EPISODE, episode.id, episode.severity, episode.state, episode.raised_s,
            episode.clear_s, episode.filling, transition.value, transition.target, worst,
        )  # fmt: skip
    return episode.id


async def _queue(db: asyncpg.Connection, step: AlertStep, alert_id: int, notice: Notice) -> None:
    body = json.dumps(asdict(notice), ensure_ascii=False)
    await db.execute(_QUEUE, alert_id, notice.reason, step.after.epoch, body, list(step.receivers))


def _notice(row: asyncpg.Record) -> Notice:
    told = json.loads(row["notice"])
    told["worst"] = tuple(WorstUnit(**u) for u in told["worst"])
    told["alert_id"] = row["alert_id"]
    return Notice(**told)


def _alert(row: asyncpg.Record) -> Alert:
    return Alert(
        row["id"], row["indicator"], row["level"], row["subject"], row["severity"], row["state"],
        row["since_s"], row["resolved_s"] if row["state"] == "resolved" else None,
        row["value"], row["target"],
        tuple((u["subject"], u["value"]) for u in json.loads(row["worst"])),
        row["filling"], row["sent"],
    )  # fmt: skip
