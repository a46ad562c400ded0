"""Asking: what a handshake says: from which page, in which version, and from where on."""

from __future__ import annotations

import random
from urllib.parse import parse_qs, urlsplit

from starlette.types import Scope, Send

from app.domain.access import pass_of
from app.domain.disconnects import BAD_REQUEST, FULL, OTHER_VERSION, STRANGE_ORIGIN
from app.live.frames import SCHEMA, error_text
from app.live.topic import Asked, Topic, Topics

SUBPROTOCOL = f"ioc.{SCHEMA}"
FULL_AGAIN_S = (5.0, 15.0)
_EVERYTHING = Asked()


async def welcome(
    scope: Scope, send: Send, topics: Topics, *, full: bool
) -> tuple[str, Topic] | None:
    """Take the handshake and give its token and topic, or say why not and close."""
    if not same_origin(scope):
        # Before the handshake: a page of elsewhere learns nothing.
        await _close(send, STRANGE_ORIGIN, "strange origin")
        return None
    subprotocol, asked = spoken(scope)
    await send({"type": "websocket.accept", "subprotocol": subprotocol})
    given = pass_of(scope)
    if subprotocol is None and asked:
        await _close(send, OTHER_VERSION, f"this server speaks {SUBPROTOCOL}, not {asked}")
    elif full:
        # Spread out, or all that were refused would come back at once.
        after_s = round(random.uniform(*FULL_AGAIN_S), 1)
        text = error_text(FULL, "too many clients", after_s)
        await send({"type": "websocket.send", "text": text})
        await _close(send, FULL, "too many clients")
    else:
        try:
            return given.token, topics.narrowed(given.visible, asked_for(scope))
        except ValueError as wrong:
            await _close(send, BAD_REQUEST, str(wrong))
    return None


async def _close(send: Send, code: int, reason: str) -> None:
    await send({"type": "websocket.close", "code": code, "reason": reason[:120]})


def asked_for(scope: Scope) -> Asked:
    """What the address asks for: ``indicator``, ``subject``, ``area`` and ``scene``, repeated."""
    query = scope.get("query_string")
    if not query:
        return _EVERYTHING
    told = parse_qs(query.decode("latin-1"))
    names = ("indicator", "subject", "area", "scene")
    return Asked(*(tuple(told.get(name, ())) for name in names))


def place(scope: Scope) -> tuple[str | None, int | None]:
    query = scope.get("query_string")
    if not query:
        return None, None
    told = parse_qs(query.decode("latin-1"))
    epoch = told.get("epoch", [""])[0] or None
    offset = told.get("offset", [""])[0]
    if offset.isascii() and offset.isdigit() and len(offset) < 19:
        return epoch, int(offset)
    # A place that is not a number is no place: -1 is before every history and so gives a reset.
    return (epoch, -1) if epoch and offset else (None, None)


def spoken(scope: Scope) -> tuple[str | None, str]:
    """The version to speak, None where none is named or none is shared; and what was asked for."""
    asked = scope.get("subprotocols") or ()
    return SUBPROTOCOL if SUBPROTOCOL in asked else None, ", ".join(asked)


def same_origin(scope: Scope) -> bool:
    """A page of another host may not listen in; programs send no Origin."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    origin = headers.get(b"origin")
    if origin is None:
        return True
    told = urlsplit(origin.decode("latin-1"))
    port = {"http": ":80", "https": ":443"}.get(told.scheme, "")
    host = headers.get(b"host", b"").decode("latin-1").lower()
    return told.netloc.lower().removesuffix(port) == host.removesuffix(port) != ""
