"""An upstream that means harm: answers by the byte, and every answer it knows."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

COLLECTORS = Path(__file__).parents[2] / "collectors"
JSON_PAGES = {
    feed: json.loads((COLLECTORS / feed / "samples/page.json").read_text())
    for feed in ("public_service", "documents")
}
XML_PAGE = (COLLECTORS / "einvoice/samples/page.xml").read_bytes()
LOG_INS = {
    b"/auth": b'{"session":"s","error_code":0}',
    b"/token": b'{"access_token":"t","expires_in":3600}',
}


@dataclass(frozen=True, slots=True)
class Hostile:
    """One answer, piece by piece as it goes over the wire; drawn only while somebody reads."""

    name: str
    pieces: Callable[[], Iterator[bytes]]
    pause_s: float = 0.0


def head(status: int = 200, **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode()


def answer(name: str, body: bytes, status: int = 200, **headers: str) -> Hostile:
    """A whole answer with its length."""
    told = head(status, Content_Length=str(len(body)), **headers)
    return Hostile(name, lambda: iter((told, body)))


def endless(begin: bytes, again: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.chain((begin,), itertools.repeat(again))


_CHUNK = b"10000\r\n" + b"[" * 65536 + b"\r\n"
_ZIPPED = gzip.compress(b"[" * 50_000_000, 9)

DOWN = (
    answer("404", b"", 404),
    answer("no content", b"", 204),
    answer("busy for ever", b"", 503, Retry_After="1e30"),
    answer("busy, back in the past", b"", 429, Retry_After="-5"),
    answer("busy, back at no time", b"", 429, Retry_After="nan"),
    Hostile("hangs up", lambda: iter(())),
    Hostile("not HTTP", lambda: iter((b"220 smtp.example ESMTP\r\n" * 3,))),
    Hostile("endless headers", endless(b"HTTP/1.1 200 X\r\n", b"X-A: " + b"a" * 60_000 + b"\r\n")),
    Hostile("cut body", lambda: iter((head(Content_Length="5000") + b'{"packets":[',))),
    Hostile("bad chunk", lambda: iter((head(Transfer_Encoding="chunked") + b"zz\r\n",))),
    Hostile("slow drip", endless(head(Content_Length="9999"), b" "), pause_s=0.05),
)
BROKEN = (
    answer("redirect", b"", 302, Location="http://127.0.0.1:9/elsewhere"),
    answer("redirect for good", b"", 308, Location="file:///etc/passwd"),
    Hostile("50 MB", endless(head(Content_Length="50000000"), b"[" * 65536)),
    Hostile("endless body", endless(head(Transfer_Encoding="chunked"), _CHUNK)),
    answer("gzip bomb", _ZIPPED, Content_Encoding="gzip"),
    answer("HTML", b"<html><body>Xin ch\xc3\xa0o</body></html>", Content_Type="text/html"),
    answer("empty", b""),
    answer("noise", bytes(range(256)) * 400),
    answer("deep", b"[" * 200_000),
    answer("deep objects", b'{"result":' * 100_000),
    answer("deep elements", b"<TDiep>" * 200_000),
    answer("null", b"null"),
    answer("lone surrogate", b'"\\ud800"'),
)


@asynccontextmanager
async def upstream(told: Hostile) -> AsyncIterator[str]:
    """Serve it on every address but the log-ins; gives the base URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = await reader.readuntil(b"\r\n\r\n")
                path = asked.split(b" ")[1]
                lines = asked.lower().split(b"\r\n")
                length = next((x for x in lines if x.startswith(b"content-length:")), b":0")
                await reader.readexactly(int(length.split(b":")[1]))
                if path in LOG_INS:
                    writer.write(head(Content_Length=str(len(LOG_INS[path]))) + LOG_INS[path])
                    continue
                for piece in told.pieces():
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(told.pause_s)
                return
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
