"""Feed: what a wall is told in a test: the province's own scene with figures a test chooses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from app.api.snapshot import scene_shape
from app.domain.shape import indicator_shape, subject_shape
from app.profile.load import load_profile

ROOT = Path(__file__).parents[2]
PROFILE = load_profile(ROOT / "app/profiles/laocai")
ZONE = timezone(timedelta(hours=7))
NOW = datetime(2022, 10, 3, 9, 15, tzinfo=ZONE)
TREND = [0.70, 0.74, 0.71, None, 0.78, 0.80, 0.77, 0.83, 0.86, 0.84]
# The longest figure each unit brings: what fits with these fits always.
WIDEST = {"percent": 0.9876, "count": 128456, "minutes": 1288.4, "vnd": 998_700_000_000}

Json = dict[str, Any]


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


@dataclass
class Feed:
    """One province as the wall hears of it; a test changes it before or while a page looks."""

    rate: int = 1
    build: str = "test"
    beating: bool = True
    # What /snapshot answers when it is not 200, and whether the channel opens at all.
    refuses: bool = False
    readings: dict[tuple[str, str, str], Json] = field(default_factory=dict)
    sources: dict[str, Json] = field(default_factory=dict)
    alerts: list[Json] = field(default_factory=list)
    scene: Json = field(default_factory=dict)
    # Counted up by a test that changed something: every screen then gets a new snapshot.
    edition: int = 0
    over: bool = False

    def clock(self) -> Json:
        return {"data": NOW.isoformat(), "rate": self.rate, "real": ago(0), "simulated": True}

    def tiles(self) -> list[tuple[str, str, str]]:
        groups = self.scene["groups"]
        return [(t["indicator"], t["subject"], t["period"]) for g in groups for t in g["tiles"]]

    def hexes(self) -> list[tuple[str, str, str]]:
        shown = self.scene["map"]
        return [(shown["indicator"], s, shown["period"]) for s in shown["subjects"]]

    def set(self, key: tuple[str, str, str], **changes: Any) -> None:
        self.readings[key].update(changes)

    def snapshot(self) -> Json:
        return {
            "epoch": "e", "offset": 1, "build": self.build, "schema": 1, "clock": self.clock(),
            "sources": list(self.sources.values()),
            "indicators": [
                indicator_shape(i, NOW.date()) for i in PROFILE.indicators.values()
            ],
            "subjects": [
                subject_shape(s) for s in PROFILE.subjects.values()
                if s.level in ("province", "district", "tier", "department", "group")
            ],
            "scene": self.scene, "readings": list(self.readings.values()),
            "alerts": self.alerts, "score": None,
        }  # fmt: skip

    def frames(self) -> list[Json]:
        """What one beat of the channel says."""
        told = ("id", "quality", "watermark", "progress")
        sources = [{name: s[name] for name in told} for s in self.sources.values()]
        return [{"t": "beat", "offset": 1, "clock": self.clock(), "sources": sources}]


def province() -> Feed:
    """Everything met and fresh."""
    feed = Feed(scene=scene_shape(PROFILE.scene))
    for source in PROFILE.sources.values():
        feed.sources[source.id] = _source(source.id)
    for key in (*feed.tiles(), *feed.hexes()):
        feed.readings[key] = _reading(*key)
    return feed


def _source(name: str) -> Json:
    return {
        "id": name, "name_vi": "Nguồn " + name, "name_en": "Source " + name, "quality": "fresh",
        "watermark": ago(12), "progress": 1.0, "late_after_s": 300, "stale_after_s": 900,
        "absent_after_s": 7200, "last_error": None, "last_success": ago(12), "simulated": True,
        "records": 1, "quarantined": 0,
    }  # fmt: skip


def _reading(indicator: str, subject: str, period: str) -> Json:
    about = PROFILE.indicators[indicator]
    value = WIDEST[about.unit]
    target = {"percent": 0.95}.get(about.unit)
    return {
        "indicator": indicator, "subject": subject, "period": period, "period_start": "2022-10-01",
        "at": ago(10), "value": value, "num": 128, "den": 136, "target": target,
        "state": "met" if target else "none", "quality": "fresh", "watermark": ago(12),
        "source": about.source, "reason": None, "delta": value * 0.0123,
        "trend": [None if t is None else t * value for t in TREND],
    }  # fmt: skip


def alert(number: int, severity: str, **changes: Any) -> Json:
    """An open alert about one of the indicators, in turn."""
    names = list(PROFILE.indicators)
    indicator = names[number % len(names)]
    owner = PROFILE.indicators[indicator].alert.owner if PROFILE.indicators[indicator].alert else ""
    return {
        "id": number, "indicator": indicator, "level": "province", "subject": "area:10",
        "severity": severity, "state": "active", "since": ago(3600 * 24 * 271 + number * 60),
        "resolved_at": None, "value": WIDEST[PROFILE.indicators[indicator].unit], "target": 0.95,
        "worst": [], "owner": owner or "Sở Thông tin và Truyền thông", "response_vi": None,
        "sent": True, **changes,
    }  # fmt: skip
