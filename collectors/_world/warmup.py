"""After a restart, makes the logs again as far as they were, in a thread; requests wait meanwhile.

Without it the first page behind a late position would make months of messages inside the event
loop, and the program would look dead for as long.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

    from collectors._world.log import FeedLog

MADE_NAME = "made.json"


class Warmup:
    """Which logs are being made again, and up to which day."""

    def __init__(self, logs: Mapping[str, FeedLog], data_dir: Path | None) -> None:
        self._logs = logs
        self._path = None if data_dir is None else data_dir / MADE_NAME
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stop = threading.Event()

    @contextlib.asynccontextmanager
    async def running(self, last_s: int) -> AsyncIterator[None]:
        """Begin with every log that was made before, and stop at the end of the program."""
        for feed, days in self._wanted().items():
            made = asyncio.to_thread(self._logs[feed].make_days, days, last_s, self._stop)
            self._tasks[feed] = asyncio.create_task(made)
        try:
            yield
        finally:
            self._stop.set()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            self.write()

    async def ready(self, feed: str) -> None:
        """Wait until the log of a feed is as far as it was."""
        if feed in self._tasks:
            await asyncio.shield(self._tasks[feed])

    def write(self) -> None:
        """Write down how many days each log has; never fewer than an unfinished warm-up wants."""
        if self._path is not None:
            wanted = self._wanted()
            made = {feed: max(log.days, wanted.get(feed, 0)) for feed, log in self._logs.items()}
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps(made))
            fresh.replace(self._path)

    def _wanted(self) -> dict[str, int]:
        if self._path is None or not self._path.exists():
            return {}
        told: dict[str, int] = json.loads(self._path.read_text(encoding="utf-8"))
        return {feed: days for feed, days in told.items() if feed in self._logs}


class Gate:
    """Middleware: lets a request for a feed wait for its log."""

    def __init__(self, app: ASGIApp, warmup: Warmup) -> None:
        self._app = app
        self._warmup = warmup

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then pass on."""
        if scope["type"] == "http":
            await self._warmup.ready(scope["path"].split("/", 2)[1])
        await self._app(scope, receive, send)
