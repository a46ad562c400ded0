"""Ready: whether the database answers, asked so that nobody waits for one that hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Ready:
    """One question at a time, whoever asks: a server that hangs takes one connection, not all.

    The question is left to its fate, never cancelled: giving a connection back waits until its
    server has heard of the cancelling, and that is what a stopped server does not do.
    """

    def __init__(self, ask: Callable[[], Awaitable[bool]]) -> None:
        self._ask = ask
        self._asked: asyncio.Future[bool] | None = None

    async def within(self, seconds: float) -> bool:
        """False when the answer is no, an error, or not there in time."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.ensure_future(self._ask())
            self._asked.add_done_callback(lambda done: done.cancelled() or done.exception())
        asked = self._asked
        await asyncio.wait([asked], timeout=seconds)
        return asked.done() and not asked.cancelled() and not asked.exception() and asked.result()
