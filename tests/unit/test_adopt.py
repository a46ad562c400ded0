"""An edited definition is judged anew, it alone, and everything is as after a restart."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from app.domain.judged import Judged
from app.domain.profile import Profile
from app.evaluation.follow import Follower
from app.profile import load_profile, profile_folder
from tests.unit.test_follow_filling import DAY, Log, StoredPage

SOURCE, EDITED = "public_service", "ps.on_time"
PROFILE = load_profile(profile_folder("laocai"))
OWNERS = list(PROFILE.agencies)[:40]


@dataclass
class Asked(Log):
    """Notes which closes are read."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    async def closes(
        self, source: str, indicator: str, period: str, from_s: int
    ) -> Sequence[tuple[int, Sequence[str], Sequence[float | None]]]:
        self.asked.append((indicator, period))
        return await super().closes(source, indicator, period, from_s)


def page(number: int) -> StoredPage:
    """A day of two months: some figures of every indicator."""
    rng = random.Random(number)
    at_s = PROFILE.began_s + number * DAY - 9000
    month = PROFILE.began_s if number <= 31 else PROFILE.began_s + 31 * DAY
    begins = {"month": month, "year": PROFILE.began_s, "now": 0}
    steps = []
    for place, indicator in enumerate(
        i for i in PROFILE.indicators.values() if i.source == SOURCE
    ):
        value = 3 if indicator.measure.kind == "quantile" else -1
        for kind in indicator.periods:
            den = rng.randint(1, 5)
            num = 0 if value == 3 else rng.randint(0, den)
            owner = rng.choice(OWNERS)
            steps.append((owner, "", place, kind, begins[kind], at_s, value, num, den))
    return StoredPage(number, PROFILE.began_s + number * DAY, False, steps)


async def followed(log: Log, profile: Profile) -> Follower:
    follower = Follower(SOURCE, profile, log, log)  # type: ignore[arg-type]
    while await follower.step():
        pass
    return follower


def edited(value: float) -> Profile:
    old = PROFILE.indicators[EDITED]
    new = replace(old, targets=tuple(replace(t, value=value) for t in old.targets))
    return replace(PROFILE, indicators=PROFILE.indicators | {EDITED: new})


def shown(batch: Sequence[Judged]) -> dict[tuple[str, str, str], object]:
    """What screens hold at the end; ``definition`` and instants apart."""
    return {
        (r.indicator, r.period, r.subject): (r.value, r.num, r.den, r.target, r.state, r.pace)
        for j in batch
        for r in j.changed
    }


@pytest.mark.parametrize("value", [0.2, 0.99])
async def test_only_what_was_edited_is_judged_anew(value: float) -> None:
    log = Asked([page(n) for n in range(1, 50)])
    follower = await followed(log, PROFILE)
    before = len(log.committed)
    log.asked.clear()
    await follower.adopt(edited(value), remade=False)
    [judged] = log.committed[before:]
    assert {r.indicator for r in judged.changed} == {EDITED}
    assert {r.indicator for r in judged.announced} <= {EDITED, *_watched()}
    assert {name for name, _ in log.asked} == {EDITED}
    assert {r.target for r in judged.changed} == {value}


async def test_what_follows_is_what_a_restart_would_show() -> None:
    straight, restarted = Log([page(n) for n in range(1, 40)]), Log([])
    follower = await followed(straight, PROFILE)
    await follower.adopt(edited(0.4), remade=False)
    restarted.pages, restarted.committed = straight.pages, list(straight.committed)
    restarted.at = straight.at
    for number in range(40, 75):
        straight.pages.append(page(number))
        while await follower.step():
            pass
    await followed(restarted, edited(0.4))
    one, other = shown(straight.committed), shown(restarted.committed)
    assert one == other
    frames = [
        {(j.at_s, f.head.indicator, f.head.period): (f.subjects, f.values, f.states)
         for j in log.committed if j.closes_day for f in j.frames}
        for log in (straight, restarted)
    ]  # fmt: skip
    assert frames[0] == frames[1]
    assert {s for f in frames[0].values() for s in f[2]} >= {"met", "near", "lagging"}


async def test_another_calendar_is_another_judgement_of_all() -> None:
    log = Asked([page(n) for n in range(1, 20)])
    follower = await followed(log, PROFILE)
    log.asked.clear()
    before = len(log.committed)
    fewer = replace(PROFILE, holidays=frozenset())
    await follower.adopt(fewer, remade=False)
    [judged] = log.committed[before:]
    assert len({r.indicator for r in judged.changed}) > 10
    assert len({name for name, _ in log.asked}) > 4


@pytest.mark.parametrize("ended", [False, True])
async def test_an_edit_is_told_to_people_as_soon_as_the_source_is_loaded(ended: bool) -> None:
    loading = [replace(page(n), more=True) for n in range(1, 20)]
    log = Log([*loading, replace(page(20), more=not ended)])
    follower = await followed(log, PROFILE)
    assert log.committed[-1].filling
    await follower.adopt(edited(0.4), remade=False)
    assert log.committed[-1].filling is not ended


def _watched() -> set[str]:
    return {i.id for i in PROFILE.indicators.values() if i.source == SOURCE and i.alert is not None}
