"""What one evaluation hands to the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.reading import Reading

# Value, num, den, target and state.
Figure = tuple[float | None, int | None, int | None, float | None, str]


@dataclass(frozen=True, slots=True)
class Head:
    """``definition``: the version that judged it (``app.domain.why.version_of``)."""

    indicator: str
    period: str
    period_s: int
    definition: str = ""


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


# Instead of a state: what was judged there holds no longer.
GONE = ""


@dataclass(frozen=True, slots=True)
class Revised:
    """Figures of an instant judged before, as they are known now; of those alone that changed."""

    at_s: int
    frame: Frame


@dataclass(frozen=True, slots=True)
class Listed:
    """All subjects that have a figure of one indicator and period; others are to be forgotten."""

    indicator: str
    period: str
    subjects: tuple[str, ...]


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
    listed: tuple[Listed, ...] = ()  # with ``latest``: where somebody may have left


@dataclass(frozen=True, slots=True)
class KeptClose:
    """A day close of one indicator and period as it was kept, by subject.

    ``definition`` is the version that judged it; None when nobody wrote it down.
    """

    watermark_s: int
    definition: str | None
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a source stands: the page last judged, the last one whose steps were made anew.

    ``shown``: what screens show is of that page; while history is loaded it may be behind.
    ``remade``: by indicator the last page at which its steps alone were made anew.
    """

    seq: int
    at_s: int | None
    remade_seq: int
    shown: bool
    latest: list[Reading]
    remade: Mapping[str, int] = field(default_factory=dict)
