"""Rebuild: judges a source again from its first page, in order of the log, and compares.

What was judged day by day as pages came must be what their replay gives, bit by bit: values, sums,
targets and states of every kept day close, and of what screens show now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from app.domain.judged import Figure, Judged, KeptClose, Standing
from app.domain.period import bounds
from app.domain.profile import Profile
from app.domain.reading import Reading
from app.domain.why import version_of
from app.evaluation.follow import PageLog
from app.evaluation.occasion import Occasion
from app.evaluation.source import SourceEvaluation
from app.evaluation.walk import walk

PAGES_AT_ONCE = 50
TOLD_AT_MOST = 20
Close = tuple[str, str]  # indicator and period


@dataclass(slots=True)
class Report:
    """``passed_over``: readings of closes that another definition, or a later look, has judged."""

    judged: int = 0
    compared: int = 0
    passed_over: int = 0
    differences: int = 0
    told: list[str] = field(default_factory=list)

    def differ(self, words: str) -> None:
        self.differences += 1
        if len(self.told) < TOLD_AT_MOST:
            self.told.append(words)


class Kept(Protocol):
    """What the store still holds of earlier judgements."""

    async def standing(self, source: str, indicators: list[str]) -> Standing: ...

    async def close(self, source: str, at_s: int) -> Mapping[Close, KeptClose]: ...


async def compare(source: str, profile: Profile, pages: PageLog, kept: Kept) -> Report:
    """Replay a source's log and hold everything that is kept against it."""
    report = Report()
    known = [i.id for i in profile.indicators.values() if i.source == source]
    standing = await kept.standing(source, known)

    async def take(judged: Judged) -> None:
        # Before steps were made anew, pages brought what they no longer hold.
        told = judged.seq > standing.remade_seq
        found = await kept.close(source, judged.at_s) if told else {}
        found = {k: c for k, c in found.items() if judged.seq > standing.remade.get(k[0], 0)}
        compare_close(judged, found, profile, report)

    last = await replay(source, profile, pages, standing.seq, take)
    if last is not None and standing.shown:
        compare_latest(last, standing.latest, report)
    return report


async def replay(
    source: str,
    profile: Profile,
    pages: PageLog,
    until_seq: int,
    take: Callable[[Judged], Awaitable[None]],
) -> Judged | None:
    """Every day close to ``take``, one at a time; gives what is judged at the last page."""
    evaluation = SourceEvaluation(source, profile)
    evaluation.tally.start(profile.began_s, profile.began_s)
    done, last = 0, None
    while done < until_seq:
        found = await pages.pages_since(source, done, PAGES_AT_ONCE)
        found = [p for p in found if p.seq <= until_seq]
        if not found:
            break
        for page in found:
            for _ in walk(evaluation.tally, page, lambda at_s: bounds("day", at_s)[1]):
                closing = Occasion(filling=True, bulk=True, day=True)
                await take(evaluation.judge(page.seq, page.watermark_s, closing))
            last = page
            await asyncio.sleep(0)
        done = found[-1].seq
    if last is None:
        return None
    shown = Occasion(filling=True, bulk=True, latest=True)
    return evaluation.judge(last.seq, last.watermark_s, shown)


def compare_close(
    judged: Judged, kept: Mapping[Close, KeptClose], profile: Profile, report: Report
) -> None:
    """A replayed day close against the kept one."""
    for frame in judged.frames:
        figures = zip(
            frame.values, frame.nums, frame.dens, frame.targets, frame.states, strict=True
        )
        anew = dict(zip(frame.subjects, figures, strict=True))
        report.judged += len(anew)
        close = kept.get((frame.head.indicator, frame.head.period))
        if close is None:
            continue
        version = version_of(profile.indicators[frame.head.indicator])
        if close.definition != version or close.watermark_s != judged.watermark_s:
            report.passed_over += len(close.figures)
            continue
        where = f"{frame.head.indicator} {frame.head.period} at {judged.at_s}"
        _compare(where, close.figures, anew, report)


def compare_latest(judged: Judged, kept: list[Reading], report: Report) -> None:
    """What screens show against what the replay ends with."""
    shown: dict[Close, dict[str, Figure]] = {}
    anew: dict[Close, dict[str, Figure]] = {(h.indicator, h.period): {} for h in judged.heads}
    for found, readings in ((shown, kept), (anew, judged.changed)):
        for r in readings:
            at = found.setdefault((r.indicator, r.period), {})
            at[r.subject] = (r.value, r.num, r.den, r.target, r.state)
    for key in sorted(shown.keys() | anew.keys()):
        report.judged += len(anew.get(key, ()))
        _compare(f"{key[0]} {key[1]} now", shown.get(key, {}), anew.get(key, {}), report)


def _compare(
    where: str, kept: Mapping[str, Figure], anew: Mapping[str, Figure], report: Report
) -> None:
    for subject in sorted(kept.keys() | anew.keys()):
        report.compared += 1
        was, now = kept.get(subject), anew.get(subject)
        if was != now:
            report.differ(f"{where}, {subject}: kept {was}, rebuilt {now}")
