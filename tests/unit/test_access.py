"""Access: who is let in, what a scope leaves out, and how soon an ended token is shown the door."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access import Door
from app.access import door as door_module
from app.api import ApiParts, create_api
from app.api.admission import near, shown
from app.api.rights import NEEDS
from app.domain.access import ANYBODY, EVERYTHING, Grant, NotAdmitted, visible_on
from app.domain.disconnects import DISCONNECTS, EXPIRED, NO_TOKEN, RESCOPED
from app.domain.ports import CaseRow, QuarantineRow
from app.domain.tokens import Known, id_of, make, opens
from tests.unit.in_memory import (
    NOW_S,
    PROFILE,
    Database,
    StillClock,
    alert_of,
    health_of,
    reading_of,
)

DAY = date(2022, 10, 3)
DOCS = Path(__file__).parents[2] / "docs/reference"


@dataclass
class Tokens:
    """The token table in memory."""

    rows: dict[str, Known] = field(default_factory=dict)
    away: bool = False
    reads: int = 0

    async def alive(self) -> list[Known]:
        self.reads += 1
        if self.away:
            raise OSError("the server closed the connection")
        return list(self.rows.values())

    async def note_used(self, ids: list[str]) -> None:
        return

    def add(self, *subjects: str, rights=("figures", "alerts", "cases", "sources"), left_s=9e9):
        fresh = make("centre")
        grants = tuple(Grant(s) for s in subjects)
        self.rows[fresh.id] = Known(fresh.id, fresh.digest, frozenset(rights), grants, left_s)
        return fresh


def door_of(tokens, clock=None, anonymous="this_machine", closed=None):
    log = closed if closed is not None else []
    return Door(
        tokens, PROFILE.subjects, clock or StillClock(NOW_S), anonymous,
        lambda token, code: log.append((token, code)),
    )  # fmt: skip


# ── tokens ──────────────────────────────────────────────────────────────────────────────────────


def test_a_token_names_itself_and_opens_by_its_secret_alone():
    one, other = make("centre"), make("centre")
    assert id_of(one.text) == one.id
    assert opens(one.text, one.digest)
    assert not opens(other.text, one.digest)
    assert not opens(one.text.replace(one.id, other.id)[:-1] + "g", one.digest)
    assert one.text.rsplit("_", 1)[1].encode() not in one.digest


@given(st.text(max_size=120))
def test_nothing_but_a_token_has_the_form_of_one(text):
    assert id_of(text) is None
    assert id_of(f"ioc_centre_{text}") is None


# ── scopes ──────────────────────────────────────────────────────────────────────────────────────


def test_a_district_is_its_communes_and_their_agencies_and_nothing_else():
    seen = visible_on([Grant("area:082")], PROFILE.subjects, DAY).subjects
    levels = {PROFILE.subjects[s].level for s in seen}
    assert levels == {"district", "commune", "agency"}
    assert "area:10" not in seen
    for subject in seen - {"area:082"}:
        assert PROFILE.subjects[subject].parent in seen
    others = set(PROFILE.subjects) - seen
    assert not {s for s in others if PROFILE.subjects[s].parent in seen}


def test_grants_hold_on_their_days_only_and_a_star_is_everything():
    grant = Grant("area:082", date(2022, 10, 3), date(2022, 10, 4))
    sizes = [
        len(visible_on([grant], PROFILE.subjects, date(2022, 10, d)).subjects) for d in range(2, 6)
    ]
    assert sizes[0] == sizes[3] == 0
    assert sizes[1] == sizes[2] > 10
    assert visible_on([Grant("*")], PROFILE.subjects, DAY) == EVERYTHING
    assert visible_on([], PROFILE.subjects, DAY).subjects == frozenset()


# ── the door ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("anonymous", "from_here", "let_in"),
    [
        ("this_machine", True, True), ("this_machine", False, False), ("nowhere", True, False),
        ("anywhere", False, True),
    ],
)  # fmt: skip
async def test_who_shows_no_token(anonymous, from_here, let_in):
    door = door_of(Tokens(), anonymous=anonymous)
    if let_in:
        assert await door.admit(presented=None, near=from_here) == ANYBODY
        return
    with pytest.raises(NotAdmitted) as refused:
        await door.admit(presented=None, near=from_here)
    assert refused.value.code == NO_TOKEN


async def test_a_token_just_made_is_known_and_a_wrong_one_is_refused_even_on_this_machine():
    tokens = Tokens()
    door = door_of(tokens)
    fresh = tokens.add("area:082")
    given_pass = await door.admit(presented=fresh.text, near=True)
    assert given_pass.token == fresh.id
    assert given_pass.visible.allows("area:082")
    assert not given_pass.visible.allows("area:10")
    for wrong in ("", "x", fresh.text[:-1] + "g", make("centre").text, fresh.text + "\n"):
        with pytest.raises(NotAdmitted):
            await door.admit(presented=wrong, near=True)


async def test_strangers_cost_no_read_each():
    tokens = Tokens()
    door = door_of(tokens)
    asked = [door.admit(presented=make("centre").text, near=True) for _ in range(200)]
    refused = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(r) for r in refused} == {NotAdmitted}
    assert tokens.reads <= 5


@pytest.fixture
async def running():
    """A door with one token admitted, looking every second, and what it has closed."""
    tokens, clock, closed, stop = Tokens(), StillClock(NOW_S), [], asyncio.Event()
    door = door_of(tokens, clock, closed=closed)
    fresh = tokens.add("area:082")
    await door.admit(presented=fresh.text, near=False)
    task = asyncio.create_task(door.run(stop))
    yield tokens, clock, door, fresh, closed
    stop.set()
    await task


@pytest.fixture
def quick(monkeypatch):
    """A door that looks ten times a second: how long a second is, is not what is tested."""
    monkeypatch.setattr(door_module, "LOOK_S", 0.1)


async def told(closed, within_s=5.0):
    async with asyncio.timeout(within_s):
        while not closed:
            await asyncio.sleep(0.02)
    return closed[0]


async def test_a_revoked_token_is_told_within_five_seconds_and_is_refused(running):
    tokens, _, door, fresh, closed = running
    del tokens.rows[fresh.id]
    assert await told(closed) == (fresh.id, EXPIRED)
    with pytest.raises(NotAdmitted):
        await door.admit(presented=fresh.text, near=True)


async def test_other_subjects_close_it_and_the_next_pass_is_of_the_new_ones(quick, running):
    tokens, _, door, fresh, closed = running
    tokens.rows[fresh.id] = replace(tokens.rows[fresh.id], grants=(Grant("area:083"),))
    assert await told(closed) == (fresh.id, RESCOPED)
    seen = (await door.admit(presented=fresh.text, near=False)).visible
    assert seen.allows("area:083")
    assert not seen.allows("area:082")


async def test_the_last_day_of_a_scope_closes_it(quick, running):
    tokens, clock, _, fresh, closed = running
    tokens.rows[fresh.id] = replace(
        tokens.rows[fresh.id], grants=(Grant("area:082", None, DAY), Grant("area:083"))
    )
    assert await told(closed) == (fresh.id, RESCOPED)
    closed.clear()
    clock.at_s += 86400
    assert await told(closed) == (fresh.id, RESCOPED)


async def test_a_token_expires_while_the_database_is_away(quick, running):
    tokens, _, door, fresh, closed = running
    tokens.rows[fresh.id] = replace(tokens.rows[fresh.id], left_s=0.4)
    seen = tokens.reads
    while tokens.reads == seen:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.02)
    tokens.away = True
    assert (await told(closed))[0] == fresh.id
    # Nobody can say now whether it lives: over HTTP that is a 503, to be asked again.
    with pytest.raises(OSError, match="closed the connection"):
        await door.admit(presented=fresh.text, near=True)


# ── over HTTP ───────────────────────────────────────────────────────────────────────────────────


async def _no_hub(scope, receive, send):
    await send({"type": "websocket.close", "code": 1000})


@pytest.fixture
async def stage():
    """The API behind a door, its database, its tokens, and a client from elsewhere."""
    db, tokens = Database(), Tokens()
    db.healths = {"public_service": health_of()}
    for subject in ("area:10", "area:082", "area:083", "agency:H38.32"):
        db.commit(reading_of(0.9, subject=subject))
    db.rows = [alert_of(1), replace(alert_of(2), subject="area:082"),
               replace(alert_of(3), subject="area:085")]  # fmt: skip
    db.open_cases = [
        CaseRow(f"c{n}", "dossier", agency, "LV05", 1, NOW_S - 9, NOW_S - 5)
        for n, agency in enumerate(("H38.32", "H38.33", "H38.32.2"))
    ]
    db.set_aside = [QuarantineRow(1, "public_service", NOW_S, "no code", "{}", 1)]

    async def ready() -> bool:
        return True

    parts = ApiParts(
        PROFILE, StillClock(NOW_S), db, db, db, db, db, _no_hub, "0.1.0", None, ready,
        gate=door_of(tokens),
    )  # fmt: skip
    transport = httpx2.ASGITransport(create_api(parts), client=("10.1.2.3", 5000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://ioc") as client:
        yield client, tokens


def bearer(fresh):
    return {"Authorization": f"Bearer {fresh.text}"}


def subjects_in(told) -> set[str]:
    return set(re.findall(r"(?:area|agency|group|sector|tier):[\w.-]+", told))


async def test_without_a_token_nothing_but_the_probes_answers_from_elsewhere(stage):
    client, _ = stage
    routes = [p for p, needed in NEEDS.items() if needed != "open" and not p.endswith("live")]
    assert len(routes) > 10
    for path in routes:
        got = await client.get(path)
        assert got.status_code == 401, path
        assert got.headers["www-authenticate"].startswith("Bearer")
    assert (await client.get("/healthz")).status_code == 200


async def test_of_another_scope_nothing_is_seen(stage):
    client, tokens = stage
    fresh = tokens.add("area:082")
    mine = visible_on([Grant("area:082")], PROFILE.subjects, DAY).subjects
    snapshot = (await client.get("/api/v1/snapshot", headers=bearer(fresh))).json()
    assert {r["subject"] for r in snapshot["readings"]} == {"area:082", "agency:H38.32"}
    assert {a["id"] for a in snapshot["alerts"]} == {2}
    assert snapshot["alerts"][0]["worst"] == []
    tiles = [t for g in snapshot["scene"]["groups"] for t in g["tiles"]]
    assert {t["subject"] for t in tiles} == {"area:082"}
    for path in (
        "/readings/latest", "/readings/latest?subject=area:083", "/readings/latest?level=district",
        "/readings/history?indicator=ps.on_time", "/alerts",
    ):  # fmt: skip
        got = await client.get(f"/api/v1{path}", headers=bearer(fresh))
        assert got.status_code == 200
        assert subjects_in(got.text) <= mine, path
    cases = (await client.get("/api/v1/cases", headers=bearer(fresh))).json()
    assert {c["code"] for c in cases["cases"]} == {"c0", "c2"}
    assert cases["total"] == 2
    for path, status in (("/quarantine", 403), ("/readings/why?indicator=ps.on_time&subject=area:083", 404)):  # fmt: skip  # noqa: E501
        got = await client.get(f"/api/v1{path}", headers=bearer(fresh))
        assert got.status_code == status, path


async def test_scopes_do_not_share_a_snapshot_and_one_scope_does(stage):
    client, tokens = stage
    one, same, other, whole = (tokens.add(s) for s in ("area:082", "area:082", "area:083", "*"))
    texts = [
        (await client.get("/api/v1/snapshot", headers=bearer(t))).json()["readings"]
        for t in (one, same, other, whole)
    ]
    assert texts[0] == texts[1]
    assert [len(t) for t in texts] == [2, 2, 1, 3]


async def test_a_right_that_is_missing_is_named(stage):
    client, tokens = stage
    fresh = tokens.add("*", rights=("figures",))
    got = await client.get("/api/v1/cases", headers=bearer(fresh))
    assert got.status_code == 403
    assert "--right cases" in got.json()["detail"]
    assert (await client.get("/api/v1/indicators", headers=bearer(fresh))).status_code == 200


async def test_a_screen_holds_its_token_where_no_script_reads_it(stage):
    client, tokens = stage
    fresh = tokens.add("area:082")
    assert (await client.post("/api/v1/session")).status_code == 401
    wrong = await client.post("/api/v1/session", headers={"Authorization": "Bearer nonsense"})
    assert wrong.status_code == 401
    got = await client.post("/api/v1/session", headers=bearer(fresh))
    assert got.status_code == 200
    assert fresh.text not in got.text
    told = got.headers["set-cookie"].lower()
    assert "httponly" in told
    assert "samesite=strict" in told
    assert (await client.get("/api/v1/snapshot")).status_code == 200
    await client.delete("/api/v1/session")
    assert (await client.get("/api/v1/snapshot")).status_code == 401


async def test_an_address_nobody_stated_is_refused_to_a_scope(stage):
    """A route that is added and forgotten in the table must not show a district everything."""
    client, tokens = stage
    for root, status in (("area:082", 403), ("*", 404)):
        got = await client.get("/api/v1/forgotten", headers=bearer(tokens.add(root)))
        assert got.status_code == status
    assert (await client.get("/api/v1/forgotten")).status_code == 401


def test_every_route_states_what_it_needs_and_the_page_says_so():
    async def ready() -> bool:
        return True

    db = Database()
    parts = ApiParts(
        PROFILE, StillClock(NOW_S), db, db, db, db, db, _no_hub, "0.1.0", None, ready
    )  # fmt: skip
    api = create_api(parts)
    paths = set(api.openapi()["paths"])
    paths |= {f"/api/v1/{name}" for name in ("live", "openapi.json", "docs")}
    assert set(NEEDS) <= paths
    page = (DOCS / "access.md").read_text()
    for path, needed in NEEDS.items():
        if needed not in ("open", "any token"):
            rows = [line for line in page.splitlines() if line.endswith(f"`{needed}` |")]
            assert any(path.removeprefix("/api/v1") in row for row in rows), path


@pytest.mark.parametrize(
    ("peer", "headers", "is_near"),
    [
        (("127.0.0.1", 1), [], True), (("::1", 1), [], True), (("10.0.0.1", 1), [], False),
        (("127.0.0.1", 1), [(b"x-forwarded-for", b"9.9.9.9")], False), (None, [], False),
        (("127.0.0.1", 1), [(b"forwarded", b"for=9.9.9.9")], False), (("testhost", 1), [], False),
    ],
)  # fmt: skip
def test_who_is_on_this_machine(peer, headers, is_near):
    assert near({"client": peer, "headers": headers}) is is_near


def test_where_a_token_is_shown():
    def scope(*headers, subprotocols=()):
        return {"headers": list(headers), "subprotocols": subprotocols}

    assert shown(scope()) is None
    assert shown(scope((b"authorization", b"Bearer ioc_x"))) == "ioc_x"
    assert shown(scope((b"authorization", b"Basic eDp5"))) == "Basic eDp5"
    assert shown(scope(subprotocols=["ioc.1", "ioc-token.ioc_x"])) == "ioc_x"
    assert shown(scope((b"cookie", b"a=b; ioc_token=ioc_x"))) == "ioc_x"
    assert shown(scope((b"cookie", b"\xff;=;;"))) is None


def test_every_number_is_said_on_the_page():
    page = (DOCS / "live-protocol.md").read_text()
    for one in DISCONNECTS:
        assert re.search(rf"\b{one.code}\b", page), one
    assert len({d.code for d in DISCONNECTS}) == len(DISCONNECTS)
