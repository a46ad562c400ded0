"""Asking: what a handshake says: from which page, and from where in the history on."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from starlette.types import Scope


def place(scope: Scope) -> tuple[str | None, int | None]:
    told = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    epoch = told.get("epoch", [""])[0] or None
    offset = told.get("offset", [""])[0]
    if offset.isascii() and offset.isdigit() and len(offset) < 19:
        return epoch, int(offset)
    # A place that is not a number is no place: -1 is before every history and so gives a reset.
    return (epoch, -1) if epoch and offset else (None, None)


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
