"""Source: a feed as a profile configures it, and its health."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One ``sources/<feed>.toml``.

    ``every_s`` and the age thresholds are seconds of data time, ``timeout_s`` of real time.
    ``least_pace``: bytes a second of real time of an answer that has begun; 0 = whatever comes.
    """

    id: str
    collector: str
    name_vi: str
    name_en: str
    base_url: str
    every_s: int
    timeout_s: float
    late_after_s: int
    stale_after_s: int
    absent_after_s: int
    owner: str = ""
    legal_source: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    least_pace: float = 1000.0


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """What is known of a source now; instants in data time, ``last_success_real_s`` real time.

    ``caught_up`` turns true once when the first fill has reached the present.
    """

    id: str
    watermark_s: int | None
    caught_up: bool
    records: int
    pages: int
    quarantined: int
    last_error: str | None
    last_success_s: int | None
    began_s: int


@dataclass(frozen=True, slots=True)
class Pulse:
    """The worker's sign of life: ``beats`` grows once a second while it can write at all;
    ``refusal`` is the database's word while it does not take what is collected; ``term`` grows
    with every worker that takes over.
    """

    beats: int
    refusal: str | None
    term: int = 0


def quality(config: SourceConfig, health: SourceHealth | None, now_s: float, rate: float) -> str:
    """Judge freshness by the age of the watermark, with a floor of 2 s of real time.

    Returns one of ``app.domain.reading.QUALITIES``.
    """
    if health is None or health.watermark_s is None:
        return "loading" if health is None or health.last_error is None else "absent"
    if not health.caught_up:
        return "loading"
    age = now_s - health.watermark_s
    floor = 2.0 * rate
    for name, limit in (
        ("absent", config.absent_after_s),
        ("stale", config.stale_after_s),
        ("late", config.late_after_s),
    ):
        if age > max(limit, floor):
            return name
    return "fresh"


def progress(health: SourceHealth | None, now_s: float) -> float:
    """Share of the history that has been loaded, 0..1 by watermark."""
    if health is None or health.watermark_s is None:
        return 0.0
    if health.caught_up:
        return 1.0
    span = max(1.0, now_s - health.began_s)
    return min(0.999, max(0.0, (health.watermark_s - health.began_s) / span))
