"""Where the product's mails and webhooks arrive in the demo: kept, bounded, readable."""

from __future__ import annotations

import email
import email.policy
from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collectors._world.calendar import iso
from collectors._world.pages import sink_page

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session
    from starlette.requests import Request

    from collectors._world.clock import Clock
    from collectors._world.faults import FeedFaults

_KEPT = 1000
_KEPT_TEXT = 64_000


@dataclass(frozen=True, slots=True)
class Arrived:
    """One mail or webhook as it arrived."""

    number: int
    channel: str  # mail | webhook
    received: str  # real time
    data_time: str
    key: str  # Idempotency-Key
    repeats: int  # how many came before with the same key
    sender: str
    to: str
    subject: str
    body: str


class Sink:
    """The last thousand messages, mails and webhooks alike."""

    def __init__(self, clock: Clock, faults: FeedFaults) -> None:
        self._clock = clock
        self._faults = faults
        self._arrived: deque[Arrived] = deque(maxlen=_KEPT)
        self._count = 0

    def keep(self, channel: str, key: str, sender: str, to: str, subject: str, body: str) -> None:
        """Keep one message."""
        self._count += 1
        seen = sum(1 for one in self._arrived if key and (one.channel, one.key) == (channel, key))
        real = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        data = iso(self._clock.now())
        text = body[:_KEPT_TEXT]
        self._arrived.append(
            Arrived(self._count, channel, real, data, key, seen, sender, to, subject, text)
        )

    def arrived(self) -> list[Arrived]:
        """Give what is kept, the youngest first."""
        return list(reversed(self._arrived))

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take one mail."""
        del server, session
        if self._faults.active("outage"):
            return "451 4.3.0 outage switched on: try again later"
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        body = mail.get_body(("plain", "html"))
        self.keep(
            "mail",
            str(mail.get("Idempotency-Key") or mail.get("X-Idempotency-Key") or ""),
            envelope.mail_from or "",
            ", ".join(envelope.rcpt_tos),
            str(mail.get("Subject", "")),
            "" if body is None else str(body.get_content()),
        )
        return "250 kept"

    def routes(self) -> list[Route]:
        """Give the addresses of the sink."""
        return [
            Route("/sink/webhook", self._webhook, methods=["POST"]),
            Route("/sink/messages", self._messages),
            Route("/sink", self._page),
        ]

    async def _webhook(self, request: Request) -> Response:
        body = (await request.body()).decode("utf-8", "replace")
        key = request.headers.get("Idempotency-Key", "")
        sender = request.client.host if request.client else ""
        self.keep("webhook", key, sender, str(request.url.path), "", body)
        return JSONResponse({"kept": self._count})

    async def _messages(self, request: Request) -> Response:
        channel = request.query_params.get("channel")
        found: list[dict[str, Any]] = [
            asdict(one) for one in self.arrived() if channel in (None, one.channel)
        ]
        return JSONResponse({"count": self._count, "messages": found})

    async def _page(self, request: Request) -> Response:
        del request
        return Response(sink_page([asdict(one) for one in self.arrived()]), media_type="text/html")
