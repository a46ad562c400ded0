"""Snapshot: everything a screen needs at once, as one text that many clients share."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import msgspec

from app.domain.access import EVERYTHING, Visible
from app.domain.area import Break
from app.domain.clock import Clock, local_date
from app.domain.indicator import Scene, Subject
from app.domain.period import date_of
from app.domain.ports import AlertStore, ChangeLog, ReadingStore, Series, SourceStore
from app.domain.profile import Profile
from app.domain.reading import Reading
from app.domain.scene import scene_for, scene_keys
from app.domain.score import Score, score
from app.domain.shape import (
    Json,
    alert_shape,
    clock_shape,
    indicator_shape,
    qualities,
    reading_shape,
    shown_subjects,
    source_shape,
    subject_shape,
)
from app.domain.source import SourceHealth

SCHEMA = 1
KEPT_S = 1.0
AGAIN_S = 0.1  # for who knows more than what is kept
# When thousands come back at once they share one text, and with it one frame, compressed once; the
# next beat sets their clocks right.
SHARED_S = 0.2
TREND_DAYS = 30
TREND_KEPT_S = 60.0
TREND_LOADING_S = 5.0
ACTIVE_ALERTS = 200
SCOPES_KEPT = 64
_NAMED_LEVELS = ("province", "district", "tier", "department", "sector", "group")

Key = tuple[str, str, str]


@dataclass(slots=True)
class _Kept:
    """What one scope was told last: everybody of that scope shares it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    head: Json = field(default_factory=dict)
    body: bytes = b""
    offset: int = 0
    read_at: float = float("-inf")
    text: bytes = b""
    told_at: float = float("-inf")


class Snapshots:
    """The text of ``/snapshot``; a body of each scope is read once a second, seldom oftener."""

    def __init__(
        self,
        profile: Profile,
        clock: Clock,
        readings: ReadingStore,
        changes: ChangeLog,
        sources: SourceStore,
        alerts: AlertStore,
        build: str,
    ) -> None:
        self._profile, self._clock, self._build = profile, clock, build
        self._readings, self._changes = readings, changes
        self._sources, self._alerts = sources, alerts
        self._kept: OrderedDict[Visible, _Kept] = OrderedDict()
        self._keys = scene_keys(profile)
        self._shown = shown_subjects(profile)
        self._trends: dict[Key, tuple[float | None, ...]] = {}
        self._trends_at = float("-inf")
        self._trends_on: tuple[tuple[str, str], ...] = ()

    async def text(self, seen: Visible = EVERYTHING, least: int = 0) -> bytes:
        """JSON of a snapshot; the clock in it is of now, or of a moment before.

        One before the offset ``least`` is read anew, unless that was done a moment ago.
        """
        loop = asyncio.get_running_loop()
        kept = self._kept.setdefault(seen, _Kept())
        self._kept.move_to_end(seen)
        if len(self._kept) > SCOPES_KEPT:
            self._kept.popitem(last=False)
        async with kept.lock:
            age_s = loop.time() - kept.read_at
            if age_s >= KEPT_S or (age_s >= AGAIN_S and kept.offset < least):
                began = loop.time()
                kept.head, kept.body = await self._read(seen)
                kept.read_at, kept.offset = began, int(str(kept.head["offset"]))
            if kept.told_at < max(kept.read_at, loop.time() - SHARED_S):
                head = msgspec.json.encode({**kept.head, "clock": clock_shape(self._clock)})
                kept.text = head[:-1] + b"," + kept.body[1:]
                kept.told_at = loop.time()
            return kept.text

    async def _read(self, seen: Visible) -> tuple[Json, bytes]:
        # As of one instant: else a figure newer than the offset would be followed by older ones.
        async with self._changes.still():
            epoch, offset = await self._changes.position()
            healths = {h.id: h for h in await self._sources.health()}
            # A district's own screens hold all of their district; a province would be too much.
            shown = self._shown if seen.subjects is None else sorted(seen.subjects)
            readings = await self._readings.latest(seen, subjects=shown)
            alerts = await self._alerts.alerts(seen, "active", ACTIVE_ALERTS)
            await self._read_trends(healths)
        now, rate = self._clock.now_s(), self._clock.rate()
        judged = qualities(self._profile, healths, now, rate)
        profile = self._profile
        today = date_of(int(now))
        scene = scene_for(profile, seen, today)
        body: Json = {
            "sources": [
                source_shape(c, healths.get(c.id), self._clock, judged[c.id])
                for c in profile.sources.values()
            ],
            "indicators": [indicator_shape(i, today) for i in profile.indicators.values()],
            "subjects": [subject_shape(s) for s in profile.subjects_on(today) if _named(s, seen)],
            "scene": scene_shape(scene, ended(profile, today)),
            "readings": [self._reading(r, judged) for r in readings],
            "alerts": [alert_shape(a, profile, seen) for a in alerts],
            "score": score_shape(score(scene, profile.indicators, readings, judged)),
        }
        head: Json = {"epoch": epoch, "offset": offset, "build": self._build, "schema": SCHEMA}
        return head, msgspec.json.encode(body)

    def _reading(self, reading: Reading, judged: Mapping[str, str]) -> Json:
        shape = reading_shape(reading, judged)
        trend = self._trends.get((reading.indicator, reading.subject, reading.period))
        if trend is not None:
            last = trend[-1] if trend else None
            value = reading.value
            shape["delta"] = None if value is None or last is None else value - last
            shape["trend"] = trend
        return shape

    async def _read_trends(self, healths: Mapping[str, SourceHealth]) -> None:
        """Daily closes come when a source passes midnight; they are the costliest read, so kept."""
        loop = asyncio.get_running_loop()
        days = tuple(sorted((h.id, local_date(h.watermark_s or 0)) for h in healths.values()))
        loading = any(not h.caught_up for h in healths.values())
        age = loop.time() - self._trends_at
        if age < (TREND_LOADING_S if loading else KEPT_S):
            return
        if age < TREND_KEPT_S and days == self._trends_on:
            return
        series: Sequence[Series] = await self._readings.trends(EVERYTHING, self._keys, TREND_DAYS)
        self._trends = {(s.indicator, s.subject, s.period): s.values for s in series}
        self._trends_at, self._trends_on = loop.time(), days


def _named(subject: Subject, seen: Visible) -> bool:
    if seen.subjects is None:
        return subject.level in _NAMED_LEVELS
    return seen.allows(subject.id)


def ended(profile: Profile, today: date) -> Break | None:
    """Why the map has no units any more."""
    past = [b for b in profile.areas.breaks if b.day <= today]
    return past[-1] if past else None


def scene_shape(scene: Scene, why_empty: Break | None = None) -> Json:
    return {
        "groups": [
            {
                "id": g.id,
                "title_vi": g.title_vi,
                "title_en": g.title_en,
                "tiles": [
                    {
                        "id": t.id,
                        "type": t.type,
                        "indicator": t.indicator,
                        "subject": t.subject,
                        "period": t.period,
                    }
                    for t in g.tiles
                ],
            }
            for g in scene.groups
        ],
        "map": {
            "indicator": scene.map.indicator,
            "period": scene.map.period,
            "title_vi": scene.map.title_vi,
            "title_en": scene.map.title_en,
            "subjects": list(scene.map.subjects),
            "note_vi": why_empty.ended_vi if why_empty is not None else None,
            "note_en": why_empty.ended_en if why_empty is not None else None,
        },
    }


def score_shape(told: Score) -> Json:
    return {
        "value": told.value,
        "minimum": told.minimum,
        "below": told.below,
        "counted": told.counted,
        "total": told.total,
        "left_out": [
            {"indicator": o.key[0], "subject": o.key[1], "period": o.key[2], "quality": o.quality}
            for o in told.left_out
        ],
    }
