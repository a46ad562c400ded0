"""What comes late corrects the past: history is what a rebuild that knows everything judges."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.judged import GONE, Frame, Judged, Revised
from app.domain.period import bounds
from app.domain.reading import Reading
from app.evaluation.follow import Follower
from app.evaluation.source import Occasion, SourceEvaluation
from tests.unit.test_rebuild import DAY, PROFILE, SOURCE, Log, StoredPage, paged, update

HISTORIES = int(os.environ.get("IOC_HISTORIES", "200"))
AT_ONCE = 20  # of each example
Figure = tuple[float | None, int | None, int | None, float | None, str]
Name = tuple[str, str, int]  # indicator, period and instant


class Killed(Exception):
    """The process ended here."""


@dataclass
class History:
    """What a store keeps: figures by instant, the place, and how far corrections reach."""

    figures: dict[Name, dict[str, Figure]] = field(default_factory=dict)
    definitions: dict[Name, str] = field(default_factory=dict)
    at: tuple[int, int | None] = (0, None)
    revised_seq: int = 0
    dies: bool = False
    corrected: int = 0

    async def place(self, source: str) -> tuple[int, int | None]:
        return self.at

    async def revised_place(self, source: str) -> int:
        return self.revised_seq

    async def commit(self, batch: Sequence[Judged]) -> None:
        for judged in batch:
            await self.commit_history(judged)
        self.at = (batch[-1].seq, batch[-1].at_s)

    async def commit_history(self, judged: Judged) -> None:
        for frame in judged.frames:
            name = (frame.head.indicator, frame.head.period, judged.at_s)
            self.definitions[name] = frame.head.definition
            self.figures[name] = {}
            self._put(name, frame)

    async def revise(
        self, source: str, seq: int, watermark_s: int, found: Sequence[Revised]
    ) -> None:
        if self.dies:
            self.dies = False
            raise Killed
        for one in found:
            self._put((one.frame.head.indicator, one.frame.head.period, one.at_s), one.frame)
            self.corrected += len(one.frame.subjects)
        assert self.revised_seq <= seq <= self.at[0]
        self.revised_seq = seq

    def _put(self, name: Name, f: Frame) -> None:
        columns = zip(f.values, f.nums, f.dens, f.targets, f.states, strict=True)
        self.figures[name] |= dict(zip(f.subjects, columns, strict=True))

    async def framed(self, source: str) -> set[str]:
        return set()

    async def closes(self, source: str, indicator: str, period: str, from_s: int) -> list:
        return []

    async def past(
        self, source: str, indicator: str, period: str, subjects: Sequence[str], from_s: int,
        to_s: int,
    ) -> tuple[Mapping[int, str], list[Reading]]:  # fmt: skip
        names = [n for n in self.figures if n[:2] == (indicator, period) and from_s <= n[2] <= to_s]
        found = [
            Reading(indicator, s, period, 0, n[2], 0, source, *f[:4], f[4], "")
            for n in names
            for s, f in self.figures[n].items()
            if s in subjects and f[4] != GONE
        ]
        return {n[2]: self.definitions[n] for n in names}, found


async def follow(pages: list[StoredPage], rng: random.Random, history: History) -> None:
    """As an installation does: page after page, ended now and then at the worst moment."""
    log = Log([])
    follower = Follower(SOURCE, PROFILE, log, history)
    for page in pages:
        log.pages.append(page)
        if rng.random() < 0.15:
            history.dies = True
        try:
            # Now and then only what is new: late steps of many pages are then corrected at once.
            while await follower.step() and rng.random() < 0.5:
                pass
        except Killed:
            follower = Follower(SOURCE, PROFILE, log, history)
            while await follower.step():
                pass
        if rng.random() < 0.1:
            follower = Follower(SOURCE, PROFILE, log, history)
    history.dies = False
    while await follower.step():
        pass


def known_all_along(pages: list[StoredPage], instants: set[int]) -> dict[Name, dict[str, Figure]]:
    """A rebuild that knows every page before it stands at the first instant."""
    evaluation = SourceEvaluation(SOURCE, PROFILE)
    evaluation.tally.start(PROFILE.began_s, PROFILE.began_s)
    for page in pages:
        evaluation.tally.add(page.steps)
    history = History()
    for at_s in sorted(instants):
        evaluation.tally.advance(at_s)
        judged = evaluation.judge(0, 0, Occasion(True, True, day=True))
        for frame in judged.frames:
            name = (frame.head.indicator, frame.head.period, at_s)
            history.figures[name] = {}
            history._put(name, frame)
    return history.figures


def counted(figures: Mapping[str, Figure]) -> dict[str, Figure]:
    """Without zeros: what was counted and taken back says the same as what never was."""
    return {s: f for s, f in figures.items() if f[1] or f[2]}


@given(st.integers(0, 2**32))
@settings(max_examples=HISTORIES // AT_ONCE, deadline=None)
async def test_history_is_what_a_rebuild_that_knows_everything_judges(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(AT_ONCE):
        updates = [update(rng, f"c{rng.randrange(5)}") for _ in range(rng.randrange(2, 16))]
        pages, history = paged(rng, updates), History()
        await follow(pages, rng, history)
        anew = known_all_along(pages, {name[2] for name in history.figures})
        assert history.figures.keys() <= anew.keys()
        for name, figures in history.figures.items():
            assert counted(figures) == counted(anew[name]), name


async def test_one_late_step_moves_what_rests_on_it_and_nothing_else() -> None:
    rng = random.Random(3)
    updates = [update(rng, f"c{n}") for n in range(40)]
    pages, before = paged(rng, updates)[:-1], History()
    last = PROFILE.began_s + 100 * DAY
    pages.append(StoredPage(len(pages) + 1, last, False))
    await follow(pages, random.Random(0), before)
    number = next(
        n
        for n, i in enumerate(i for i in PROFILE.indicators.values() if i.source == SOURCE)
        if i.measure.kind == "sum" or (i.measure.kind == "ratio" and "year" in i.periods)
    )
    indicator = [i for i in PROFILE.indicators.values() if i.source == SOURCE][number]
    late_s = last - 60 * DAY
    owner = next(c for c, a in PROFILE.agencies.items() if f"agency:{c}" in PROFILE.subjects)
    begin, end = bounds("year", late_s)
    steps = [(owner, "", number, "year", begin, late_s, -1, 1, 1)]
    after = History()
    more = [*pages, StoredPage(len(pages) + 1, last + 60, False, steps)]
    await follow(more, random.Random(0), after)
    moved = {
        (*name, subject)
        for name, figures in after.figures.items()
        for subject, figure in figures.items()
        if name in before.figures and before.figures[name].get(subject) != figure
    }
    chain = {s for s in PROFILE.members.of(owner, "", 0) if s in PROFILE.subjects}
    assert moved
    assert {m[:2] for m in moved} <= {(indicator.id, p) for p in indicator.periods}
    assert {m[3] for m in moved} <= chain
    assert all(late_s <= m[2] <= end for m in moved if m[1] == "year")
    days = {m[2] for m in moved if m[1] == "year"}
    assert days >= {n[2] for n in before.figures if n[1] == "year" and late_s <= n[2] <= last}
    assert after.corrected - before.corrected == len(moved)
