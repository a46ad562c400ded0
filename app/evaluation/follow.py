"""Follow: reads the pages of one source since a place, and turns them into judged readings.

Instants judged: the last second of every day the watermark passes, of every hour in the last seven
days, and the watermark itself whenever the log is read to its end (in a fill: now and then, so that
screens show how far it is).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from app.domain.judged import Judged, Revised
from app.domain.period import bounds
from app.domain.profile import Profile
from app.evaluation.courses import Close
from app.evaluation.occasion import Occasion
from app.evaluation.revise import Durations, Late, Past, late_of, revised
from app.evaluation.source import SourceEvaluation
from app.evaluation.tally import Tally
from app.evaluation.walk import StoredPage, walk

log = structlog.get_logger("evaluation")
PAGES_AT_ONCE = 8  # a full page is some 2 MB of steps
CLOSINGS_AT_ONCE = 4  # each is a frame of every indicator and period, in memory until committed
LATE_AT_ONCE = 50_000  # steps; some ten megabytes
CORRECTED_AT_ONCE = 50_000  # figures at most; some 300 bytes each until they are committed
_UNITS = 4  # whom a record counts for: its agency, commune or department, district, province
LATE_WAITS_S = 30.0  # while a source loads
FILL_SHOWS_EVERY_S = 1.0
HOURLY_S = 7 * 86400


class PageLog(Protocol):
    async def pages_since(self, source: str, seq: int, limit: int) -> Sequence[StoredPage]: ...

    async def caught_up_at(self, source: str) -> int | None: ...


class Readings(Past, Protocol):
    async def place(self, source: str) -> tuple[int, int | None]: ...

    async def commit(self, batch: Sequence[Judged]) -> None: ...

    async def commit_history(self, judged: Judged) -> None: ...

    async def framed(self, source: str) -> set[str]: ...

    async def closes(
        self, source: str, indicator: str, period: str, from_s: int
    ) -> Sequence[Close]:
        """The closes of days as they were judged from an instant on, oldest first."""
        ...

    async def revised_place(self, source: str) -> int:
        """Up to which page the past is as its pages tell it."""
        ...

    async def revise(
        self, source: str, seq: int, watermark_s: int, found: Sequence[Revised]
    ) -> None:
        """Corrections of the past, and that they reach up to a page, in one transaction."""
        ...


class Follower:
    """The loop: pages since a place → tally → readings, committed with the place."""

    def __init__(
        self,
        source: str,
        profile: Profile,
        pages: PageLog,
        readings: Readings,
        now_s: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self.source = source
        self._now_s = now_s
        self._profile = profile
        self._pages = pages
        self._readings = readings
        self._evaluation: SourceEvaluation | None = None
        self._seq = 0
        self._shown_at = 0.0
        self._caught_up_at: int | None = None
        # Steps that came too late for what was judged, by page; and durations, to count them anew.
        self._late: list[tuple[int, int, list[Late]]] = []
        self._durations = Durations()
        self._judged_seq = 0
        self._unshown: StoredPage | None = None  # the last page taken, while screens know of less
        self._loading = False
        self._revised_at = -math.inf
        self.busy = asyncio.Lock()

    async def step(self) -> bool:
        """Evaluate the next pages; False when there was nothing new."""
        async with self.busy:
            return await self._step()

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """While another profile comes: nothing is judged, and the past is as all pages tell it."""
        async with self.busy:
            if self._evaluation is not None:  # what is late belongs to what the old one judged
                await self._revise(self._evaluation, self._judged_seq)
            yield

    async def adopt(
        self, profile: Profile, *, remade: bool, recounted: frozenset[str] = frozenset()
    ) -> None:
        """Judge by another profile from here on; call it while it is ``still``.

        The sums stay what they are unless the steps were ``remade``, those of ``recounted``
        indicators alone or all of them. What was judged keeps the definition that judged it; what
        screens show is judged anew at once, at the same instant.
        """
        self._profile = profile
        kept = None if remade else self._evaluation
        self._evaluation = None
        evaluation = await self._restore(kept, recounted)
        seq, at_s = await self._readings.place(self.source)
        if at_s is not None and seq == self._seq and evaluation.tally.at_s == at_s:
            reached = await self._pages.caught_up_at(self.source)
            # With the page that ended its loading a source is loaded: people are told of an edit.
            shown = Occasion(reached is None or seq < reached, bulk=False, latest=True)
            await self._readings.commit([evaluation.judge(seq, at_s, shown)])
        self._evaluation = evaluation

    async def _step(self) -> bool:
        if self._evaluation is None:
            self._evaluation = await self._restore()
            await self._revise(self._evaluation)
        pages = await self._pages.pages_since(self.source, self._seq, PAGES_AT_ONCE)
        if not pages:
            if self._unshown is not None and not self._loading:
                await self._show(self._evaluation, self._unshown)
            if not self._loading or _loop_s() - self._revised_at > LATE_WAITS_S:
                await self._revise(self._evaluation, self._judged_seq)
            return False
        try:
            await self._take(self._evaluation, pages)
        except BaseException:
            # The tally has taken steps whose readings were not committed: build it again.
            self._evaluation = None
            raise
        return True

    async def _take(self, evaluation: SourceEvaluation, pages: Sequence[StoredPage]) -> None:
        batch: list[Judged] = []
        self._loading = pages[-1].more
        bulk = len(pages) == PAGES_AT_ONCE or self._loading
        if self._caught_up_at is None:
            self._caught_up_at = await self._pages.caught_up_at(self.source)
        reached = self._caught_up_at
        for taken, page in enumerate(pages, 1):  # noqa: B007 - how far it came
            filling = reached is None or page.seq <= reached
            self._note(evaluation, page, evaluation.tally.at_s or 0)
            for day in walk(evaluation.tally, page, self._close_after):
                closing = Occasion(filling, bulk, day=day, frame=True)
                batch.append(evaluation.judge(page.seq, page.watermark_s, closing))
            if len(batch) >= CLOSINGS_AT_ONCE:
                break
        bulk, pages = bulk or taken < len(pages), pages[:taken]
        now, last = _loop_s(), pages[-1]
        self._unshown = last
        if not bulk or now - self._shown_at > FILL_SHOWS_EVERY_S:
            self._shown_at, self._unshown = now, None
            shown = Occasion(reached is None or last.seq <= reached, bulk, latest=True)
            batch.append(evaluation.judge(last.seq, last.watermark_s, shown))
        if batch:
            # The place kept is that of the last judged page: the rest is read again after a crash.
            await self._readings.commit(batch)
            self._judged_seq = batch[-1].seq
            # While years are loaded, the past is corrected by many late steps at once: each time
            # it is read again from the earliest of them on.
            if not bulk or sum(len(steps) for _, _, steps in self._late) >= LATE_AT_ONCE:
                await self._revise(evaluation, self._judged_seq)
        self._seq = pages[-1].seq

    async def _show(self, evaluation: SourceEvaluation, last: StoredPage) -> None:
        """What seemed to have more behind it had none: screens show it all the same."""
        reached = self._caught_up_at
        shown = Occasion(reached is None or last.seq <= reached, bulk=False, latest=True)
        await self._readings.commit([evaluation.judge(last.seq, last.watermark_s, shown)])
        self._judged_seq, self._unshown = last.seq, None

    def _note(self, evaluation: SourceEvaluation, page: StoredPage, judged_s: int) -> None:
        self._durations.add(page.steps)
        if late := late_of(page.steps, evaluation, judged_s):
            self._late.append((page.seq, page.watermark_s, late))

    async def _revise(self, evaluation: SourceEvaluation, until_seq: float = math.inf) -> None:
        """Correct the past by what came late, up to a page whose own judgement is committed."""
        while due := _at_once([one for one in self._late if one[0] <= until_seq]):
            late = [step for _, _, steps in due for step in steps]
            self._revised_at = _loop_s()
            found = await revised(evaluation, self._durations, late, self._readings)
            seq, known_s = max(d[0] for d in due), max(d[1] for d in due)
            await self._readings.revise(self.source, seq, known_s, found)
            self._late = [one for one in self._late if one[0] > seq]

    def _close_after(self, at_s: int) -> int:
        """The next instant to judge whatever comes; hours alone for the last week."""
        return bounds("hour" if at_s >= self._now_s() - HOURLY_S else "day", at_s)[1]

    async def _restore(
        self, kept: SourceEvaluation | None = None, recounted: frozenset[str] = frozenset()
    ) -> SourceEvaluation:
        """Sum all pages up to the place; what follows is then taken page by page as it was.

        ``kept`` holds those sums already, and the states of every indicator that is as it was.
        """
        evaluation = SourceEvaluation(self.source, self._profile)
        taken: frozenset[str] = frozenset()
        fresh = evaluation.tally
        if kept is None:
            seq, at_s = await self._readings.place(self.source)
            await self._sum(evaluation, seq, at_s)
        else:
            taken, at_s = evaluation.take_over(kept), kept.tally.at_s
            if recounted:
                numbers = [n for n, i in enumerate(evaluation.indicators) if i.id in recounted]
                await self._recount(evaluation, frozenset(numbers), fresh)
        if at_s is None:
            return evaluation
        evaluation.resume_at(at_s)
        for (indicator, kind), from_s in evaluation.way_keys().items():
            if indicator in taken:
                continue
            closes = await self._readings.closes(self.source, indicator, kind, from_s)
            evaluation.resume(indicator, kind, [c for c in closes if c[0] <= at_s])
        return evaluation

    async def _recount(
        self, evaluation: SourceEvaluation, numbers: frozenset[int], like: Tally
    ) -> None:
        """Sum the steps of some indicators again, up to the page that was taken last."""
        evaluation.tally.count_anew(numbers, like)
        self._durations.forget(numbers)
        self._late = [
            (seq, at_s, [one for one in late if one.step[2] not in numbers])
            for seq, at_s, late in self._late
        ]
        done = 0
        while done < self._seq:
            pages = await self._pages.pages_since(self.source, done, 50)
            pages = [p for p in pages if p.seq <= self._seq]
            if not pages:
                break
            for page in pages:
                steps = [s for s in page.steps if s[2] in numbers]
                self._durations.add(steps)
                evaluation.tally.add(steps)
                await asyncio.sleep(0)
            done = pages[-1].seq

    async def _sum(self, evaluation: SourceEvaluation, seq: int, at_s: int | None) -> None:
        began = judged_s = self._profile.began_s
        self._unshown = None
        evaluation.tally.start(began, began if at_s is None else at_s)
        self._late, self._durations = [], Durations()
        revised_seq = await self._readings.revised_place(self.source)
        done = 0
        while done < seq:
            pages = await self._pages.pages_since(self.source, done, 200)
            pages = [p for p in pages if p.seq <= seq]
            if not pages:
                break
            for page in pages:
                if page.seq > revised_seq:  # its own judgement is kept, the corrections are not
                    self._note(evaluation, page, judged_s)
                else:
                    self._durations.add(page.steps)
                judged_s = max(judged_s, page.watermark_s)
                evaluation.tally.add(page.steps)
                await asyncio.sleep(0)
            done = pages[-1].seq
        self._seq = seq
        log.info("evaluation restored", source=self.source, pages=done)


def _loop_s() -> float:
    return asyncio.get_running_loop().time()


def _at_once(due: Sequence[tuple[int, int, list[Late]]]) -> Sequence[tuple[int, int, list[Late]]]:
    """The first pages, as many as memory bears: a step corrects its units on every day since."""
    figures = 0
    for number, (_, _, late) in enumerate(due):
        figures += sum(_UNITS * ((one.judged_s - one.step[5]) // 86400 + 1) for one in late)
        if number and figures > CORRECTED_AT_ONCE:
            return due[:number]
    return due


async def run(follower: Follower, bell: asyncio.Event, stop: asyncio.Event) -> None:
    """Step until ``stop``; a lost database is waited for."""
    while not stop.is_set():
        try:
            if not await follower.step():
                try:
                    await asyncio.wait_for(bell.wait(), 0.5)
                except TimeoutError:
                    continue
                bell.clear()
        except Exception as error:  # nothing was committed: the pages are read again
            log.warning("evaluation waits", source=follower.source, error=repr(error))
            await asyncio.sleep(1)


__all__ = ["Follower", "SourceEvaluation", "run"]
