"""Webhook: posts the notice as JSON; the same Idempotency-Key on every attempt.

With ``secret`` the body is signed: ``X-IOC-Signature: sha256=<hex>`` is HMAC-SHA256 over
``<X-IOC-Timestamp>.<body>``. Redirects are not followed: the address is the one configured.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, field
from email.utils import parsedate_to_datetime

import httpx2

from app.domain.alerting import Notice
from app.domain.clock import real_s
from app.notify.channel import Refused, RetryLater

_TRANSIENT = frozenset((408, 409, 425, 429))


@dataclass(frozen=True, slots=True)
class Config:
    """``timeout_s`` bounds the whole request, in real seconds."""

    url: str
    secret: str = field(default="", repr=False)
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url {self.url!r}: expected http:// or https://")


async def send(config: Config, notice: Notice, key: str) -> None:
    body = json.dumps({"key": key, **asdict(notice)}, ensure_ascii=False).encode()
    try:
        async with asyncio.timeout(config.timeout_s):
            status, retry_after = await _post(config, _headers(config, body, key), body)
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
        raise Refused(f"webhook address: {error}") from error
    except (httpx2.HTTPError, TimeoutError, OSError) as error:
        raise RetryLater(f"webhook: {error!r}") from error
    if 200 <= status < 300:
        return
    if status >= 500 or status in _TRANSIENT:
        raise RetryLater(f"webhook answered {status}", _seconds(retry_after))
    raise Refused(f"webhook answered {status}; expected 2xx: check the address and its rights")


async def _post(config: Config, headers: dict[str, str], body: bytes) -> tuple[int, str | None]:
    """Status and Retry-After; the answer's body is of no interest and is not read."""
    async with (
        httpx2.AsyncClient(
            follow_redirects=False, trust_env=False, timeout=config.timeout_s
        ) as client,
        client.stream("POST", config.url, content=body, headers=headers) as reply,
    ):
        return reply.status_code, reply.headers.get("retry-after")


def _headers(config: Config, body: bytes, key: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": key}
    if config.secret:
        stamp = str(int(real_s()))
        signed = hmac.new(config.secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
        headers |= {"X-IOC-Timestamp": stamp, "X-IOC-Signature": f"sha256={signed.hexdigest()}"}
    return headers


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After as seconds, whether it was given so or as a date; nonsense counts as none."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - real_s())
    except (ValueError, TypeError):
        return None
