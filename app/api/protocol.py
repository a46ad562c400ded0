"""Protocol: every message of the live channel as a model; its JSON Schema is made from these."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from app.api.models import Alert, Clock, Model, Quality, Reading, Snapshot, Source
from app.domain.disconnects import DISCONNECTS

VERSION = 1
SUBPROTOCOL = f"ioc.{VERSION}"


class Hello(Model):
    t: Literal["hello"]
    epoch: str = Field(description="empty while the server has no database yet")
    offset: int
    build: str
    schema_: int = Field(alias="schema")
    server_time: str = Field(description="real time of the server; `clock` is data time")
    clock: Clock


class SnapshotFrame(Model):
    t: Literal["snapshot"]
    data: Snapshot


class Delta(Model):
    t: Literal["delta"]
    offset: int
    readings: list[Reading]
    alerts: list[Alert]
    sources: list[Source]


class Reset(Model):
    t: Literal["reset"]
    reason: str


class BeatSource(Model):
    id: str
    quality: Quality
    watermark: str | None
    progress: float


class Beat(Model):
    t: Literal["beat"]
    offset: int
    server_time: str
    clock: Clock
    sources: list[BeatSource]


class Error(Model):
    """Said before the server closes; ``retry_after_s`` is honoured before connecting again."""

    t: Literal["error"]
    code: int
    reason: str
    retry_after_s: float | None


class Subscribed(Model):
    """The topic that holds from here on; its snapshot follows. Empty = all that is visible."""

    t: Literal["subscribed"]
    indicators: list[str]
    subjects: list[str]
    areas: list[str]
    scenes: list[str]


class Subscribe(Model):
    """From the client, at any time; an empty list is everything its token may see."""

    t: Literal["subscribe"]
    indicators: list[str] = Field(default=[])
    subjects: list[str] = Field(default=[])
    areas: list[str] = Field(default=[], description="each with all that rolls up to it")
    scenes: list[str] = Field(default=[], description="wall, map, or the id of a row of tiles")


Frame = Annotated[
    Hello | SnapshotFrame | Delta | Reset | Beat | Error | Subscribed, Field(discriminator="t")
]
FRAMES: TypeAdapter[Frame] = TypeAdapter(Frame)
ASKED: TypeAdapter[Subscribe] = TypeAdapter(Subscribe)


def schema() -> dict[str, object]:
    """JSON Schema of both directions, with the numbers a connection is closed by."""
    told = FRAMES.json_schema(ref_template="#/$defs/{model}", mode="serialization")
    asked = ASKED.json_schema(ref_template="#/$defs/{model}", mode="validation")
    defs = {**told.pop("$defs"), "Subscribe": asked, "Frame": told}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:ioc:live-protocol:1",
        "title": "The live channel",
        "version": VERSION,
        "subprotocol": SUBPROTOCOL,
        "$ref": "#/$defs/Frame",
        "disconnects": [
            {"code": d.code, "name": d.name, "meaning": d.meaning, "then": d.then}
            for d in DISCONNECTS
        ],
        "$defs": defs,
    }
