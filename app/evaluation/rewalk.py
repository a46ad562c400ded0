"""Rewalk: the ways of an edited measure, by the closes that its steps make of the days there were.

What was judged stays as it was judged. But hysteresis remembers: a state that rests on what
another measure counted is neither what a rebuild finds nor what the definition says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from app.domain.period import bounds
from app.domain.profile import Profile
from app.evaluation.follow import PageLog
from app.evaluation.occasion import Occasion
from app.evaluation.source import SourceEvaluation
from app.evaluation.tally import Step
from app.evaluation.walk import walk

log = structlog.get_logger("evaluation")
PAGES_AT_ONCE = 50
KEPT_AT_ONCE = 300  # each a few hundred subjects
DayClose = tuple[str, str, int, Sequence[str], Sequence[float | None]]


class Ways(Protocol):
    """What is kept of ways."""

    async def place(self, source: str) -> tuple[int, int | None]: ...

    async def unwalked(self, source: str) -> set[str]:
        """Indicators whose kept closes are of another measure than their steps."""
        ...

    async def forget_ways(self, source: str, indicators: Sequence[str]) -> None: ...

    async def keep_ways(self, source: str, closes: Sequence[DayClose]) -> None: ...

    async def walked(self, source: str, indicators: Sequence[str], until_s: int) -> None:
        """Only now do they stand for the closes that were judged up to an instant."""
        ...


@dataclass(frozen=True, slots=True)
class _Part:
    """A page with the steps of some indicators alone."""

    seq: int
    watermark_s: int
    more: bool
    steps: list[Step]


async def rewalk(source: str, profile: Profile, pages: PageLog, ways: Ways) -> int:
    """Count the closes of indicators that were edited; gives how many days."""
    wanted = await ways.unwalked(source) & {
        i.id for i in profile.indicators.values() if i.source == source
    }
    seq, at_s = await ways.place(source)
    if not wanted:
        return 0
    evaluation = SourceEvaluation(source, _untargeted(profile), frozenset(wanted))
    evaluation.tally.start(profile.began_s, profile.began_s)
    await ways.forget_ways(source, sorted(wanted))
    closes: list[DayClose] = []
    done = count = 0
    while done < seq:
        found = [p for p in await pages.pages_since(source, done, PAGES_AT_ONCE) if p.seq <= seq]
        if not found:
            break
        for page in found:
            steps = [s for s in page.steps if evaluation.judges(s[2])]
            part = _Part(page.seq, page.watermark_s, page.more, steps)
            for _ in walk(evaluation.tally, part, lambda s: bounds("day", s)[1]):
                closes += _closed(evaluation, part)
                count += 1
            await asyncio.sleep(0)
            if len(closes) >= KEPT_AT_ONCE:
                await ways.keep_ways(source, closes)
                closes.clear()
        done = found[-1].seq
    await ways.keep_ways(source, closes)
    await ways.walked(source, sorted(wanted), at_s or 0)
    log.info("ways walked again", source=source, indicators=sorted(wanted), days=count)
    return count


def _untargeted(profile: Profile) -> Profile:
    """Values alone are wanted: whoever resumes a way judges them."""
    bare = {n: replace(i, targets=(), alert=None) for n, i in profile.indicators.items()}
    return replace(profile, indicators=bare)


def _closed(evaluation: SourceEvaluation, page: _Part) -> list[DayClose]:
    judged = evaluation.judge(page.seq, page.watermark_s, Occasion(True, True, day=True))
    return [
        (f.head.indicator, f.head.period, judged.at_s, f.subjects, f.values) for f in judged.frames
    ]
