"""Upstream: the bounded HTTP client a collector is lent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import httpx2

from app.domain.feed import FeedBroken, FeedDown
from app.domain.source import SourceConfig

MAX_BODY = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpReply:
    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(slots=True)
class Upstream:
    """One source's feed: no redirects, a byte cap, one total deadline a request."""

    config: SourceConfig
    client: httpx2.AsyncClient
    settings: dict[str, str] = field(default_factory=dict)
    memory: dict[str, str] = field(default_factory=dict)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> HttpReply:
        url = self.config.base_url.rstrip("/") + "/" + path.lstrip("/")
        try:
            async with asyncio.timeout(self.config.timeout_s):
                return await self._read(method, url, params, headers, body)
        except TimeoutError:
            raise FeedDown(
                f"{method} {path}: no whole answer in {self.config.timeout_s:g} s"
            ) from None
        except httpx2.HTTPError as error:
            raise FeedDown(f"{method} {path}: {type(error).__name__} {error}"[:300]) from None

    async def _read(
        self,
        method: str,
        url: str,
        params: dict[str, str] | None,
        headers: dict[str, str] | None,
        body: bytes | None,
    ) -> HttpReply:
        async with self.client.stream(
            method, url, params=params, headers=headers, content=body
        ) as answer:
            if answer.status_code == 429 or answer.status_code >= 500:
                raise FeedDown(
                    f"{method} {url}: HTTP {answer.status_code}",
                    _retry_after(answer.headers.get("retry-after")),
                )
            if 300 <= answer.status_code < 400:
                raise FeedBroken(
                    f"{method} {url}: redirects are refused (HTTP {answer.status_code})"
                )
            chunks: list[bytes] = []
            size = 0
            async for chunk in answer.aiter_bytes():
                size += len(chunk)
                if size > MAX_BODY:
                    raise FeedBroken(f"{method} {url}: body over {MAX_BODY >> 20} MB; ask for less")
                chunks.append(chunk)
            return HttpReply(answer.status_code, b"".join(chunks), dict(answer.headers))


def _retry_after(text: str | None) -> float | None:
    try:
        return min(3600.0, max(0.0, float(text))) if text else None
    except ValueError:
        return None
