"""From the outbox to receivers: real Postgres, real mail, real HTTP, and a worker that dies."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import Counter

import pytest
from aiosmtpd.smtp import SMTP

from app.alerts import follow
from app.domain.access import EVERYTHING
from app.notify import outbox
from app.notify.channel import Receiver, RetryLater, open_receivers
from app.store.alerts import PgAlerts
from tests.unit.alerts_stage import *  # noqa: F403 - the fixtures
from tests.unit.alerts_stage import RAISE, RESOLVE, announce, parts


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


async def test_a_database_clock_that_was_put_back_holds_nothing_up(pool):
    await announce(pool, *RAISE)
    await follow.step(parts(pool))
    store = PgAlerts(pool)
    # What the rows look like once the server's clock has gone back by an hour.
    await pool.execute(
        "UPDATE outbox SET created = created + interval '1 h', next_at = next_at + interval '1 h'"
    )
    leased = await store.lease("mail", 60)
    assert leased is not None
    await pool.execute("UPDATE outbox SET lease_until = lease_until + interval '1 h'")
    again = await store.lease("mail", 60)
    assert again is not None
    assert again.key == leased.key
