"""The simulated one-stop shop: its queue of dossiers and procedures, and its two addresses."""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collectors.public_service.catalogue import Catalogue
from collectors.public_service.counter import Counter
from collectors.public_service.stamps import stamp
from collectors.public_service.truth import PublicServiceTruth

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from collectors._world.feed import Feed, Message, Served, Truth
    from collectors._world.world import World

_MOST = 5000
_SKEW_S = 7200
_DRIFT_EACH = 7
_OPENS = b'{"PhatHanh":"'
_STAMP_ENDS = len(_OPENS) + 14


class PublicServiceFeed:
    """Dossiers of the whole province and the procedure catalogue, as one queue."""

    name = "public_service"

    def __init__(self, world: World) -> None:
        self._world = world
        self._catalogue = Catalogue(world)
        self._counter = Counter(world, self._catalogue)

    def day(self, day: date) -> list[Message]:
        """Give every message published that day, of dossiers and of procedures."""
        return self._catalogue.day(day) + self._counter.day(day)

    def routes(self, served: Served) -> Sequence[BaseRoute]:
        """Give the address of sessions and the address of services."""
        door = _Door(served, self._catalogue)
        return [
            Route("/public_service/auth", door.auth, methods=["POST"]),
            Route("/public_service/share", door.share, methods=["POST"]),
        ]

    def truth(self) -> Truth:
        """Give a fresh evaluator."""
        return PublicServiceTruth(self._world)


def feed(world: World) -> Feed:
    """Make the feed of a world."""
    return PublicServiceFeed(world)


class _Door:
    """Sessions and services; like the real adapter it says errors in the body of a 200."""

    def __init__(self, served: Served, catalogue: Catalogue) -> None:
        self._served = served
        self._catalogue = catalogue
        self._password = os.environ.get("IOC_PUBLIC_SERVICE_PASSWORD") or "mo-phong"
        self._sessions: dict[str, int] = {}

    async def auth(self, request: Request) -> Response:
        """Give a session to whoever knows the password."""
        told = await _object(request)
        given = str(told.get("password", ""))
        if not told.get("username") or not secrets.compare_digest(
            given.encode(), self._password.encode()
        ):
            return JSONResponse({"error_code": "403", "message": "Sai tài khoản hoặc mật khẩu"})
        session = secrets.token_hex(16)
        if len(self._sessions) > 1000:
            self._sessions.clear()
        self._sessions[session] = self._served.faults.session_epoch
        return JSONResponse({"session": session, "error_code": 0})

    async def share(self, request: Request) -> Response:
        """Serve the queue or the catalogue."""
        told = await _object(request)
        epoch = self._sessions.get(str(told.get("session", "")))
        if epoch is None or epoch < self._served.faults.session_epoch:
            return JSONResponse({"error_code": "401", "message": "Phiên làm việc đã hết hạn"})
        if told.get("service") == "LayDanhSachTTHC":
            items = self._catalogue.known(self._served.now_s())
            return JSONResponse({"error_code": 0, "result": items})
        if told.get("service") != "LayHangDoiDongBo":
            return JSONResponse({"error_code": "404", "message": "Không có dịch vụ này"})
        after, limit = str(told.get("cursor") or "0"), str(told.get("limit") or "2000")
        if not (after.isdigit() and limit.isdigit()):
            return JSONResponse({"error_code": "400", "message": "cursor, limit: số nguyên"})
        body = self._page(int(after), min(max(int(limit), 1), _MOST))
        return Response(body, media_type="application/json; charset=utf-8")

    def _page(self, after: int, limit: int) -> bytes:
        page = self._served.page(after, limit)
        faults = self._served.faults
        ahead_s = _SKEW_S if faults.active("clock-skew") else 0
        bodies = [_stamped(message, ahead_s) for _, message in page.messages]
        if faults.active("schema-drift"):
            bodies = [
                b.replace(b'"TrangThai', b'"MaTrangThai') if position % _DRIFT_EACH == 0 else b
                for (position, _), b in zip(page.messages, bodies, strict=True)
            ]
        head = f'{{"error_code":"00","cursorTiep":"{page.next}","conNua":{str(page.more).lower()},'
        head += f'"hetDen":"{stamp(page.upto_s + ahead_s)}","result":[\n'
        return head.encode() + b",\n".join(bodies) + b"\n]}"


def _stamped(message: Message, ahead_s: int) -> bytes:
    """Write when the record appears in the queue: a fault may have moved it."""
    return _OPENS + stamp(message.published_s + ahead_s).encode() + message.body[_STAMP_ENDS:]


async def _object(request: Request) -> dict[str, Any]:
    try:
        told = json.loads(await request.body())
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
