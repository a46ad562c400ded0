"""Shapes: values as API and live channel write them; see docs/reference/api-shapes.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from app.domain.access import EVERYTHING, Visible
from app.domain.area import Area
from app.domain.clock import Clock, iso, local_date, real_iso
from app.domain.indicator import Indicator, Subject
from app.domain.land import Centre
from app.domain.profile import Profile
from app.domain.quality_alert import LEVEL, broken_vi, response_vi, source_of
from app.domain.reading import Alert, Pace, Reading
from app.domain.source import SourceConfig, SourceHealth, progress, quality

Json = dict[str, object]
Healths = Mapping[str, SourceHealth]
# What every screen holds from its snapshot on; the rest is asked for when it is looked at.
SHOWN_LEVELS = frozenset(("province", "district", "tier", "group"))


def qualities(profile: Profile, healths: Healths, now_s: float, rate: float) -> dict[str, str]:
    """Quality of every configured source; what is not in it has ``no_source``."""
    return {
        config.id: quality(config, healths.get(config.id), now_s, rate)
        for config in profile.sources.values()
    }


def shown_subjects(profile: Profile) -> list[str]:
    """Of every tree: which of them stand is for the readings to say."""
    return [s.id for s in profile.subjects.values() if s.level in SHOWN_LEVELS]


def clock_shape(clock: Clock) -> Json:
    return {
        "data": iso(clock.now_s()),
        "rate": clock.rate(),
        "real": real_iso(),
        "simulated": clock.simulated,
    }


def reading_shape(reading: Reading, judged: Mapping[str, str]) -> Json:
    shape: Json = {
        "indicator": reading.indicator,
        "subject": reading.subject,
        "period": reading.period,
        "period_start": _period_start(reading),
        "at": iso(reading.at_s),
        "value": reading.value,
        "num": reading.num,
        "den": reading.den,
        "target": reading.target,
        "state": reading.state,
        "quality": judged.get(reading.source, "no_source"),
        "watermark": iso(reading.watermark_s),
        "source": reading.source,
        "reason": reading.reason,
    }
    if reading.pace is not None:  # few have one, and a snapshot holds many
        shape["pace"] = pace_shape(reading.pace)
    if reading.definition:  # only history says it
        shape["definition"] = reading.definition
    return shape


def pace_shape(pace: Pace) -> Json:
    return {
        "expected": pace.expected,
        "lag_days": pace.lag_days,
        "judged_at": _iso(pace.judged_s),
        "since": _iso(pace.since_s),
        "ratio": pace.ratio,
        "forecast": pace.forecast,
        "low": pace.low,
        "high": pace.high,
        "odds": pace.odds,
        "until": _iso(pace.until_s),
        "holds": pace.holds,
        "way": pace.way,
        "band_years": pace.band,
    }


def _period_start(reading: Reading) -> str | None:
    if reading.period == "now":
        return None
    # A date cannot tell one hour of a day from another.
    return iso(reading.period_s) if reading.period == "hour" else local_date(reading.period_s)


def alert_shape(alert: Alert, profile: Profile, seen: Visible = EVERYTHING) -> Json:
    """``seen`` is who reads it: units of others are left out of the worst."""
    indicator = profile.indicators.get(alert.indicator)
    rule = indicator.alert if indicator is not None else None
    source = profile.sources.get(source_of(alert.subject)) if alert.level == LEVEL else None
    owner = source.owner if source is not None else rule.owner if rule is not None else ""
    response = rule.response_vi if rule is not None else ""
    if source is not None:
        response = response_vi(alert.indicator, source)
    elif alert.indicator == "profile_broken":
        response = broken_vi(alert.subject)
    return {
        "id": alert.id,
        "indicator": alert.indicator,
        "level": alert.level,
        "subject": alert.subject,
        "severity": alert.severity,
        "state": alert.state,
        "since": iso(alert.since_s),
        "resolved_at": _iso(alert.resolved_s),
        "value": alert.value,
        "target": alert.target,
        "worst": [
            {"subject": s, "name_vi": _name(profile, s), "value": v}
            for s, v in alert.worst
            if seen.allows(s)
        ],
        "owner": owner,
        "response_vi": response,
        "sent": alert.sent,
    }


def source_shape(
    config: SourceConfig, health: SourceHealth | None, clock: Clock, judged: str
) -> Json:
    return {
        "id": config.id,
        "name_vi": config.name_vi,
        "name_en": config.name_en,
        **_freshness(health, clock, judged),
        "late_after_s": config.late_after_s,
        "stale_after_s": config.stale_after_s,
        "absent_after_s": config.absent_after_s,
        "last_error": health.last_error if health else None,
        "last_success": _iso(health.last_success_s) if health else None,
        "simulated": clock.simulated,
        "owner": config.owner,
        "records": health.records if health else 0,
        "pages": health.pages if health else 0,
        "quarantined": health.quarantined if health else 0,
    }


def beat_source(source: str, health: SourceHealth | None, clock: Clock, judged: str) -> Json:
    return {"id": source, **_freshness(health, clock, judged)}


def _freshness(health: SourceHealth | None, clock: Clock, judged: str) -> Json:
    return {
        "quality": judged,
        "watermark": _iso(health.watermark_s) if health else None,
        "progress": round(progress(health, clock.now_s()), 4),
    }


def indicator_shape(indicator: Indicator, on: date) -> Json:
    """In the words of a day."""
    words = indicator.wording(on)
    return {
        "id": indicator.id,
        "title_vi": words.title_vi,
        "title_en": words.title_en,
        "label_wall_vi": words.label_wall_vi,
        "label_wall_en": words.label_wall_en,
        "unit": indicator.unit,
        "decimals": indicator.decimals,
        "better": indicator.better,
        "kind": _kind(indicator),
        "periods": list(indicator.periods),
        "levels": list(indicator.levels),
        "source": indicator.source,
        "legal_source": indicator.legal_source,
        "assumption": indicator.assumption,
        "group": indicator.group,
    }


def _kind(indicator: Indicator) -> str:
    """A sum that counts things is told apart from one that adds amounts."""
    if indicator.measure.kind == "sum" and indicator.unit == "count":
        return "count"
    return indicator.measure.kind


def subject_shape(subject: Subject) -> Json:
    return {
        "id": subject.id,
        "level": subject.level,
        "name_vi": subject.name_vi,
        "short_name": subject.short_name,
        "parent": subject.parent,
        "row": subject.row,
        "col": subject.col,
    }


def centre_shape(centre: Centre) -> Json:
    return {
        "id": centre.id,
        "name_vi": centre.name_vi,
        "area": centre.area,
        "valid_from": centre.valid_from.isoformat(),
        "valid_to": centre.valid_to.isoformat() if centre.valid_to is not None else None,
        "assumption": centre.assumption or None,
    }


def area_shape(area: Area) -> Json:
    return {
        "id": area.id,
        "code": area.code,
        "level": area.level,
        "name_vi": area.name_vi,
        "short_name": area.short_name,
        "parent": area.parent,
        "valid_from": area.valid_from.isoformat(),
        "valid_to": area.valid_to.isoformat() if area.valid_to is not None else None,
        "predecessors": list(area.predecessors),
    }


def _iso(at_s: int | None) -> str | None:
    return None if at_s is None else iso(at_s)


def _name(profile: Profile, subject: str) -> str:
    found = profile.subjects.get(subject)
    return found.name_vi if found is not None else subject
