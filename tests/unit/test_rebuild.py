"""Judged piece by piece, in any order of arrival, is what a rebuild judges: bit by bit."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.judged import Judged, KeptClose
from app.domain.measure import Measures, net
from app.domain.period import bounds
from app.domain.profile import Profile
from app.domain.record import Event, Record, RecordUpdate, Version, Wait, merge
from app.domain.why import version_of
from app.evaluation.rebuild import Report, compare_close, compare_latest, replay
from app.evaluation.source import Occasion, SourceEvaluation
from app.evaluation.tally import Step
from app.evaluation.walk import walk
from app.profile import load_profile, profile_folder

DAY = 86400
WHOLE = load_profile(profile_folder("laocai"))
SOURCE = "public_service"
OWNERS = [*[c for c, a in WHOLE.agencies.items() if a.tier != "province"][:4], "H38.1"]
NAMED = {s for o in OWNERS for c in ("", "LV01") for s in WHOLE.members.of(o, c, 0)}
# Few agencies and their areas, so that a history is small; every measure of the source.
WITH_WAYS = replace(
    WHOLE,
    subjects={k: s for k, s in WHOLE.subjects.items() if k in NAMED},
    indicators={k: i for k, i in WHOLE.indicators.items() if i.source == SOURCE},
)
# A state on a way rests on the closes in their order; every other one on what is known alone.
PROFILE = replace(
    WITH_WAYS,
    indicators={
        k: replace(i, targets=tuple(replace(t, kind="instant") for t in i.targets))
        for k, i in WITH_WAYS.indicators.items()
    },
)
MEASURES = Measures(list(PROFILE.indicators.values()), PROFILE.rules())
STATUSES = ("2", "4", "5", "6", "9", "10", "8", "7", "3")
HISTORIES = int(os.environ.get("IOC_HISTORIES", "800"))
AT_ONCE = 20  # of each example


@dataclass(frozen=True)
class StoredPage:
    seq: int
    watermark_s: int
    more: bool
    steps: list[Step] = field(default_factory=list)


@dataclass
class Log:
    pages: list[StoredPage]

    async def pages_since(self, source: str, seq: int, limit: int) -> Sequence[StoredPage]:
        return [p for p in self.pages if p.seq > seq][:limit]

    async def caught_up_at(self, source: str) -> int | None:
        return None


@dataclass
class Table:
    """``reading_latest`` as the store keeps it from one evaluation to the next."""

    rows: dict[tuple[str, str, str], tuple[object, ...]] = field(default_factory=dict)

    def take(self, judged: Judged) -> None:
        for r in judged.changed:
            told = (r.value, r.num, r.den, r.target, r.state, r.reason)
            self.rows[(r.indicator, r.period, r.subject)] = told
        for listed in judged.listed:
            left = {
                k
                for k in self.rows
                if k[:2] == (listed.indicator, listed.period) and k[2] not in listed.subjects
            }
            for key in left:
                del self.rows[key]


def update(rng: random.Random, code: str) -> RecordUpdate:
    def at() -> int:
        return PROFILE.began_s + rng.randrange(70 * DAY)

    version = None
    if rng.random() < 0.6:
        received = at()
        waits = tuple(
            Wait(str(n), received + rng.randrange(20 * DAY), None)
            for n in range(rng.choice((0, 0, 0, 1)))
        )
        due = received + rng.randrange(40 * DAY) if rng.random() < 0.8 else None
        flags = frozenset(f for f in ("online", "fully_online") if rng.random() < 0.5)
        version = Version(rng.randrange(10**6), received, due, 10, flags, waits=waits)
    events = tuple(Event(at(), rng.choice(STATUSES)) for _ in range(rng.randrange(3)))
    # A receipt may be told of the wrong office, or of none, and be corrected later.
    owner = rng.choice((*OWNERS, ""))
    return RecordUpdate("dossier", code, owner, rng.choice(("", "LV01")), version, events)


def paged(rng: random.Random, updates: list[RecordUpdate]) -> list[StoredPage]:
    """As the store packs them: the change each page makes, records merged in this order."""
    records: dict[str, Record] = {}
    pages: list[StoredPage] = []
    watermark_s, left = PROFILE.began_s, list(updates)
    while left:
        steps: list[Step] = []
        for _ in range(min(len(left), rng.randrange(1, 5))):
            told = left.pop(0)
            before = records.get(told.code)
            records[told.code] = after = merge(before, told)
            moves = [(after, net(MEASURES.steps(before), MEASURES.steps(after)))]
            if before is not None and (before.owner, before.sector) != (after.owner, after.sector):
                moves = [(before, net(MEASURES.steps(before), {})), (after, MEASURES.steps(after))]
            for record, change in moves:
                steps += [(record.owner, record.sector, *k, *v) for k, v in change.items()]
        watermark_s += rng.randrange(8 * DAY)
        pages.append(StoredPage(len(pages) + 1, watermark_s, bool(left), steps))
    return [*pages, StoredPage(len(pages) + 1, PROFILE.began_s + 80 * DAY, False)]


def follow(
    rng: random.Random, pages: list[StoredPage], profile: Profile = PROFILE, every: int = 7
) -> tuple[Table, list[Judged]]:
    """One page after another, judged at odd instants too, as an installation does."""
    evaluation, table, closes = SourceEvaluation(SOURCE, profile), Table(), []
    evaluation.tally.start(profile.began_s, profile.began_s)
    closing, shown = Occasion(False, True, day=True), Occasion(False, False, latest=True)
    for page in pages:
        for _ in walk(evaluation.tally, page, lambda s: bounds("day", s + (every - 1) * DAY)[1]):
            closes.append(evaluation.judge(page.seq, page.watermark_s, closing))
        if rng.random() < 0.7 or page is pages[-1]:
            table.take(evaluation.judge(page.seq, page.watermark_s, shown))
    return table, closes


def at_once(pages: list[StoredPage]) -> Table:
    """A rebuild that knows everything before it stands at the last instant."""
    evaluation, table = SourceEvaluation(SOURCE, PROFILE), Table()
    evaluation.tally.start(PROFILE.began_s, pages[-1].watermark_s)
    for page in pages:
        evaluation.tally.add(page.steps)
    table.take(evaluation.judge(0, 0, Occasion(True, True, latest=True)))
    return table


@given(st.integers(0, 2**32))
@settings(max_examples=HISTORIES // AT_ONCE, deadline=None)
def test_any_order_of_arrival_ends_where_a_rebuild_does(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(AT_ONCE):
        updates = [update(rng, f"c{rng.randrange(5)}") for _ in range(rng.randrange(2, 16))]
        pages = paged(rng, updates)
        table, _ = follow(rng, pages)
        assert table.rows == at_once(pages).rows
        other, _ = follow(rng, paged(rng, rng.sample(updates, len(updates))))
        assert table.rows == other.rows


async def test_a_replay_of_the_log_finds_no_difference_and_finds_one_that_was_made() -> None:
    rng = random.Random(5)
    for _ in range(12):
        updates = [update(rng, f"c{rng.randrange(5)}") for _ in range(20)]
        pages = paged(rng, updates)
        _, closes = follow(rng, pages, WITH_WAYS, every=1)
        kept = {
            j.at_s: {(f.head.indicator, f.head.period): close(j, n) for n, f in enumerate(j.frames)}
            for j in closes
        }
        assert (await compared(pages, kept)).differences == 0
        assert (await compared(pages, kept)).compared > 0
        first = next(c for at in kept.values() for c in at.values() if c.figures)
        subject = next(iter(first.figures))
        value, num, den, target, _ = first.figures[subject]
        first.figures[subject] = (value, num, den, target, "invented")  # type: ignore[index]
        found = await compared(pages, kept)
        assert found.differences == 1
        assert subject in found.told[0]
        assert "invented" in found.told[0]


def close(judged: Judged, number: int) -> KeptClose:
    frame = judged.frames[number]
    columns = (frame.values, frame.nums, frame.dens, frame.targets, frame.states)
    figures = dict(zip(frame.subjects, zip(*columns, strict=True), strict=True))
    version = version_of(WITH_WAYS.indicators[frame.head.indicator])
    assert frame.head.definition == version
    return KeptClose(judged.watermark_s, version, figures)


async def compared(
    pages: list[StoredPage], kept: dict[int, dict[tuple[str, str], KeptClose]]
) -> Report:
    report = Report()

    async def take(judged: Judged) -> None:
        compare_close(judged, kept[judged.at_s], WITH_WAYS, report)

    last = await replay(SOURCE, WITH_WAYS, Log(pages), pages[-1].seq, take)
    assert last is not None
    compare_latest(last, list(last.changed), report)
    return report


def test_an_office_told_wrongly_leaves_no_trace_and_a_zero_that_was_reached_stays() -> None:
    evaluation, table = SourceEvaluation(SOURCE, PROFILE), Table()
    evaluation.tally.start(PROFILE.began_s, PROFILE.began_s)
    number = next(n for n, i in enumerate(evaluation.indicators) if i.id == "ps.overdue_open")
    wrong, right = OWNERS[:2]
    at_s = PROFILE.began_s

    def judge(*steps: Step) -> Judged:
        evaluation.tally.add(steps)
        judged = evaluation.judge(1, at_s, Occasion(False, False, latest=True))
        table.take(judged)
        return judged

    def step(owner: str, num: int) -> Step:
        return (owner, "", number, "now", 0, at_s - (num < 0 and owner == right), -1, num, num)

    judge(step(wrong, 1), step(right, 1))
    key = ("ps.overdue_open", "now")
    assert {(*key, f"agency:{wrong}"), (*key, f"agency:{right}")} <= table.rows.keys()
    parted = judge(step(wrong, -1), step(right, -1))
    assert (*key, f"agency:{wrong}") not in table.rows
    told = {r.subject: r.num for r in parted.announced if r.indicator == "ps.overdue_open"}
    assert told[f"agency:{wrong}"] == 0, "screens are told once"
    assert table.rows[(*key, f"agency:{right}")][1] == 0
    late = judge(step(wrong, 1))
    assert {r.subject for r in late.changed} >= {f"agency:{wrong}"}
