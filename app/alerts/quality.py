"""Quality: one alert while a source is silent, one while records of it cannot be read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
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
    Drift,
    QualityKind,
    response_vi,
    source_of,
    subject_of,
)
from app.domain.shape import qualities
from app.domain.source import SourceConfig, SourceHealth

log = structlog.get_logger(__name__)
LOOK_S = 2.0
# What is being caught up with after a restart looks old, but it moves.
STANDS_STILL_S = 20.0
SILENT = frozenset(("stale", "absent"))
_Key = tuple[QualityKind, str]


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


async def run(parts: Parts, sources: SourceStore, clock: Clock, stop: asyncio.Event) -> None:
    """Look every two seconds until ``stop``; whatever fails is looked at again."""
    looks = Looks()
    while not stop.is_set():
        try:
            await step(parts, sources, clock, looks)
        except Exception as error:  # nothing was committed: safe to try again
            log.warning("quality alerts wait", error=repr(error))
        try:
            await asyncio.wait_for(stop.wait(), LOOK_S)
        except TimeoutError:
            continue


async def step(parts: Parts, sources: SourceStore, clock: Clock, looks: Looks) -> None:
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
    found = {
        (e.indicator, source_of(e.subject)): e
        for e in await parts.writer.open_episodes()
        if e.level == LEVEL
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
        wrong["schema_drift", drift.source] = Wrong(drift.since_s, text)
    for health in healths.values():
        silent = judged.get(health.id) in SILENT and standing[health.id] >= STANDS_STILL_S
        if silent and health.watermark_s is not None:
            text = f"Lỗi gần nhất: {health.last_error or 'nguồn trả lời nhưng không có gì mới'}"
            wrong["source_silent", health.id] = Wrong(health.watermark_s, text)
    return wrong


def _well(key: tuple[str, str], judged: Mapping[str, str]) -> bool:
    """Silence ends when the source is fresh, not when it merely moves."""
    return key[0] != "source_silent" or judged.get(key[1]) == "fresh"


def _raised(parts: Parts, key: _Key, wrong: Wrong, now_s: int) -> Transition:
    kind, source = key
    episode = Episode(
        None, kind, LEVEL, subject_of(source), "active", SEVERITY, wrong.since_s, now_s, None, False
    )
    notice = _notice(parts, kind, parts.profile.sources.get(source), episode, wrong.detail, now_s)
    return Transition("raise", episode, None, None, (), notice)


def _resolved(parts: Parts, episode: Episode, now_s: int) -> Transition:
    ended = replace(episode, state="resolved", clear_s=now_s)
    config = parts.profile.sources.get(source_of(episode.subject))
    notice = _notice(parts, episode.indicator, config, ended, "", now_s)
    return Transition("resolve", ended, None, None, (), notice)


def _notice(
    parts: Parts, kind: str, config: SourceConfig | None, episode: Episode, detail: str, now_s: int
) -> Notice | None:
    if config is None:  # a source taken out of the profile: nobody is left to be told
        return None
    what = next((text for name, text in TITLES_VI.items() if name == kind), kind)
    ended = episode.state == "resolved"
    title = f"{'ĐÃ HẾT' if ended else 'DỮ LIỆU'}: {what} – {config.name_vi}"
    lines = [f"Từ {moment(episode.since_s)}, {'hết' if ended else 'báo'} lúc {moment(now_s)}"]
    if not ended:
        lines += [detail, f"Việc cần làm: {response_vi(kind, config)}"]
        lines += [f"Đơn vị chủ trì: {config.owner}"] if config.owner else []
    if parts.simulated:
        title = f"[{SIMULATED}] {title}"
    return Notice(
        title, "\n".join([title, "", *lines]), "resolved" if ended else "raised",
        kind, LEVEL, episode.subject, SEVERITY, None, None,
        iso(episode.since_s), iso(now_s), (), parts.simulated,
    )  # fmt: skip
