"""Admission: asks the gate about every request, and puts the pass on it or refuses it."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import problem
from app.api.rights import ANY_TOKEN, OPEN, UNSTATED, needs
from app.domain.access import Gate, NotAdmitted, Pass, give_pass
from app.domain.disconnects import NO_RIGHT

COOKIE = "ioc_token"
# Browsers can set no header on a WebSocket, and an address is written to logs: so a token may
# stand in Sec-WebSocket-Protocol, which the answer never repeats.
SPOKEN = "ioc-token."
_FORWARDED = {b"forwarded", b"x-forwarded-for", b"x-real-ip"}


class Admission:
    """Plain ASGI, before the routes and the hub alike."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        needed = needs(scope["path"])
        if needed != OPEN:
            try:
                given = await self._gate.admit(presented=shown(scope), near=near(scope))
                _check(given, needed)
            except NotAdmitted as refused:
                await _refuse(refused, scope, receive, send)
                return
            give_pass(scope, given)
        if scope["type"] == "websocket":
            kept = [p for p in scope.get("subprotocols", ()) if not p.startswith(SPOKEN)]
            scope["subprotocols"] = kept
        await self._app(scope, receive, send)


def _check(given: Pass, needed: str) -> None:
    if needed == UNSTATED and given.visible.subjects is not None:
        raise NotAdmitted(NO_RIGHT, f"this address needs {UNSTATED}: --subject '*'")
    if needed not in (ANY_TOKEN, UNSTATED) and needed not in given.rights:
        detail = f"this token has no right to {needed}; make one: ioc token add --right {needed}"
        raise NotAdmitted(NO_RIGHT, detail)


def shown(scope: Scope) -> str | None:
    """The token a request shows: as Bearer, in a WebSocket's protocols, or in the cookie."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    told = headers.get(b"authorization", b"").decode("latin-1")
    if told:
        scheme, _, token = told.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else told
    for one in scope.get("subprotocols", ()):
        if one.startswith(SPOKEN):
            return str(one.removeprefix(SPOKEN))
    try:
        cookie = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE)
    except CookieError:
        return None
    return cookie.value if cookie is not None and cookie.value else None


def near(scope: Scope) -> bool:
    """Whether the peer is on this machine and speaks for itself, not for somebody behind it."""
    peer = scope.get("client")
    if peer is None or any(name in _FORWARDED for name, _ in scope["headers"]):
        return False
    try:
        return ip_address(peer[0]).is_loopback
    except ValueError:
        return False


async def _refuse(refused: NotAdmitted, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        # Accepted first: a browser tells its page no number of a handshake that was refused.
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": refused.code, "reason": refused.detail})
        return
    status = 403 if refused.code == NO_RIGHT else 401
    answer = problem(status, refused.detail, scope["path"])
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="ioc"'
    answer.headers["Cache-Control"] = "no-store"
    await answer(scope, receive, send)
