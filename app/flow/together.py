"""Together: the parts of one process, started and ended as one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


async def together(stop: asyncio.Event, *parts: Awaitable[None]) -> None:
    """Run parts side by side; the first that fails, or ``stop``, ends them all."""
    tasks: list[asyncio.Future[object]] = [asyncio.ensure_future(p) for p in parts]
    stopping: asyncio.Future[object] = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
    while stopping not in done and all(t.exception() is None for t in done):
        left = [t for t in tasks if not t.done()]
        if not left:
            break
        done, _ = await asyncio.wait([*left, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in done - {stopping}:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
