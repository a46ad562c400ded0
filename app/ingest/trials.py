"""Trials: what is done to an upstream, or to its answers on their way, to grade a collector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.domain.feed import FeedDown
from app.ingest.upstream import HttpReply, Upstream

PAGE, DOWN, BROKEN = "page", "FeedDown", "FeedBroken"
Spoil = Callable[[HttpReply], HttpReply]


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault: switched at the simulator (``fault``), or done to the answer (``spoil``).

    ``allowed`` are the right ways to take it; ``hostile`` ones must be refused within a second.
    """

    name: str
    allowed: frozenset[str]
    fault: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    spoil: Spoil | None = None
    hostile: bool = False


def _body(body: bytes) -> Spoil:
    return lambda reply: HttpReply(200, body, reply.headers)


def _large(body: Callable[[], bytes]) -> Spoil:
    """One that is not in memory until it comes."""
    return lambda reply: HttpReply(200, body(), reply.headers)


def _status(status: int) -> Spoil:
    return lambda reply: HttpReply(status, b"no", reply.headers)


def _only(*ways: str) -> frozenset[str]:
    return frozenset(ways)


_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY b%d "%s">' % (n, b"&a;" * 10 if not n else b"&b%d;" % (n - 1) * 10)
               for n in range(9))
    + b"]><a>&b8;</a>"
)  # fmt: skip


def _wide() -> bytes:
    return b"<a " + b" ".join(b'x%d="1"' % n for n in range(200_000)) + b"/>"


# Faults the simulator has by name and that show at once.
NAMED = (
    Trial("outage", _only(DOWN), "outage"),
    Trial("outage in the middle of an answer", _only(DOWN), "outage", {"mode": "close"}),
    Trial("outage with Retry-After", _only(DOWN), "outage", {"retry_after": "7"}),
    Trial("slow", _only(DOWN), "slow", {"seconds": "30"}),
    Trial("garbage", _only(BROKEN, DOWN), "garbage"),
    Trial("garbage, truncated", _only(BROKEN), "garbage", {"mode": "truncated"}),
    Trial("schema-drift", _only(PAGE), "schema-drift"),
    Trial("clock-skew", _only(PAGE), "clock-skew"),
    Trial("auth-expired", _only(PAGE), "auth-expired"),
)
# Those that change what is published from then on.
LATER = ("late", "duplicate", "reorder")
# What comes instead of the page.
SPOILT = (
    Trial("an empty answer", _only(BROKEN, DOWN), spoil=_body(b"")),
    Trial("null", _only(BROKEN, DOWN), spoil=_body(b"null")),
    Trial("not UTF-8", _only(BROKEN, DOWN), spoil=_body(b"\xff\xfe\x00" * 500)),
    Trial("another status", _only(BROKEN, DOWN), spoil=_status(404)),
    Trial("refused", _only(BROKEN, DOWN), spoil=_status(403)),
    Trial("nested JSON", _only(BROKEN, DOWN), spoil=_large(lambda: b"[" * 1_000_000), hostile=True),
    Trial(
        "nested XML", _only(BROKEN, DOWN), spoil=_large(lambda: b"<a>" * 1_000_000), hostile=True
    ),
    Trial("entity bomb", _only(BROKEN, DOWN), spoil=_body(_BOMB), hostile=True),
    Trial("200,000 attributes", _only(BROKEN, DOWN), spoil=_large(_wide), hostile=True),
    Trial(
        "19 MB of nothing",
        _only(BROKEN, DOWN),
        spoil=_large(lambda: b" " * 19_000_000),
        hostile=True,
    ),
)


@dataclass(slots=True)
class OnTheWay:
    """A feed whose answers may be changed before the collector sees them."""

    upstream: Upstream
    settings: dict[str, str]
    memory: dict[str, str] = field(default_factory=dict)
    spoil: Spoil | None = None
    asked: int = 0

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> HttpReply:
        self.asked += 1
        if self.asked > 50:
            raise FeedDown("more than 50 requests in one poll; expected one page a poll")
        reply = await self.upstream.request(method, path, params=params, headers=headers, body=body)
        return reply if self.spoil is None else self.spoil(reply)
