"""The stable face of the domain for collectors, ours and third parties'."""

from __future__ import annotations

from app.domain.feed import Feed, FeedBroken, FeedDown, Page, Rejected, Reply
from app.domain.limits import (
    RECORD_BYTES,
    check_count,
    check_cursor,
    check_page,
    check_text,
    check_year,
)
from app.domain.record import Event, RecordUpdate, Version, Wait
from app.domain.stamps import local_s

API_VERSION = 1

__all__ = [
    "API_VERSION",
    "RECORD_BYTES",
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
    "check_count",
    "check_cursor",
    "check_page",
    "check_text",
    "check_year",
    "local_s",
]
