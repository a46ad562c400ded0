"""Disconnects: every way the live channel is closed, by number, and what a client must do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

STOPPING, RESTARTING, TOO_BIG, FULL = 1001, 1012, 1009, 1013
STRANGE_ORIGIN = 1008
NO_TOKEN, EXPIRED, RESCOPED, NO_RIGHT, BAD_REQUEST, OTHER_VERSION = (
    4401, 4402, 4403, 4404, 4400, 4406,
)  # fmt: skip
Then = Literal["reconnect", "reconnect_anew", "ask_for_token", "reload", "stop"]


@dataclass(frozen=True, slots=True)
class Disconnect:
    """``then`` is what a program does; the words are for the people who write one."""

    code: int
    name: str
    meaning: str
    then: Then


DISCONNECTS = (
    Disconnect(STOPPING, "stopping", "the server stops", "reconnect"),
    Disconnect(RESTARTING, "restarting", "the server starts again", "reconnect"),
    Disconnect(STRANGE_ORIGIN, "strange_origin", "the page is of another host", "stop"),
    Disconnect(TOO_BIG, "too_big", "a message of the client was over 64 KiB", "stop"),
    Disconnect(FULL, "full", "too many clients, or this one could not keep up", "reconnect"),
    Disconnect(BAD_REQUEST, "bad_request", "too much, or something unknown, was asked for", "stop"),
    Disconnect(NO_TOKEN, "no_token", "a token is needed here", "ask_for_token"),
    Disconnect(EXPIRED, "expired", "the token is unknown, revoked or expired", "ask_for_token"),
    Disconnect(RESCOPED, "rescoped", "the token sees other subjects now", "reconnect_anew"),
    Disconnect(NO_RIGHT, "no_right", "the token may not read the live channel", "stop"),
    Disconnect(OTHER_VERSION, "other_version", "no version both sides speak", "reload"),
)
