"""What one evaluation hands to the store."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.reading import Reading


@dataclass(frozen=True, slots=True)
class Head:
    indicator: str
    period: str
    period_s: int


@dataclass(frozen=True, slots=True)
class Frame:
    """Every subject's figure of one indicator and period at one instant, as columns."""

    head: Head
    subjects: list[str]
    values: list[float | None]
    nums: list[int | None]
    dens: list[int | None]
    targets: list[float | None]
    states: list[str]


@dataclass(frozen=True, slots=True)
class Judged:
    """The outcome of one evaluation of one source at one instant."""

    source: str
    seq: int
    at_s: int
    watermark_s: int
    filling: bool
    heads: tuple[Head, ...]
    changed: tuple[Reading, ...]  # against reading_latest
    announced: tuple[Reading, ...]  # for the change log
    frames: tuple[Frame, ...]
    closes_day: bool
    latest: bool  # whether reading_latest is written (a fill writes it now and then)
