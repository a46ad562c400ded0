"""Client: follows an operations centre from elsewhere; needs this file and ``websockets`` only.

    async for change in follow("https://ioc.example.vn", token=secret, place=kept):
        ...

It connects again for ever, resumes where it stopped, and raises only what a person must mend.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

SCHEMA = 1
SUBPROTOCOL = f"ioc.{SCHEMA}"
BASE_S, CAP_S, LEAST_S = 0.5, 30.0, 0.3
SILENT_S = 4.0  # beats come every second; a link that says nothing for so long is dead
LARGEST = 64 * 1024 * 1024
Link = Literal["connecting", "live", "lost"]
Key = tuple[str, str, str]


class Refused(Exception):
    """The server will not serve this client until a person mends what the message says."""


class TokenRefused(Refused):
    """No token was given, or it is unknown, revoked or expired: ask for another."""


class Incompatible(Refused):
    """The server speaks another version: install the client that belongs to it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the history a client stands; whoever keeps it reads on from it after a restart."""

    epoch: str
    offset: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A reading as the server judged it; ``value`` None = there is none. Instants are ISO 8601."""

    indicator: str
    subject: str
    period: str
    at: str
    value: float | None
    num: int | None
    den: int | None
    target: float | None
    state: str
    quality: str
    watermark: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """What has changed. ``whole``: this is everything; what was held before is to be forgotten."""

    place: Place
    whole: bool
    figures: tuple[Figure, ...]
    alerts: tuple[Mapping[str, object], ...]
    sources: tuple[Mapping[str, object], ...]


@dataclass(slots=True)
class Follower:
    """One connection after the other; ``link`` and ``place`` may be looked at at any time."""

    url: str
    token: str | None = field(default=None, repr=False)
    place: Place | None = None
    indicators: Sequence[str] = ()
    subjects: Sequence[str] = ()
    areas: Sequence[str] = ()
    scenes: Sequence[str] = ()
    chance: Callable[[], float] = random.random
    link: Link = "connecting"
    server_time: str = ""
    _attempt: int = 0
    _after_s: float = 0.0  # what the server asked to wait

    async def changes(self) -> AsyncIterator[Change]:
        """For ever, unless a person is needed."""
        while True:
            self.link = "connecting"
            try:
                async with self._dial() as socket:
                    async for change in self._read(socket):
                        yield change
            except InvalidStatus as answer:
                self._refused(answer)
            except ConnectionClosed as closed:
                self._closed(closed)
            except (OSError, TimeoutError, InvalidHandshake):
                pass  # the network, or a server that starts: both pass
            self.link = "lost"
            await asyncio.sleep(self._pause())

    def _dial(self) -> connect:
        told = urlsplit(self.url)
        query = (
            [("epoch", self.place.epoch), ("offset", str(self.place.offset))] if self.place else []
        )
        for name, asked in (
            ("indicator", self.indicators), ("subject", self.subjects),
            ("area", self.areas), ("scene", self.scenes),
        ):  # fmt: skip
            query += [(name, one) for one in asked]
        scheme = {"https": "wss", "http": "ws"}.get(told.scheme, told.scheme)
        address = f"{scheme}://{told.netloc}/api/v1/live?{urlencode(query)}"
        shown = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return connect(
            address, subprotocols=[SUBPROTOCOL], additional_headers=shown, max_size=LARGEST,  # type: ignore[list-item]
            open_timeout=10, close_timeout=1, ping_interval=None, proxy=None,
        )  # fmt: skip

    async def _read(self, socket: ClientConnection) -> AsyncIterator[Change]:
        while True:
            async with asyncio.timeout(SILENT_S):
                told: dict[str, Any] = json.loads(await socket.recv())
            kind = told.get("t")
            if kind == "hello" and told["schema"] != SCHEMA:
                raise Incompatible(f"the server speaks schema {told['schema']}, this is {SCHEMA}")
            if kind == "error":
                self._after_s = float(told.get("retry_after_s") or 0)
            if kind == "beat":
                # Only a link that lives is a success: one that greets and hangs up is not.
                self._attempt, self.link = 0, "live"
            self.server_time = told.get("server_time", self.server_time)
            if (change := self._change(told)) is not None:
                self.place = change.place
                yield change

    def _change(self, told: Mapping[str, Any]) -> Change | None:
        """A snapshot or a delta as a value; other frames change nothing."""
        whole = told["t"] == "snapshot"
        if not whole and (told["t"] != "delta" or self.place is None):
            return None
        data = told["data"] if whole else told
        epoch = data["epoch"] if whole else self.place.epoch if self.place else ""
        return Change(
            Place(epoch, data["offset"]),
            whole,
            tuple(_figure(r) for r in data["readings"]),
            tuple(data["alerts"]),
            tuple(data["sources"]),
        )

    def _closed(self, closed: ConnectionClosed) -> None:
        """What each number asks for; an unknown one is a lost connection."""
        code = closed.rcvd.code if closed.rcvd else 1006
        reason = closed.rcvd.reason if closed.rcvd else ""
        if code in (4401, 4402):
            raise TokenRefused(reason or "the token is refused") from None
        if code == 4406:
            raise Incompatible(reason) from None
        if code in (1008, 1009, 4400, 4404):
            raise Refused(reason) from None
        if code == 4403:
            self.place = None  # other subjects: what was held may not be read on

    def _refused(self, answer: InvalidStatus) -> None:
        status = answer.response.status_code
        if status in (401, 403):
            raise TokenRefused(f"{self.url} answered {status}: the token is refused") from None
        if 400 <= status < 500 and status not in (408, 429):
            raise Refused(f"{self.url} answered {status}: is this an operations centre?") from None
        after = answer.response.headers.get("Retry-After", "")
        self._after_s = float(after) if after.isdigit() else 0.0

    def _pause(self) -> float:
        """Full jitter, and never sooner than the server asked for."""
        ceiling: float = min(CAP_S, BASE_S * 2.0 ** min(self._attempt, 16))
        self._attempt += 1
        asked, self._after_s = self._after_s, 0.0
        return asked + LEAST_S + ceiling * self.chance()


def follow(
    url: str,
    *,
    token: str | None = None,
    place: Place | None = None,
    indicators: Sequence[str] = (),
    subjects: Sequence[str] = (),
    areas: Sequence[str] = (),
    scenes: Sequence[str] = (),
) -> AsyncIterator[Change]:
    """Everything a token may see, or of that what is named; an area is all that lies in it."""
    return Follower(url, token, place, indicators, subjects, areas, scenes).changes()


class Held:
    """The newest figure of every key: what a screen of one's own would show."""

    def __init__(self) -> None:
        self.figures: dict[Key, Figure] = {}

    def take(self, change: Change) -> None:
        if change.whole:
            self.figures.clear()
        for one in change.figures:
            self.figures[(one.indicator, one.subject, one.period)] = one


_FIELDS = tuple(f.name for f in fields(Figure))


def _figure(told: Mapping[str, Any]) -> Figure:
    """Fields a newer server adds are passed over."""
    return Figure(*(told.get(name) for name in _FIELDS))  # type: ignore[arg-type]
