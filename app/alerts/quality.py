"""Quality: one alert while a source is silent, one while records of it cannot be read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from app.alerts.follow import Parts
from app.alerts.notice import SIMULATED, moment, number
from app.domain.alerting import AlertStep, Episode, Notice, Transition
from app.domain.clock import Clock, iso
from app.domain.ports import SourceStore
from app.domain.quality_alert import (
    LEVEL,
    SEVERITY,
    TITLES_VI,
    Broken,
    Drift,
    QualityKind,
    broken_vi,
    response_vi,
    source_of,
    subject_of,
)
from app.domain.shape import qualities
from app.domain.source import SourceHealth

log = structlog.get_logger(__name__)
LOOK_S = 2.0
# What is being caught up with after a restart looks old, but it moves.
STANDS_STILL_S = 20.0
SILENT = frozenset(("stale", "absent"))
_Key = tuple[QualityKind, str]  # kind and subject
Whole = Callable[[], Broken | None]


def _nothing() -> None:
    """The profile of who does not watch one."""


@dataclass(slots=True)
class Looks:
    """What earlier looks have seen: each source's watermark, and since when it stands (real s)."""

    marks: dict[str, tuple[int | None, float]] = field(default_factory=dict)

    def stands_s(self, health: SourceHealth, real_s: float) -> float:
        mark, since = self.marks.get(health.id, (None, real_s))
        if health.id not in self.marks or mark != health.watermark_s:
            since = real_s
        self.marks[health.id] = (health.watermark_s, since)
        return real_s - since


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong now; ``since_s`` data time."""

    since_s: int
    detail: str


async def run(
    parts: Parts,
    sources: SourceStore,
    clock: Clock,
    stop: asyncio.Event,
    profile: Whole = _nothing,
) -> None:
    """Look every two seconds until ``stop``; whatever fails is looked at again."""
    looks = Looks()
    while not stop.is_set():
        try:
            await step(parts, sources, clock, looks, profile())
        except Exception as error:  # nothing was committed: safe to try again
            log.warning("quality alerts wait", error=repr(error))
        try:
            await asyncio.wait_for(stop.wait(), LOOK_S)
        except TimeoutError:
            continue


async def step(
    parts: Parts,
    sources: SourceStore,
    clock: Clock,
    looks: Looks,
    broken: Broken | None = None,
) -> None:
    """Raise what is wrong and not told yet, resolve what is well again."""
    place = await parts.writer.cursor()
    if place is None:
        return
    now_s = int(clock.now_s())
    healths = {h.id: h for h in await sources.health()}
    drifts = await sources.drifts()
    real_s = asyncio.get_running_loop().time()
    standing = {h.id: looks.stands_s(h, real_s) for h in healths.values()}
    judged = qualities(parts.profile, healths, now_s, clock.rate())
    wrong = _wrong(healths, drifts, judged, standing)
    if broken is not None:
        where = f"{broken.file}, dòng {broken.line}: {broken.found}"
        wrong["profile_broken", broken.subject] = Wrong(now_s, f"{where}; cần: {broken.expected}")
    found = {
        (e.indicator, e.subject): e for e in await parts.writer.open_episodes() if e.level == LEVEL
    }
    moves = [_raised(parts, key, wrong[key], now_s) for key in wrong if key not in found]
    moves += [
        _resolved(parts, episode, now_s)
        for key, episode in found.items()
        if key not in wrong and _well(key, judged)
    ]
    if moves:
        at = AlertStep(place, place, "", now_s, now_s, False, tuple(moves), parts.receivers)
        await parts.writer.commit(at)
        for move in moves:
            log.info("quality alert", kind=move.kind, about=move.episode.subject)


def _wrong(
    healths: Mapping[str, SourceHealth],
    drifts: Sequence[Drift],
    judged: Mapping[str, str],
    standing: Mapping[str, float],
) -> dict[_Key, Wrong]:
    wrong: dict[_Key, Wrong] = {}
    for drift in drifts:
        text = f"{number(drift.count, 0)} bản ghi bị giữ lại; lý do: {drift.reason}"
        wrong["schema_drift", subject_of(drift.source)] = Wrong(drift.since_s, text)
    for health in healths.values():
        silent = judged.get(health.id) in SILENT and standing[health.id] >= STANDS_STILL_S
        if silent and health.watermark_s is not None:
            text = f"Lỗi gần nhất: {health.last_error or 'nguồn trả lời nhưng không có gì mới'}"
            wrong["source_silent", subject_of(health.id)] = Wrong(health.watermark_s, text)
    return wrong


def _well(key: tuple[str, str], judged: Mapping[str, str]) -> bool:
    """Silence ends when the source is fresh, not when it merely moves."""
    return key[0] != "source_silent" or judged.get(source_of(key[1])) == "fresh"


def _raised(parts: Parts, key: _Key, wrong: Wrong, now_s: int) -> Transition:
    kind, subject = key
    episode = Episode(
        None, kind, LEVEL, subject, "active", SEVERITY, wrong.since_s, now_s, None, False
    )
    notice = _notice(parts, episode, wrong.detail, now_s)
    return Transition("raise", episode, None, None, (), notice)


def _resolved(parts: Parts, episode: Episode, now_s: int) -> Transition:
    ended = replace(episode, state="resolved", clear_s=now_s)
    notice = _notice(parts, ended, "", now_s)
    return Transition("resolve", ended, None, None, (), notice)


def _notice(parts: Parts, episode: Episode, detail: str, now_s: int) -> Notice | None:
    about = _about(parts, episode)
    if about is None:  # a source taken out of the profile: nobody is left to be told
        return None
    name, response, owner = about
    kind = episode.indicator
    what = next((text for named, text in TITLES_VI.items() if named == kind), kind)
    ended = episode.state == "resolved"
    title = f"{'ĐÃ HẾT' if ended else 'DỮ LIỆU'}: {what} – {name}"
    lines = [f"Từ {moment(episode.since_s)}, {'hết' if ended else 'báo'} lúc {moment(now_s)}"]
    if not ended:
        lines += [detail, f"Việc cần làm: {response}"]
        lines += [f"Đơn vị chủ trì: {owner}"] if owner else []
    if parts.simulated:
        title = f"[{SIMULATED}] {title}"
    return Notice(
        title, "\n".join([title, "", *lines]), "resolved" if ended else "raised",
        kind, LEVEL, episode.subject, SEVERITY, None, None,
        iso(episode.since_s), iso(now_s), (), parts.simulated,
    )  # fmt: skip


def _about(parts: Parts, episode: Episode) -> tuple[str, str, str] | None:
    """What it is called, what has to be done, and who has to."""
    if episode.indicator == "profile_broken":
        return episode.subject.removeprefix("profile:"), broken_vi(episode.subject), ""
    config = parts.profile.sources.get(source_of(episode.subject))
    if config is None:
        return None
    return config.name_vi, response_vi(episode.indicator, config), config.owner
