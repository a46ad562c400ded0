"""Upstream: the bounded HTTP client a collector is lent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import httpx2

from app.domain.feed import FeedBroken, FeedDown
from app.domain.source import SourceConfig

MAX_BODY = 20_000_000
# A body that has begun goes on at the source's least pace; so long it may take to get going.
DRIP_S = 0.5
# A compressed body could swell to a thousand times its size before anybody counts.
_PLAIN = {"Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class HttpReply:
    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(slots=True)
class Upstream:
    """One source's feed: no redirects, a byte cap, a least pace, one total deadline a request.

    Its connections belong to the event loop that asks; they are made anew on another one.
    """

    config: SourceConfig
    settings: dict[str, str] = field(default_factory=dict)
    memory: dict[str, str] = field(default_factory=dict)
    _client: httpx2.AsyncClient | None = field(default=None, init=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)

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
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise FeedDown(f"{method} {path}: {type(error).__name__} {error}"[:300]) from None

    async def close(self) -> None:
        """Let go of the connections, on the loop they belong to."""
        if self._client is not None:
            await self._client.aclose()

    def _open(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client = httpx2.AsyncClient(follow_redirects=False, trust_env=False)
            self._loop = loop
        return self._client

    async def _read(
        self,
        method: str,
        url: str,
        params: dict[str, str] | None,
        headers: dict[str, str] | None,
        body: bytes | None,
    ) -> HttpReply:
        async with self._open().stream(
            method, url, params=params, headers={**(headers or {}), **_PLAIN}, content=body
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
            coding = answer.headers.get("content-encoding", "identity").lower()
            if coding != "identity":
                raise FeedBroken(
                    f"{method} {url}: a body in {coding[:20]!r}, expected none (identity), as asked"
                )
            whole = await _body(answer, f"{method} {url}", self.config.least_pace)
            return HttpReply(answer.status_code, whole, dict(answer.headers))


async def _body(answer: httpx2.Response, what: str, least_pace: float) -> bytes:
    told = answer.headers.get("content-length", "")[:20]
    if told.isdecimal() and int(told) > MAX_BODY:
        raise _too_long(what)
    body, now = bytearray(), asyncio.get_running_loop().time
    began: float | None = None
    try:
        async with asyncio.timeout(None) as pace:
            async for chunk in answer.aiter_raw():
                body += chunk
                began = now() if began is None else began
                if len(body) > MAX_BODY:
                    raise _too_long(what)
                if least_pace:
                    pace.reschedule(began + DRIP_S + len(body) / least_pace)
    except TimeoutError:
        raise FeedDown(
            f"{what}: the answer drips, {len(body)} bytes in {now() - (began or now()):.1f} s;"
            f" expected {least_pace:g} a second (least_pace of this source; 0 = whatever comes)"
        ) from None
    return bytes(body)


def _too_long(what: str) -> FeedBroken:
    return FeedBroken(f"{what}: a body of over {MAX_BODY} bytes; expected less: ask for less")


def _retry_after(text: str | None) -> float | None:
    try:
        return min(3600.0, max(0.5, float(text))) if text else None
    except ValueError:
        return None
