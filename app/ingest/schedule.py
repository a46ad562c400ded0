"""Schedule: APScheduler triggers the polls; none is ever lost, whatever happens to one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from app.domain.clock import real_s
from app.ingest.runner import SourceRunner
from app.ingest.watch import Watch

log = structlog.get_logger("ingest")
LOOK_S = 1.0
STEP_S = 2.0  # a wall clock that moved by more than this against the monotonic one was set
OVERDUE_S = 10.0
RETRY_S = 5.0


async def run(runners: Sequence[SourceRunner], stop: asyncio.Event) -> None:
    """Poll every source at its pace until ``stop``."""
    with Watch(SourceRunner._call.__code__):
        await _Schedule(runners, stop).keep()


class _Schedule:
    """Who runs and who is due, by the clock that nobody sets; APScheduler knows wall time alone."""

    def __init__(self, runners: Sequence[SourceRunner], stop: asyncio.Event) -> None:
        self._runners = {r.name: r for r in runners}
        self._stop = stop
        self._running: set[str] = set()
        self._due: dict[str, float] = {}
        self._loop = asyncio.get_running_loop()
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    async def keep(self) -> None:
        self._scheduler.start()
        for name in self._runners:
            self._arm(name, 0.0)
        wall, mono = real_s(), self._loop.time()
        while not self._stop.is_set():
            before = self._loop.time()
            await asyncio.sleep(LOOK_S)
            stood = self._loop.time() - before > LOOK_S + STEP_S
            stepped = abs((real_s() - wall) - (self._loop.time() - mono)) > STEP_S
            if stepped:
                wall, mono = real_s(), self._loop.time()
            self._look_after(stepped=stepped, stood=stood)
        self._scheduler.shutdown(wait=False)

    def _look_after(self, *, stepped: bool, stood: bool) -> None:
        """Tell the scheduler anew after a step; take up a source that nobody would poll again.

        ``stood``: the whole loop did, so what is overdue is not lost: its turn comes now.
        """
        now = self._loop.time()
        for name in self._runners:
            if name in self._running or self._stop.is_set():
                continue
            due = self._due.get(name)
            if due is None or (now > due + OVERDUE_S and not stood):
                log.error("a poll was lost; it is due again", source=name)
                self._arm(name, 0.0)
            elif stepped:
                self._arm(name, max(0.0, due - now))

    def _arm(self, name: str, wait_s: float) -> None:
        self._due[name] = self._loop.time() + wait_s
        self._scheduler.add_job(
            self._fire,
            "date",
            run_date=datetime.fromtimestamp(real_s() + wait_s, UTC),
            args=(name,),
            id=name,
            replace_existing=True,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )

    async def _fire(self, name: str) -> None:
        if name in self._running:
            return
        self._running.add(name)
        self._due.pop(name, None)
        wait_s = RETRY_S
        try:
            wait_s = await self._runners[name].poll()
        except BaseException as error:
            if self._stop.is_set():
                raise
            # Not even what is raised against all rules may take a source out of the schedule.
            log.error("poll ended against the rules", source=name, error=repr(error))
        finally:
            self._running.discard(name)
        if not self._stop.is_set():
            self._arm(name, wait_s)
