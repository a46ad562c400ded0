"""From a change of the log to rows, messages and receivers: real Postgres, real mail, real HTTP."""

from __future__ import annotations

import ast
import asyncio
import hashlib
import hmac
import json
import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from aiosmtpd.smtp import SMTP

from app.alerts import follow
from app.domain.access import EVERYTHING, Visible
from app.domain.alerting import OtherFollower
from app.domain.reading import Reading
from app.notify import outbox
from app.notify.channel import Receiver, RetryLater, open_receivers
from app.profile import load_profile, profile_folder
from app.store.alerts import PgAlerts
from app.store.changes import PgChanges
from app.store.embedded import EmbeddedPostgres
from app.store.readings import PgReadings

DAY = 86400
BEGAN_S = 1_664_757_000  # 2022-10-03T07:30:00+07:00
MIGRATION = Path(__file__).parents[2] / "alembic" / "versions" / "0001_spine.py"


def tables() -> str:
    """The statements of the first migration, as its own text."""
    for node in ast.parse(MIGRATION.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "TABLES":
            return str(ast.literal_eval(node.value))
    raise AssertionError(f"{MIGRATION} has no TABLES")


@pytest.fixture(scope="module")
def server():
    folder = Path(tempfile.mkdtemp(prefix="ioc-alerts-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder)
    yield postgres.start()
    postgres.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def pool(server):
    pool = await asyncpg.create_pool(server, min_size=1, max_size=8)
    await pool.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await pool.execute(tables())
    yield pool
    await pool.close()


PROFILE = load_profile(profile_folder("laocai"))


def parts(pool, receivers=("mail", "hook")) -> follow.Parts:
    return follow.Parts(
        PROFILE, PgChanges(pool), PgReadings(pool), PgAlerts(pool), tuple(receivers), True
    )


def reading(state: str, day: float, value: float | None = 0.913) -> Reading:
    at_s = BEGAN_S + int(day * DAY)
    return Reading(
        "ps.on_time", "area:10", "month", 0, at_s, at_s, "public_service", value, 73, 80, 0.95,
        state, "",
    )  # fmt: skip


async def announce(pool, *readings: Reading, filling: bool = False) -> None:
    for r in readings:
        row = [getattr(r, name) for name in Reading.__slots__]
        await pool.execute(
            "INSERT INTO change (kind, source, at_s, watermark_s, filling, payload)"
            " VALUES ('readings', 'public_service', $1, $1, $2, $3::jsonb)",
            r.at_s, filling, json.dumps({"readings": [row]}),
        )  # fmt: skip


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


RAISE = (reading("lagging", 0), reading("lagging", 3), reading("lagging", 5))
RESOLVE = (reading("met", 6, 0.97), reading("met", 8.5, 0.97))


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


class Sink:
    """An HTTP receiver that counts bodies by key and answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[str] = []

    async def start(self) -> str:
        self.server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/alerts"

    async def _take(self, reader, writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.got.append((headers, body))
        answer = self.answers.pop(0) if self.answers else "204 No Content"
        if answer != "hang up":
            writer.write(f"HTTP/1.1 {answer}\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    def keys(self) -> Counter[str]:
        return Counter(h["idempotency-key"] for h, _ in self.got)


@pytest.fixture
async def sink():
    sink = Sink()
    sink.url = await sink.start()
    yield sink
    sink.server.close()
    await sink.server.wait_closed()


class Mailbox:
    def __init__(self) -> None:
        self.mails = []
        self.refuse = ""

    async def handle_DATA(self, server, session, envelope):
        if self.refuse:
            return self.refuse
        self.mails.append(envelope.content.decode())
        return "250 OK"


@pytest.fixture
async def mailbox():
    box, loop = Mailbox(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, hostname="sink", loop=loop), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    yield box
    server.close()
    await server.wait_closed()


def worker(pool, receivers, chance: float = 0.0) -> outbox.Parts:
    return outbox.Parts(PgAlerts(pool), receivers, lambda: chance)


async def drain(pool, receivers) -> None:
    """Send all that is queued, not waiting for the delays."""
    for _ in range(50):
        await pool.execute("UPDATE outbox SET next_at = now()")
        if not [r for r in receivers if await outbox.step(worker(pool, receivers), r)]:
            return
    raise AssertionError("the outbox does not come to rest")


async def states(pool) -> list[tuple[str, str, str]]:
    rows = await pool.fetch("SELECT receiver, transition, state FROM outbox ORDER BY id")
    return [tuple(r) for r in rows]


async def test_each_transition_reaches_mail_and_webhook_once(pool, sink, mailbox):
    receivers = open_receivers({
        "hook": {"channel": "webhook", "url": sink.url, "secret": "s3cret"},
        "mail": {"channel": "smtp", "host": "127.0.0.1", "port": mailbox.port,
                 "sender": "IOC <ioc@laocai.example>", "to": ["truc@laocai.example"]},
    })  # fmt: skip
    await announce(pool, *RAISE)
    await follow.step(parts(pool))
    await drain(pool, receivers)
    assert (await PgAlerts(pool).alerts(EVERYTHING, "active", 1))[0].sent
    await announce(pool, *RESOLVE)
    await follow.step(parts(pool))
    await drain(pool, receivers)
    assert list(sink.keys().values()) == [1, 1]
    headers, body = sink.got[0]
    signed = hmac.new(b"s3cret", headers["x-ioc-timestamp"].encode() + b"." + body, hashlib.sha256)
    assert headers["x-ioc-signature"] == "sha256=" + signed.hexdigest()
    told = [json.loads(b) for _, b in sink.got]
    assert [t["reason"] for t in told] == ["raised", "resolved"]
    assert told[0]["simulated"] and told[0]["alert_id"] == 1
    assert len(mailbox.mails) == 2
    ids = [line for m in mailbox.mails for line in m.splitlines() if line.startswith("Message-ID")]
    assert len(set(ids)) == 2


async def test_killed_between_sending_and_noting_it_is_sent_again_under_the_same_key(pool, sink):
    [receiver] = open_receivers({"hook": {"channel": "webhook", "url": sink.url}})
    await announce(pool, *RAISE)
    await follow.step(parts(pool, ["hook"]))
    leased = await PgAlerts(pool).lease("hook", 60)
    await receiver.send(leased.notice, leased.key)  # and the process dies here
    assert await PgAlerts(pool).lease("hook", 60) is None
    await pool.execute("UPDATE outbox SET lease_until = now() - interval '1 s'")
    await drain(pool, [receiver])
    assert sink.keys() == {leased.key: 2}
    # The dead worker's late word changes nothing any more.
    await PgAlerts(pool).dead(leased, "too late")
    assert await states(pool) == [("hook", "raised", "sent")]


async def test_unclear_answers_are_retried_and_refusals_are_not(pool, sink):
    [receiver] = open_receivers({"hook": {"channel": "webhook", "url": sink.url}})
    sink.answers = ["503 Busy\r\nRetry-After: 7", "hang up", "429 Slow", "200 OK", "410 Gone"]
    await announce(pool, *RAISE)
    await follow.step(parts(pool, ["hook"]))
    await outbox.step(worker(pool, [receiver]), receiver)
    left = await pool.fetchval("SELECT extract(epoch FROM next_at - now()) FROM outbox")
    assert 5 < left <= 7
    await drain(pool, [receiver])
    assert list(sink.keys().values()) == [4]
    await announce(pool, *RESOLVE)
    await follow.step(parts(pool, ["hook"]))
    await drain(pool, [receiver])
    assert await states(pool) == [("hook", "raised", "sent"), ("hook", "resolved", "dead")]


async def test_redirects_are_not_followed(pool, sink):
    [receiver] = open_receivers({"hook": {"channel": "webhook", "url": sink.url}})
    sink.answers = [f"307 Elsewhere\r\nLocation: {sink.url}"]
    await announce(pool, *RAISE)
    await follow.step(parts(pool, ["hook"]))
    await drain(pool, [receiver])
    assert len(sink.got) == 1
    assert await states(pool) == [("hook", "raised", "dead")]


@pytest.mark.parametrize(("answer", "state"), [("451 later", "queued"), ("550 no", "dead")])
async def test_mail_servers_are_believed(pool, mailbox, answer, state):
    mailbox.refuse = answer
    [receiver] = open_receivers({
        "mail": {"channel": "smtp", "host": "127.0.0.1", "port": mailbox.port,
                 "sender": "ioc@laocai.example", "to": ["truc@laocai.example"]},
    })  # fmt: skip
    await announce(pool, *RAISE)
    await follow.step(parts(pool, ["mail"]))
    await outbox.step(worker(pool, [receiver]), receiver)
    assert await states(pool) == [("mail", "raised", state)]


async def test_a_resolve_that_overtakes_its_raise_tells_both(pool):
    told = []

    async def send(notice, key):
        if not told and notice.reason == "raised":
            raise RetryLater("away")
        told.append(notice)

    receiver = Receiver("hook", send)
    await announce(pool, *RAISE)
    await follow.step(parts(pool, ["hook"]))
    await outbox.step(worker(pool, [receiver]), receiver)
    await announce(pool, *RESOLVE)
    await follow.step(parts(pool, ["hook"]))
    await drain(pool, [receiver])
    assert [n.reason for n in told] == ["raised_resolved"]
    assert "cảnh báo lúc 08/10/2022 07:30" in told[0].text
    assert await states(pool) == [("hook", "raised", "superseded"), ("hook", "resolved", "sent")]


async def test_a_resolve_waits_for_a_raise_that_is_being_sent(pool):
    store = PgAlerts(pool)
    await announce(pool, *RAISE, *RESOLVE[:1])
    await follow.step(parts(pool, ["hook"]))
    leased = await store.lease("hook", 60)
    await announce(pool, *RESOLVE[1:])
    await follow.step(parts(pool, ["hook"]))
    assert await store.lease("hook", 60) is None
    await store.sent(leased)
    after = await store.lease("hook", 60)
    assert (after.transition, after.notice.reason) == ("resolved", "resolved")


async def test_many_workers_lease_each_message_once(pool):
    await pool.execute(
        "INSERT INTO alert (indicator, level, subject, severity, state, since_s, filling)"
        " SELECT 'x', 'l', n::text, 'lagging', 'active', 0, false FROM generate_series(1, 40) n"
    )
    await announce(pool, *RAISE)
    await follow.step(parts(pool, ["hook"]))
    await pool.execute(
        "INSERT INTO outbox (alert_id, transition, receiver, idem_key, notice)"
        " SELECT n, 'raised', 'hook', 'k' || n, (SELECT notice FROM outbox LIMIT 1)"
        " FROM generate_series(1, 40) n"
    )
    keys = Counter()

    async def send(notice, key):
        keys[key] += 1
        await asyncio.sleep(0)

    receiver = Receiver("hook", send)

    async def work():
        misses = 0
        while misses < 5:
            misses += not await outbox.step(worker(pool, [receiver]), receiver)

    await asyncio.gather(*(work() for _ in range(6)))
    assert len(keys) == 41 and set(keys.values()) == {1}


async def test_what_nobody_took_for_a_day_is_dead(pool):
    await announce(pool, *RAISE)
    await follow.step(parts(pool, ["gone"]))
    assert await PgAlerts(pool).expire(outbox.GIVE_UP_S) == []
    await pool.execute("UPDATE outbox SET created = now() - interval '25 h'")
    assert len(await PgAlerts(pool).expire(outbox.GIVE_UP_S)) == 1
    assert await states(pool) == [("gone", "raised", "dead")]


async def test_both_loops_outlive_a_lost_database(pool):
    told = []

    async def send(notice, key):
        told.append(key)

    stop = asyncio.Event()
    receiver = Receiver("hook", send)
    loops = asyncio.gather(
        follow.run(parts(pool, ["hook"]), stop), outbox.run(worker(pool, [receiver]), stop)
    )
    await asyncio.sleep(0.2)
    await pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await announce(pool, *RAISE)
    async with asyncio.timeout(15):
        while not told:
            await asyncio.sleep(0.1)
    stop.set()
    await asyncio.wait_for(loops, 5)
    assert len(told) == 1
