"""Goal: a numbered target of a resolution, whether or not a feed says yet how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Label:
    """What a goal is called from a day on: the law changes its words."""

    begins: date
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Goal:
    """``indicator`` empty: no source yet. ``kind`` as of a target.

    ``unit`` rank: the place divided by how many are ranked.
    """

    id: str
    labels: tuple[Label, ...]
    value: float
    unit: str  # percent | rank
    better: str
    level: str
    period: str
    deadline: str
    legal_source: str
    feed: str
    indicator: str = ""
    subject: str = ""
    note_vi: str = ""
    note_en: str = ""
    kind: str = "level"

    def label(self, on: date) -> Label:
        """The words in force on a day; before the first, the first."""
        held = [label for label in self.labels if label.begins <= on]
        return held[-1] if held else self.labels[0]

    def met(self, value: float | None) -> str:
        """met, lagging, or none without a figure: what is not known is not zero."""
        if value is None:
            return "none"
        short = self.value - value if self.better == "up" else value - self.value
        return "met" if short <= 1e-12 else "lagging"
