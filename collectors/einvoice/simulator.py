"""The simulated aggregator of the tax authority: its days and its two addresses."""

from __future__ import annotations

import os
import re
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collectors.einvoice.ledger import Ledger, stamp
from collectors.einvoice.register import Register
from collectors.einvoice.truth import EinvoiceTruth

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from collectors._world.feed import Feed, Message, Served, Truth
    from collectors._world.world import World

_TOKEN_LIFE_S = 3600  # real time
_LIMIT, _MOST = 2000, 5000
_SENDER = "0107001729"
_SKEW_S = 7200
_DRIFT_EACH = 7
_ISSUED = re.compile(rb'PHanh="(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)"')


class EinvoiceFeed:
    """Hourly totals and the enterprise register, as one feed."""

    name = "einvoice"

    def __init__(self, world: World) -> None:
        self._groups = tuple(group.code for group in world.groups)
        self._ledger = Ledger(world)
        self._register = Register(world)

    def day(self, day: date) -> list[Message]:
        """Give every message published on that day."""
        return self._ledger.day(day) + self._register.day(day)

    def routes(self, served: Served) -> Sequence[BaseRoute]:
        """Give the address of tokens and the address of pages."""
        door = _Door(served)
        return [
            Route("/einvoice/token", door.token, methods=["POST"]),
            Route("/einvoice/tonghop", door.page, methods=["GET"]),
        ]

    def truth(self) -> Truth:
        """Give a fresh evaluator."""
        return EinvoiceTruth(self._groups)


def feed(world: World) -> Feed:
    """Make the feed of a world."""
    return EinvoiceFeed(world)


class _Door:
    """Gives tokens, and pages to those who bring one."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._secret = os.environ.get("IOC_EINVOICE_SECRET") or "mo-phong"
        self._tokens: dict[str, tuple[int, float]] = {}  # session epoch, end of life

    async def token(self, request: Request) -> Response:
        """Give a token to whoever knows the secret."""
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        who, secret = form.get("client_id"), form.get("client_secret")
        if not who or not secret:
            return JSONResponse({"error": "invalid_request"}, 400)
        if not secrets.compare_digest(secret[0].encode(), self._secret.encode()):
            return JSONResponse({"error": "invalid_client"}, 401)
        now = time.monotonic()
        self._tokens = {key: life for key, life in self._tokens.items() if life[1] > now}
        token = secrets.token_hex(16)
        self._tokens[token] = (self._served.faults.session_epoch, now + _TOKEN_LIFE_S)
        return JSONResponse({"access_token": token, "expires_in": _TOKEN_LIFE_S})

    async def page(self, request: Request) -> Response:
        """Give the page after a cursor."""
        if not self._known(request.headers.get("authorization", "")):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        after = request.query_params.get("after", "0")
        limit = request.query_params.get("limit", str(_LIMIT))
        if not (after.isascii() and after.isdigit() and limit.isascii() and limit.isdigit()):
            return Response("after and limit are whole numbers", 400)
        body = self._page(int(after), min(max(int(limit), 1), _MOST))
        return Response(body, media_type="application/xml; charset=utf-8")

    def _known(self, header: str) -> bool:
        life = self._tokens.get(header.removeprefix("Bearer "))
        return (
            life is not None
            and life[0] >= self._served.faults.session_epoch
            and life[1] > time.monotonic()
        )

    def _page(self, after: int, limit: int) -> bytes:
        page = self._served.page(after, limit)
        faults = self._served.faults
        bodies = [message.body for _, message in page.messages]
        upto_s = page.upto_s
        if faults.active("schema-drift"):
            bodies = [
                _drifted(message.body) if position % _DRIFT_EACH == 0 else message.body
                for position, message in page.messages
            ]
        if faults.active("clock-skew"):
            upto_s += _SKEW_S
            skewed = [
                (message.published_s, body)
                for (_, message), body in zip(page.messages, bodies, strict=True)
            ]
            bodies = [
                _ISSUED.sub(f'PHanh="{stamp(published_s + _SKEW_S)}"'.encode(), body)
                for published_s, body in skewed
            ]
        head = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<TDiep><TTChung><PBan>2.0.1</PBan>'
            f"<MNGui>{_SENDER}</MNGui><MNNhan>H38</MNNhan><MLTDiep>901</MLTDiep>"
            f"<MTDiep>{_SENDER}{after:032X}</MTDiep><MST>{_SENDER}</MST>"
            f"<SLuong>{len(bodies)}</SLuong></TTChung><DLieu><DSachTHop>\n"
        )
        tail = (
            f"\n</DSachTHop></DLieu><PTrang><TiepTheo>{page.next}</TiepTheo>"
            f"<ConNua>{int(page.more)}</ConNua><HetDen>{stamp(upto_s)}</HetDen></PTrang></TDiep>\n"
        )
        return head.encode() + b"\n".join(bodies) + tail.encode()


def _drifted(body: bytes) -> bytes:
    """Rename a field, as an upstream does that changed its schema without a word."""
    return (
        body.replace(b"<SLHDon>", b"<SLHD>")
        .replace(b"</SLHDon>", b"</SLHD>")
        .replace(b"<TTNNT>", b"<TrangThai>")
        .replace(b"</TTNNT>", b"</TrangThai>")
    )
