"""Scopes on the live channel: nothing of another scope, whatever is asked for and whenever."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from dataclasses import replace

import pytest
from websockets.exceptions import ConnectionClosed

from app.domain.access import Grant, Visible
from app.domain.tokens import make
from app.live import topic as topic_module
from app.live.frames import Ring, merge
from app.live.topic import Asked, Topic, Topics
from tests.unit.in_memory import (
    NOW_S,
    PROFILE,
    Database,
    StillClock,
    alert_of,
    health_of,
    reading_of,
)
from tests.unit.test_access import Tokens
from tests.unit.test_live_channel import serving

SUBJECTS = ["area:10", "area:080", "area:082", "area:083", "agency:H38.32", "group:1103"]
INDICATORS = ["ps.on_time", "ps.fully_online", "doc.on_time"]
TOPICS = Topics(PROFILE)
TILES = {g.id: {(t.indicator, t.subject) for t in g.tiles} for g in PROFILE.scene.groups}


def foreign(text: str, topic: Topic) -> list[str]:
    """Everything in a frame that the topic may not hold."""
    told = json.loads(text)
    rows = told.get("readings", []) + told.get("alerts", [])
    wrong = [r["subject"] for r in rows if not wished(topic, r["indicator"], r["subject"])]
    worst = [u["subject"] for a in told.get("alerts", []) for u in a["worst"]]
    return wrong + [s for s in worst if not topic.visible.allows(s)]


def random_topic(chance: random.Random) -> Topic:
    visible = frozenset(s for s in SUBJECTS if chance.random() < 0.4)
    some = [s for s in SUBJECTS if chance.random() < 0.3]
    of = [i for i in INDICATORS if chance.random() < 0.3]
    areas = [s for s in SUBJECTS if chance.random() < 0.2]
    scenes = [chance.choice(list(TILES))] if chance.random() < 0.2 else []
    seen = Visible(visible if chance.random() < 0.9 else None)
    return TOPICS.narrowed(seen, Asked(tuple(of), tuple(some), tuple(areas), tuple(scenes)))


def above(subject: str) -> set[str]:
    """A subject and whatever it rolls up to."""
    found, at = {subject}, PROFILE.subjects[subject].parent
    while at is not None:
        found.add(at)
        at = PROFILE.subjects[at].parent
    return found


def wished(topic: Topic, indicator: str, subject: str) -> bool:
    """What the words of the protocol say of one figure, told anew."""
    asked = topic.asked
    named = not (asked.subjects or asked.areas)
    named = named or subject in asked.subjects or bool(above(subject) & set(asked.areas))
    drawn = not asked.scenes or any((indicator, subject) in TILES[s] for s in asked.scenes)
    if not drawn and topic.visible.subjects is not None:
        # Who sees one subtree is shown its root where the wall shows the province: tested below.
        drawn = topic.takes(indicator, subject)
    return (
        topic.visible.allows(subject) and named and drawn
        and (not asked.indicators or indicator in asked.indicators)
    )  # fmt: skip


def add(ring: Ring, offset: int, chance: random.Random) -> dict[tuple[str, str], int]:
    told = {(chance.choice(INDICATORS), chance.choice(SUBJECTS)): offset for _ in range(3)}
    readings = {
        (i, s, "month"): json.dumps({"indicator": i, "subject": s, "v": v}).encode()
        for (i, s), v in told.items()
    }
    alerts = []
    if chance.random() < 0.3:
        worst = [{"subject": s} for s in chance.sample(SUBJECTS, 2)]
        of, about = chance.choice(INDICATORS), chance.choice(SUBJECTS)
        told_of = {"id": offset, "indicator": of, "subject": about, "worst": worst}
        alerts = [json.dumps(told_of).encode()]
    ring.add(offset, readings, alerts, {})
    return told


def test_a_hundred_thousand_changes_of_topic_show_nothing_of_another_and_all_of_ones_own(
    record_property,
):
    """A naive model beside the ring: a topic is told its part, frame by frame and merged."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    ring, truth, looked = Ring(frames=40), [], 0
    for change in range(100_000):
        if change % 20 == 0:
            truth.append(add(ring, len(truth) + 1, chance))
        topic = random_topic(chance)
        since = max(0, len(truth) - chance.randrange(1, 6))
        frames = ring.after(since)
        texts = [ring.told(f, topic) for f in frames]
        merged = merge(frames, topic)
        for text in (*texts, merged):
            if text is not None:
                assert foreign(text, topic) == [], f"seed {seed}"
        wanted = {k: v for told in truth[since:] for k, v in told.items() if wished(topic, *k)}
        rows = json.loads(merged)["readings"]
        assert {(r["indicator"], r["subject"]): r["v"] for r in rows} == wanted, f"seed {seed}"
        looked += len(rows)
    assert looked > 50_000
    record_property("changes of topic", 100_000)


def test_a_subscription_never_widens_and_what_is_no_subscription_is_refused():
    seen = Visible(frozenset({"area:082"}))
    asked = TOPICS.read(seen, '{"t":"subscribe","subjects":["area:10","area:082"]}')
    assert asked.takes("ps.on_time", "area:082")
    assert not asked.takes("ps.on_time", "area:10")
    for wrong in ("", "[]", "{}", '{"t":"hello"}', '{"t":"subscribe","more":1}', "\xff",
                  '{"t":"subscribe","subjects":"area:10"}',
                  '{"t":"subscribe","areas":["area:nowhere"]}',
                  '{"t":"subscribe","scenes":["opera"]}',
                  json.dumps({"t": "subscribe", "subjects": ["x"] * 10, "indicators":
                              [str(n) for n in range(2001)]})):  # fmt: skip
        with pytest.raises(ValueError, match=r"expected|at most"):
            TOPICS.read(seen, wrong)


def test_an_area_is_all_below_it_and_a_scene_is_what_it_shows():
    district = next(s.id for s in PROFILE.subjects.values() if s.level == "district")
    communes = {s.id for s in PROFILE.subjects.values() if s.parent == district}
    topic = TOPICS.narrowed(Visible(), Asked(areas=(district,)))
    assert topic.subjects is not None
    assert topic.subjects >= communes | {district}
    assert not any(topic.takes("ps.on_time", s) for s in ROOTS if s != district)
    wall, shown = TOPICS.narrowed(Visible(), Asked(scenes=("wall",))), PROFILE.scene.map
    assert wall.pairs is not None
    assert wall.pairs >= set().union(*TILES.values())
    assert all(wall.takes(shown.indicator, s) for s in shown.subjects)
    assert not any(wall.takes(i, c) for c in communes for i in PROFILE.indicators)
    own = Visible(frozenset({district, *communes}))
    tenant = TOPICS.narrowed(own, Asked(scenes=("wall",)))
    assert tenant.pairs is not None
    assert {s for _, s in tenant.pairs} == {district}, "its tiles speak of its own root"
    assert TOPICS.narrowed(Visible(), Asked(scenes=("wall",))) is wall, "one value for all of it"


def test_what_is_kept_of_topics_is_bounded(monkeypatch):
    monkeypatch.setattr(topic_module, "TOPICS_KEPT", 10)
    topics = Topics(PROFILE)
    for number in range(100):
        topics.narrowed(Visible(), Asked(subjects=(f"area:{number}",)))
    assert len(topics._one) == 10


# ── over sockets ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def stage():
    """A server that wants tokens, with figures and alerts of several subjects."""
    db, tokens = Database(), Tokens()
    db.healths = {s: health_of(s) for s in PROFILE.sources}
    for number, subject in enumerate(SUBJECTS):
        db.commit(reading_of(0.5, subject=subject))
        db.rows.append(replace(alert_of(number), subject=subject, worst=(("area:083", 0.1),)))
    async with serving(db, StillClock(NOW_S), tokens) as found:
        yield found, tokens


def showing(fresh):
    return {"additional_headers": {"Authorization": f"Bearer {fresh.text}"}}


async def closed_with(socket, within_s=5.0) -> tuple[int, float]:
    """The number a socket is closed with, and the seconds it took."""
    began = time.monotonic()
    async with asyncio.timeout(within_s):
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await socket.recv()
    return closed.value.rcvd.code, time.monotonic() - began


async def test_without_a_token_or_with_a_wrong_one_the_number_says_so(stage):
    found, tokens = stage
    async with found.connect() as socket:
        assert (await closed_with(socket))[0] == 4401
    async with found.connect(**showing(make("centre"))) as socket:
        assert (await closed_with(socket))[0] == 4402
    async with found.connect(**showing(tokens.add("*", rights=("alerts",)))) as socket:
        assert (await closed_with(socket))[0] == 4404


async def test_a_token_among_the_protocols_is_taken_and_never_repeated(stage):
    found, tokens = stage
    fresh = tokens.add("area:082")
    protocols = ["ioc.1", f"ioc-token.{fresh.text}"]
    async with found.connect(subprotocols=protocols) as socket:
        assert socket.subprotocol == "ioc.1"
        assert fresh.text not in str(socket.response.headers)
        assert json.loads(await socket.recv())["t"] == "hello"


async def test_a_revoked_token_is_cut_within_five_seconds_also_where_nobody_reads(stage):
    found, tokens = stage
    fresh, other = tokens.add("area:082"), tokens.add("area:083")
    async with (
        found.connect(**showing(fresh)) as one, found.connect(**showing(other)) as kept,
        found.connect(**showing(fresh)) as deaf,
    ):  # fmt: skip
        await one.recv()
        del tokens.rows[fresh.id]
        code, took = await closed_with(one)
        assert code == 4402
        assert took < 5
        async with asyncio.timeout(5):
            await deaf.wait_closed()
            while found.hub.stats()["live_clients"] != 1:
                await asyncio.sleep(0.02)
        await kept.recv()
    async with found.connect(**showing(fresh)) as socket:
        assert (await closed_with(socket))[0] == 4402


def district_of(subject: str) -> str | None:
    """None for what is above the districts: no token here may see it."""
    at: str | None = subject
    while at is not None and at not in ROOTS:
        at = PROFILE.subjects[at].parent
    return at


ROOTS = [s.id for s in PROFILE.subjects.values() if s.level == "district"]


class Tenants:
    """Tokens, half of which are given other subjects all the time, and who was what when."""

    def __init__(self, tokens: Tokens, chance: random.Random) -> None:
        self.tokens, self.chance = tokens, chance
        self.was: dict[str, list[tuple[float, str]]] = {}
        self.fresh = [self._new() for _ in range(6)]

    def _new(self):
        root = self.chance.choice(ROOTS)
        fresh = self.tokens.add(root)
        self.was[fresh.id] = [(time.monotonic(), root)]
        return fresh

    def rescope(self) -> None:
        token, root = self.chance.choice(self.fresh[:3]).id, self.chance.choice(ROOTS)
        self.was[token].append((time.monotonic(), root))
        self.tokens.rows[token] = replace(self.tokens.rows[token], grants=(Grant(root),))

    def may_see(self, token: str) -> set[str]:
        """Districts that were a token's at some time of the last five seconds."""
        told = self.was[token]
        ends = [*(at for at, _ in told[1:]), float("inf")]
        recent = time.monotonic() - 5
        return {root for (_, root), end in zip(told, ends, strict=True) if end > recent}


async def test_while_scopes_and_subscriptions_change_nothing_foreign_is_sent(
    stage, record_property
):
    """Every message is held to what its token could see; half of the tokens never change."""
    found, tokens = stage
    chance = random.Random(766)
    tenants = Tenants(tokens, chance)
    until, wanted = time.monotonic() + 4, int(os.environ.get("SCOPE_CHANGES", "50"))
    heard = {"frames": 0, "rows": 0, "changes": 0, "connections": 0}

    def going() -> bool:
        return time.monotonic() < until or heard["changes"] < wanted

    async def listen(token):
        while going():
            heard["connections"] += 1
            async with found.connect(**showing(token)) as socket:
                try:
                    while going():
                        if chance.random() < 0.3:
                            for _ in range(chance.choice((1, 1, 1, 200 if wanted > 50 else 1))):
                                some = [s for s in ROOTS if chance.random() < 0.5]
                                of = chance.choice(("subjects", "areas"))
                                await socket.send(json.dumps({"t": "subscribe", of: some}))
                                heard["changes"] += 1
                        hold(await asyncio.wait_for(socket.recv(), 5), token.id)
                except ConnectionClosed as closed:
                    assert closed.rcvd.code == 4403

    def hold(text, token):
        told = json.loads(text)
        data = told.get("data", told)
        rows = data.get("readings", []) + data.get("alerts", [])
        subjects = {r["subject"] for r in rows}
        subjects |= {u["subject"] for a in data.get("alerts", []) for u in a["worst"]}
        assert {district_of(s) for s in subjects} <= tenants.may_see(token)
        heard["frames"] += 1
        heard["rows"] += len(rows)

    async def change():
        while going():
            tenants.rescope()
            heard["changes"] += 1
            await asyncio.sleep(0.3)

    async def commit():
        number = 0
        while going():
            number += 1
            subject, other = chance.choice(ROOTS), chance.choice(ROOTS)
            found.db.commit(
                reading_of(number / 1e4, subject=subject, at_s=NOW_S + number),
                alerts=[replace(alert_of(number), subject=subject, worst=((other, 1.0),))],
            )
            await asyncio.sleep(0.01)

    await asyncio.gather(*(listen(t) for t in tenants.fresh), change(), commit())
    assert heard["rows"] > 100
    assert heard["changes"] > 50
    assert heard["connections"] > len(tenants.fresh)
    record_property("frames held to a scope", heard["frames"])
    record_property("changes of scope over sockets", heard["changes"])


async def test_a_subscription_is_acknowledged_and_its_snapshot_is_its_own(stage):
    found, tokens = stage
    async with found.connect(**showing(tokens.add("*"))) as socket:
        await socket.send('{"t":"subscribe","subjects":["area:082"],"indicators":["ps.on_time"]}')
        async with asyncio.timeout(5):
            while (told := json.loads(await socket.recv()))["t"] != "subscribed":
                continue
            assert told == {
                "t": "subscribed", "subjects": ["area:082"], "indicators": ["ps.on_time"],
                "areas": [], "scenes": [],
            }  # fmt: skip
            while (told := json.loads(await socket.recv()))["t"] != "snapshot":
                continue
        assert {r["subject"] for r in told["data"]["readings"]} == {"area:082"}
        await socket.send('{"t":"unheard of"}')
        async with asyncio.timeout(5):
            while (told := json.loads(await socket.recv()))["t"] != "error":
                continue
        assert (told["code"], told["retry_after_s"]) == (4400, None)
    narrow = f"?subject=area:083&epoch=e1&offset={found.db.offset}"
    async with found.connect(narrow, **showing(tokens.add("*"))) as socket:
        for subject in SUBJECTS:
            found.db.commit(reading_of(0.7, subject=subject, at_s=NOW_S))
        async with asyncio.timeout(5):
            while not (told := json.loads(await socket.recv())).get("readings"):
                continue
        assert [r["subject"] for r in told["readings"]] == ["area:083"]


async def test_areas_and_scenes_are_asked_for_by_address_and_by_message(stage):
    found, tokens = stage
    scene, (indicator, subject) = next((g, k) for g, ks in TILES.items() for k in sorted(ks))
    found.db.commit(reading_of(0.9, subject=subject, indicator=indicator))
    async with found.connect("?area=area:080", **showing(tokens.add("*"))) as socket:
        told = json.loads(await socket.recv())
        while told["t"] != "snapshot":
            told = json.loads(await socket.recv())
        shown = {r["subject"] for r in told["data"]["readings"]}
        assert shown
        assert all("area:080" in above(s) for s in shown)
        await socket.send(json.dumps({"t": "subscribe", "scenes": [scene]}))
        async with asyncio.timeout(5):
            while (told := json.loads(await socket.recv()))["t"] != "subscribed":
                continue
            assert told["scenes"] == [scene]
            while (told := json.loads(await socket.recv()))["t"] != "snapshot":
                continue
        keys = {(r["indicator"], r["subject"]) for r in told["data"]["readings"]}
        assert (indicator, subject) in keys
        assert keys <= TILES[scene]
    async with found.connect("?scene=opera", **showing(tokens.add("*"))) as socket:
        assert (await closed_with(socket))[0] == 4400
