"""The stable face of the domain for collectors, ours and third parties'."""

from __future__ import annotations

from app.domain.feed import Feed, FeedBroken, FeedDown, Page, Rejected, Reply
from app.domain.record import Event, RecordUpdate, Version, Wait

API_VERSION = 1

__all__ = [
    "API_VERSION",
    "Event",
    "Feed",
    "FeedBroken",
    "FeedDown",
    "Page",
    "RecordUpdate",
    "Rejected",
    "Reply",
    "Version",
    "Wait",
]
