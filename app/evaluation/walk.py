"""Walk: takes a page into a tally and stops at every instant that is judged whatever comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from app.domain.period import bounds
from app.evaluation.tally import Step, Tally


class StoredPage(Protocol):
    @property
    def seq(self) -> int: ...

    @property
    def watermark_s(self) -> int: ...

    @property
    def more(self) -> bool: ...

    @property
    def steps(self) -> list[Step]: ...


def walk(tally: Tally, page: StoredPage, close_after: Callable[[int], int]) -> Iterator[bool]:
    """Stand at each close up to the page's watermark: whether a day ends there; then at its end."""
    tally.add(page.steps)
    # Where the tally stands was judged: it is corrected, not judged again.
    close = close_after((tally.at_s or 0) + 1)
    while close <= page.watermark_s:
        tally.advance(close)
        yield close == bounds("day", close)[1]
        close = close_after(close + 1)
    tally.advance(page.watermark_s)
