"""What a collector gives and what it may raise: pages of record updates, FeedDown, FeedBroken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from app.domain.record import RecordUpdate


class FeedDown(Exception):
    """The upstream does not answer now: wait and try again (``retry_after_s`` if it said so)."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class FeedBroken(Exception):
    """The upstream answers something that is not its format: a person must look."""

    def __init__(self, reason: str, payload: bytes = b"") -> None:
        super().__init__(reason)
        self.payload = payload


@dataclass(frozen=True, slots=True)
class Rejected:
    """One record that could not be read; goes to quarantine with its reason and payload."""

    reason: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a feed, whole.

    ``cursor`` is what to ask for next; ``up_to_s`` the watermark: everything published up to this
    instant (epoch seconds, data time) has been given. ``count`` is how many wire records it held
    (updates may be more: one packet can concern several records). ``payload_sha256`` names the
    bytes it was read from.
    """

    updates: tuple[RecordUpdate, ...]
    rejected: tuple[Rejected, ...]
    cursor: str
    more: bool
    up_to_s: int
    count: int
    payload_sha256: str


class Reply(Protocol):
    """An HTTP answer, read whole."""

    @property
    def status(self) -> int: ...

    @property
    def body(self) -> bytes: ...

    @property
    def headers(self) -> dict[str, str]: ...


class Feed(Protocol):
    """What the runner lends a collector: its settings and a bounded HTTP client.

    ``request`` raises FeedDown on network faults, time-outs, 5xx and 429.
    """

    settings: dict[str, str]  # the [settings] table of sources/<feed>.toml
    memory: dict[str, str]  # kept between polls in this process (a session id); may be empty

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply: ...
