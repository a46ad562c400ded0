"""The protocol as written down is the one that is made, and the frames that are sent are of it."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from pydantic import ValidationError
from websockets.exceptions import ConnectionClosed

from app.api.protocol import FRAMES, schema
from app.domain.disconnects import DISCONNECTS
from app.live import frames
from tests.protocol import ROOT, SCHEMA, TYPES, schema_text, types_text
from tests.unit.in_memory import (
    NOW_S,
    PROFILE,
    Database,
    StillClock,
    alert_of,
    health_of,
    reading_of,
)
from tests.unit.test_live_channel import serving

PAGE = (ROOT / "docs/reference/live-protocol.md").read_text()


def test_the_schema_and_the_types_are_the_ones_that_are_made():
    made = schema()
    assert SCHEMA.read_text() == schema_text(made), "run: make protocol"
    assert TYPES.read_text() == types_text(made), "run: make protocol"
    assert len(made["$defs"]) > 20


def test_every_definition_that_is_named_is_there():
    told = schema_text(schema())
    for name in re.findall(r'"#/\$defs/(\w+)"', told):
        assert f'  "{name}": {{' in told, name


def test_a_changed_model_is_caught():
    made = json.loads(schema_text(schema()))
    made["$defs"]["Beat"]["properties"]["mood"] = {"type": "string"}
    assert types_text(made) != TYPES.read_text()
    assert "  mood?: string;" in types_text(made)


def test_every_frame_is_on_the_page():
    names = set(schema()["$defs"]["Frame"]["discriminator"]["mapping"])
    assert names == {"hello", "snapshot", "delta", "reset", "beat", "error", "subscribed"}
    assert [n for n in names if f"| `{n}` |" not in PAGE] == []


def test_every_number_is_on_the_page():
    rows = {int(n) for n in re.findall(r"^\| (\d{4})\b", PAGE, re.MULTILINE)}
    rows |= {int(n) for row in re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE)
             for n in row.split(",")}  # fmt: skip
    assert {d.code for d in DISCONNECTS} <= rows


def test_a_frame_with_a_field_too_many_or_few_is_refused():
    good = {"t": "reset", "reason": "x"}
    FRAMES.validate_python(good)
    for bad in ({**good, "more": 1}, {"t": "reset"}, {"t": "rumour"}, {**good, "reason": 5}):
        with pytest.raises(ValidationError):
            FRAMES.validate_python(bad)


@pytest.fixture
async def stage():
    db = Database()
    db.healths = {s: health_of(s) for s in PROFILE.sources}
    db.commit(reading_of(0.5))
    async with serving(db, StillClock(NOW_S)) as found:
        yield found


async def test_every_frame_a_server_sends_is_of_the_schema(stage):
    seen = set()
    async with stage.connect(subprotocols=["ioc.1"]) as socket:
        assert socket.subprotocol == "ioc.1"
        stage.db.commit(reading_of(0.6, at_s=NOW_S), alerts=[alert_of(1)])
        stage.db.healths["einvoice"] = health_of("einvoice", NOW_S - 5000)
        async with asyncio.timeout(10):
            while seen < {"hello", "snapshot", "delta", "beat", "reset"}:
                frame = FRAMES.validate_json(await socket.recv())
                seen.add(frame.t)
                if seen == {"hello", "snapshot", "delta", "beat"}:
                    stage.db.restore("e2")
    FRAMES.validate_json(frames.error_text(1013, "too many clients", 7.5))
    FRAMES.validate_json(frames.error_text(1013, "too many clients"))


async def test_the_version_is_agreed_on_or_said_to_be_another(stage):
    async with stage.connect(subprotocols=["ioc.9", "ioc.1"]) as socket:
        assert socket.subprotocol == "ioc.1"
        assert json.loads(await socket.recv())["t"] == "hello"
    async with stage.connect() as socket:
        assert json.loads(await socket.recv())["schema"] == 1
    async with stage.connect(subprotocols=["ioc.9"]) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd.code == 4406
    assert "ioc.1" in closed.value.rcvd.reason
