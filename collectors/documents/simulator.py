"""The simulated document axis: its days and its one address."""

from __future__ import annotations

import json
import os
import re
import secrets
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collectors.documents.packets import stamp
from collectors.documents.traffic import Traffic
from collectors.documents.truth import DocumentsTruth

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
_PUBLISHED = b'"published":"'
_STAMP = len("2022/10/03 07:30:00")
_NUMBER = re.compile("[0-9]{1,15}")


class DocumentsFeed:
    """Documents, statuses and work files of every agency, as one feed."""

    name = "documents"

    def __init__(self, world: World) -> None:
        self._world = world
        self._traffic = Traffic(world)

    def day(self, day: date) -> list[Message]:
        """Give every packet published that day."""
        return self._traffic.day(day)

    def routes(self, served: Served) -> Sequence[BaseRoute]:
        """Give the address of packets."""
        return [Route("/documents/packets", _Door(served).packets, methods=["GET"])]

    def truth(self) -> Truth:
        """Give a fresh evaluator."""
        return DocumentsTruth(self._world)


def feed(world: World) -> Feed:
    """Make the feed of a world."""
    return DocumentsFeed(world)


class _Door:
    """Gives packets to a system that knows the key."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._secret = os.environ.get("IOC_DOCUMENTS_SECRET") or "mo-phong"

    async def packets(self, request: Request) -> Response:
        """Give the page after a cursor."""
        given = request.headers.get("x-secretkey", "").encode()
        known = secrets.compare_digest(given, self._secret.encode())
        named = bool(request.headers.get("x-systemid"))
        if not (named and known) or self._served.faults.active("auth-expired"):
            return JSONResponse({"error": "X-SystemId, X-SecretKey"}, 401)
        after = request.query_params.get("after") or "0"
        limit = request.query_params.get("limit") or "2000"
        if not (_NUMBER.fullmatch(after) and _NUMBER.fullmatch(limit)):
            return JSONResponse({"error": "after, limit: whole numbers"}, 400)
        body = self._page(int(after), min(max(int(limit), 1), _MOST))
        return Response(body, media_type="application/json; charset=utf-8")

    def _page(self, after: int, limit: int) -> bytes:
        page = self._served.page(after, limit)
        faults = self._served.faults
        ahead_s = _SKEW_S if faults.active("clock-skew") else 0
        bodies = [_stamped(message, ahead_s) for _, message in page.messages]
        if faults.active("schema-drift"):
            bodies = [
                b.replace(b'"sent"', b'"sentAt"') if position % _DRIFT_EACH == 0 else b
                for (position, _), b in zip(page.messages, bodies, strict=True)
            ]
        upto = stamp(page.upto_s + ahead_s)
        head = {"next": str(page.next), "more": page.more, "upTo": upto}
        start = json.dumps(head)[:-1] + ',"packets":[\n'
        return start.encode() + b",\n".join(bodies) + b"\n]}"


def _stamped(message: Message, ahead_s: int) -> bytes:
    """Write when the packet appears on the axis: a fault may have moved it."""
    before, mark, told = message.body.partition(_PUBLISHED)
    return before + mark + stamp(message.published_s + ahead_s).encode() + told[_STAMP:]
