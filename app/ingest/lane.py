"""Lane: a thread and event loop for one collector that blocks, so that it holds up only itself."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
# A thread that computes gives way this often; the default of 5 ms would be felt on the wall.
SWITCH_S = 0.001
GRACE_S = 1.0


class Stuck(Exception):
    """The plug-in neither answers nor lets itself be cancelled."""


class Lane:
    """Runs coroutines of one plug-in on a loop of their own; started at the first one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def run(self, make: Callable[[], Coroutine[Any, Any, T]], within_s: float) -> T:
        """Run to the end, or raise TimeoutError, or Stuck when the loop itself is blocked.

        Never waits longer than ``within_s`` and a second of grace, whatever the plug-in does.
        """
        loop = self._opened()
        if not await self._answers(loop):
            raise Stuck(
                "the collector blocks: it has not given control back since an earlier poll;"
                " use `await` for everything that takes time, or restart the worker"
            )
        running = asyncio.run_coroutine_threadsafe(make(), loop)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(running), within_s)
        finally:
            running.cancel()

    def close(self) -> None:
        """End the thread, if its plug-in lets it; one that blocks is left behind."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join(GRACE_S)
        if not thread.is_alive():
            loop.close()
        self._loop = self._thread = None

    async def _answers(self, loop: asyncio.AbstractEventLoop) -> bool:
        here, beat = asyncio.get_running_loop(), asyncio.Event()

        def told() -> None:
            with contextlib.suppress(RuntimeError):  # whoever asked has closed its loop
                here.call_soon_threadsafe(beat.set)

        loop.call_soon_threadsafe(told)
        try:
            await asyncio.wait_for(beat.wait(), GRACE_S)
        except TimeoutError:
            return False
        return True

    def _opened(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            sys.setswitchinterval(SWITCH_S)
            # The same make as the process's own loop.
            self._loop = type(asyncio.get_running_loop())()
            # A daemon: a plug-in that never returns must not keep the process from ending.
            self._thread = threading.Thread(
                target=self._loop.run_forever, name=f"collector {self._name}", daemon=True
            )
            self._thread.start()
        return self._loop
