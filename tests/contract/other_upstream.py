"""Another upstream for all three feeds, written from `docs/reference/feeds/` and nothing else."""

from __future__ import annotations

import argparse
import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.contract import other_documents, other_dossiers, other_invoices

VIETNAM = timezone(timedelta(hours=7))
PAGE = 7
"""Records a page, whatever the limit asked for: it is a wish."""

Records = list[tuple[str, Any]]


@dataclass(slots=True)
class Upstream:
    """What is served: data time runs from `begin` at `rate` data seconds a second."""

    begin: datetime
    rate: float
    anchor: float
    secret: str = "chia-khoa"
    sessions: dict[str, int] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    slowed: bool = False
    asked: list[str] = field(default_factory=list)
    cursors: dict[str, str] = field(default_factory=dict)

    def complete(self) -> datetime:
        """The last whole second of data time."""
        past = timedelta(seconds=int((time.time() - self.anchor) * self.rate) - 1)
        return (self.begin + past).astimezone(VIETNAM)

    def open_session(self) -> str:
        """A new session; the first one lasts three requests, to make the client log in again."""
        number = next(self.numbers)
        name = f"phien-{number}"
        self.sessions[name] = 3 if number == 1 else 1_000_000
        return name

    def admits(self, session: str) -> bool:
        """Uses up one request of a session."""
        self.sessions[session] = self.sessions.get(session, 0) - 1
        return self.sessions[session] >= 0


def page(records: Records, after: int, complete: str) -> tuple[list[Any], int, bool, str]:
    """Records behind a position, and the instant up to which nothing is missing behind them.

    Never ends inside one published second, so with more to come that instant is the last record's.
    """
    ready = sorted((r for r in records if r[0] <= complete), key=lambda r: r[0])
    end = min(after + PAGE, len(ready))
    while after < end < len(ready) and ready[end][0] == ready[end - 1][0]:
        end += 1
    more = end < len(ready)
    up_to = ready[end - 1][0] if more else complete
    return [content for _, content in ready[after:end]], end, more, up_to


class Handler(BaseHTTPRequestHandler):
    """One request. The three feeds share nothing but the clock."""

    protocol_version = "HTTP/1.1"
    upstream: Upstream

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def answer(self, status: int, body: str, kind: str, **headers: str) -> None:
        """Sends one answer."""
        raw = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(raw)

    def json(self, content: object, status: int = 200) -> None:
        """Sends JSON with its non-ASCII letters escaped, which is JSON as well."""
        self.answer(status, json.dumps(content), "application/json")

    def body(self) -> bytes:
        """The body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_POST(self) -> None:
        """Log-ins, and the queue of the portal."""
        path, body = urlsplit(self.path).path, self.body()
        self.upstream.asked.append(path)
        if path == "/mc/auth":
            self.log_in(json.loads(body))
        elif path == "/mc/share":
            self.queue(json.loads(body))
        elif path == "/thue/token":
            self.token({name: values[0] for name, values in parse_qs(body.decode()).items()})
        else:
            self.answer(404, "", "text/plain")

    def do_GET(self) -> None:
        """The axis of documents and the totals of invoices."""
        address = urlsplit(self.path)
        self.upstream.asked.append(address.path)
        after = parse_qs(address.query).get("after", ["?"])[0]
        self.upstream.cursors[address.path] = after
        if address.path == "/truc/packets":
            self.packets(after)
        elif address.path == "/thue/tonghop":
            self.totals(after)
        else:
            self.answer(404, "", "text/plain")

    def log_in(self, wanted: dict[str, str]) -> None:
        """`POST /auth` of public_service."""
        if not wanted["username"] or wanted["password"] != self.upstream.secret:
            return self.json({"error_code": "403"})
        return self.json({"session": self.upstream.open_session(), "error_code": 0})

    def queue(self, wanted: dict[str, Any]) -> None:
        """`POST /share` of public_service; the cursor is a word with a number in it."""
        if not self.upstream.admits(wanted["session"]):
            return self.json({"error_code": "401", "message": "Phiên đã hết"})
        if wanted["service"] != "LayHangDoiDongBo" or wanted["madonvi"] != "H38":
            return self.json({"error_code": "12", "message": "Không có dịch vụ"})
        self.upstream.cursors["/mc/share"] = wanted["cursor"]
        after = int(wanted["cursor"].removeprefix("hd/") or 0)
        complete = self.upstream.complete().strftime("%Y%m%d%H%M%S")
        records, end, more, up_to = page(other_dossiers.RECORDS, after, complete)
        return self.json({
            "result": records, "hetDen": up_to, "conNua": more,
            "cursorTiep": f"hd/{end:09}", "error_code": 0, "thongKe": {"soBanGhi": len(records)},
        })  # fmt: skip

    def packets(self, after: str) -> None:
        """`GET /packets` of documents; asks the very first caller to wait a second."""
        if not self.headers["X-SystemId"] or self.headers["X-SecretKey"] != self.upstream.secret:
            return self.json({}, 401)
        if not self.upstream.slowed:
            self.upstream.slowed = True
            return self.answer(429, "", "text/plain", Retry_After="1")
        start = 0 if after == "0" else int(after.removeprefix("p"), 36)
        complete = self.upstream.complete().strftime("%Y/%m/%d %H:%M:%S")
        packets, end, more, up_to = page(other_documents.RECORDS, start, complete)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"
        content = {
            "packets": packets, "upTo": up_to, "more": more,
            "next": f"p{digits[end // 36]}{digits[end % 36]}",
        }  # fmt: skip
        return self.json(content)

    def token(self, wanted: dict[str, str]) -> None:
        """`POST /token` of einvoice."""
        if not wanted.get("client_id") or "client_secret" not in wanted:
            return self.json({}, 400)
        if wanted["client_secret"] != self.upstream.secret:
            return self.json({}, 401)
        return self.json({"access_token": self.upstream.open_session(), "expires_in": 3600})

    def totals(self, after: str) -> None:
        """`GET /tonghop` of einvoice; written without white space."""
        if not self.upstream.admits(self.headers["Authorization"].removeprefix("Bearer ")):
            return self.answer(401, "", "text/plain")
        complete = self.upstream.complete().strftime("%Y-%m-%dT%H:%M:%S")
        records, end, more, up_to = page(other_invoices.RECORDS, int(after), complete)
        text = (
            '<?xml version="1.0" encoding="UTF-8"?><TDiep><TTChung><PBan>2.0.1</PBan><MNGui/>'
            f"<MNNhan/><MLTDiep>901</MLTDiep><MTDiep/><MST/><SLuong>{len(records)}</SLuong>"
            f"</TTChung><DLieu><DSachTHop>{''.join(records)}</DSachTHop></DLieu><PTrang><TiepTheo>"
            f"{end}</TiepTheo><ConNua>{int(more)}</ConNua><HetDen>{up_to}</HetDen></PTrang></TDiep>"
        )
        return self.answer(200, text, "application/xml; charset=utf-8")


def serve(upstream: Upstream, port: int = 0) -> ThreadingHTTPServer:
    """Serves in a thread of its own until `shutdown()`."""
    handler = type("Bound", (Handler,), {"upstream": upstream})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    """Serves by hand: `python -m tests.contract.other_upstream --port 8950`."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=8950)
    options.add_argument("--begin", default="2022-10-14T14:35:00+07:00")
    options.add_argument("--rate", type=float, default=10.0)
    chosen = options.parse_args()
    upstream = Upstream(datetime.fromisoformat(chosen.begin), chosen.rate, time.time())
    serve(upstream, chosen.port)
    threading.Event().wait()


if __name__ == "__main__":
    main()
