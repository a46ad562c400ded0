"""Filling: only the first load of a source is silent; what is caught up with later is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.domain.judged import Judged
from app.domain.profile import Profile
from app.evaluation import source as evaluation
from app.evaluation.follow import Follower
from app.evaluation.tally import Step
from app.profile import load_profile, profile_folder

SOURCE = "einvoice"
DAY = 86400


@dataclass(frozen=True)
class StoredPage:
    seq: int
    watermark_s: int
    more: bool
    steps: list[Step] = field(default_factory=list)


@dataclass
class Log:
    pages: list[StoredPage]
    committed: list[Judged] = field(default_factory=list)
    at: tuple[int, int | None] = (0, None)

    async def pages_since(self, source: str, seq: int, limit: int) -> Sequence[StoredPage]:
        return [p for p in self.pages if p.seq > seq][:limit]

    async def caught_up_at(self, source: str) -> int | None:
        return next((p.seq for p in self.pages if not p.more), None)

    async def closes(
        self, source: str, indicator: str, period: str, from_s: int
    ) -> Sequence[tuple[int, Sequence[str], Sequence[float | None]]]:
        kept = [(j.at_s, f) for j in self.committed if j.closes_day for f in j.frames]
        return [
            (at_s, f.subjects, f.values)
            for at_s, f in kept
            if (f.head.indicator, f.head.period) == (indicator, period) and at_s >= from_s
        ]

    async def place(self, source: str) -> tuple[int, int | None]:
        return self.at

    async def revised_place(self, source: str) -> int:
        return self.at[0]

    async def commit(self, batch: Sequence[Judged]) -> None:
        self.committed += batch
        self.at = (batch[-1].seq, batch[-1].at_s)


def pages(began_s: int, first: int, count: int, *, ends: bool) -> list[StoredPage]:
    last = first + count - 1
    return [
        StoredPage(n, began_s + n * DAY, not (ends and n == last)) for n in range(first, last + 1)
    ]


async def follow_all(log: Log, profile: Profile) -> list[Judged]:
    before = len(log.committed)
    follower = Follower(SOURCE, profile, log, log)  # type: ignore[arg-type]
    while await follower.step():
        pass
    return log.committed[before:]


async def test_the_first_load_is_silent_and_a_downtime_is_not() -> None:
    profile = load_profile(profile_folder("laocai"))
    log = Log(pages(profile.began_s, 1, 45, ends=True))
    first = await follow_all(log, profile)
    assert {j.filling for j in first} == {True}
    # Away for a month: many pages wait, the last of them alone has nothing behind it.
    log.pages += pages(profile.began_s, 46, 30, ends=True)
    late = await follow_all(log, profile)
    assert {j.filling for j in late} == {False}
    assert sum(j.closes_day for j in late) == 30


async def test_a_load_that_was_interrupted_stays_silent() -> None:
    profile = load_profile(profile_folder("laocai"))
    log = Log(pages(profile.began_s, 1, 25, ends=False))
    assert {j.filling for j in await follow_all(log, profile)} == {True}
    log.pages += pages(profile.began_s, 26, 25, ends=True)
    assert {j.filling for j in await follow_all(log, profile)} == {True}
    log.pages += pages(profile.began_s, 51, 1, ends=True)
    assert {j.filling for j in await follow_all(log, profile)} == {False}


async def test_the_last_week_is_judged_by_the_hour_and_what_was_before_by_the_day() -> None:
    profile = load_profile(profile_folder("laocai"))
    log = Log(pages(profile.began_s, 1, 30, ends=True))
    now_s = profile.began_s + 30 * DAY
    follower = Follower(SOURCE, profile, log, log, lambda: now_s)  # type: ignore[arg-type]
    while await follower.step():
        pass
    closes = [j.at_s for j in log.committed if j.frames and not j.latest]
    assert len([c for c in closes if c < now_s - 7 * DAY]) == 23
    assert len([c for c in closes if c >= now_s - 7 * DAY]) == 7 * 24
    assert sum(j.closes_day for j in log.committed) == 30
    assert all((c + 1) % 3600 == 0 for c in closes)


async def test_watched_readings_come_first_and_are_never_cut(monkeypatch) -> None:
    profile = load_profile(profile_folder("laocai"))
    watched = profile.indicators["inv.enterprises"]
    assert watched.alert is not None
    assert "area:10" in watched.alert.subjects
    monkeypatch.setattr(evaluation, "ANNOUNCED_AT_MOST", 3)
    step: Step = ("1103", "", 0, "now", 0, profile.began_s + 30, -1, 1, 2)
    profile = replace(
        profile,
        indicators={i: profile.indicators[i] for i in ("inv.enterprises", "inv.issued")},
    )
    page = StoredPage(1, profile.began_s + 60, False, [step])
    log = Log([page, replace(page, seq=2, watermark_s=page.watermark_s + 60, steps=[])])
    first, second = await follow_all(Log([page]), profile), await follow_all(log, profile)
    for judged in first + second:
        assert len(judged.announced) <= 3
        top = judged.announced[0]
        assert (top.indicator, top.subject) == ("inv.enterprises", "area:10")
