"""Limits: what a page of any feed may hold at most; a collector asks before it parses.

A parser makes many small objects of few bytes, so a page within its size can still fill the
memory: what separates values is counted first, which costs nothing.
"""

from __future__ import annotations

from app.domain.feed import FeedBroken

PAGE_BYTES = 20_000_000
PAGE_RECORDS = 20_000
RECORD_BYTES = 1_000_000
TEXT_CHARACTERS = 200
YEARS = range(1990, 2100)

_SEEN = 2000  # bytes of a refused page that are kept


def check_page(feed: str, body: bytes, most: dict[bytes, int]) -> None:
    """Refuse a page that is too long, or holds one of these marks too often."""
    if len(body) > PAGE_BYTES:
        told = f"a page of {len(body)} bytes; expected at most {PAGE_BYTES}: ask for less"
        raise _broken(feed, told, body)
    for mark, times in most.items():
        found = body.count(mark)
        if found > times:
            told = f"a page with {found} {mark.decode()!r}; expected at most {times}"
            raise _broken(feed, told, body)


def check_count(feed: str, records: int, more: bool, body: bytes) -> None:
    """Refuse a page of too many records, or of none with more behind it: that would never end."""
    if records > PAGE_RECORDS:
        told = f"a page of {records} records; expected at most {PAGE_RECORDS}: ask for less"
        raise _broken(feed, told, body)
    if more and not records:
        raise _broken(feed, "no record, and yet more of them; expected records first", body)


def check_cursor(feed: str, cursor: str, body: bytes) -> None:
    """Refuse a cursor that cannot be kept and sent back."""
    if len(cursor) > TEXT_CHARACTERS or not cursor.isprintable():
        told = f"the cursor {cursor[:40]!r}; expected printable text of at most {TEXT_CHARACTERS}"
        raise _broken(feed, told, body)


def check_text(text: str, name: str) -> str:
    """Keys go into the database and onto screens: no control characters, no endless ones."""
    if not text or len(text) > TEXT_CHARACTERS or not text.isprintable():
        raise ValueError(
            f"{name} {text[:40]!r}; expected 1 to {TEXT_CHARACTERS} printable characters"
        )
    return text


def check_year(year: int, name: str) -> None:
    """Dates far off are mistakes of a sender, and no calendar reaches them."""
    if year not in YEARS:
        raise ValueError(f"{name} is in the year {year}; expected {YEARS[0]} to {YEARS[-1]}")


def _broken(feed: str, told: str, body: bytes) -> FeedBroken:
    return FeedBroken(f"{feed}: {told}; see docs/reference/feeds/{feed}.md", body[:_SEEN])
