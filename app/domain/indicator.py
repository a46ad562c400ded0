"""Indicator definitions and subjects as a profile gives them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

# What is open when a period begins counts in it, too: its sums start from there.
_CARRIED = frozenset(("on_time_766", "unjudged_766"))


@dataclass(frozen=True, slots=True)
class Measure:
    """How records contribute. ``rule`` picks the timeline (see ``app.domain.measure``).

    ``den`` and ``num`` are clauses, all of which must hold; a clause is flags joined by ``|``,
    each optionally negated with ``!``; or, for amounts, the names of the amounts.
    """

    kind: str  # ratio | sum | stock | quantile
    records: str
    rule: str
    num: tuple[str, ...] = ()
    den: tuple[str, ...] = ()
    start: str = ""  # of handling: the unit, whole working days without one
    end: str = ""

    @property
    def carried(self) -> bool:
        """Whether open records are carried from one period into the next."""
        return self.rule in _CARRIED and self.kind != "stock"


@dataclass(frozen=True, slots=True)
class Target:
    """A target for one level or for named subjects; dates are ISO.

    ``kind``: cumulative | level | milestone are reached along a way, from ``baseline`` on the day
    ``begins`` to ``value`` on the day of the ``deadline``; maintain | rank are to be held, and
    judged by the ends of days, with delays; instant: as the figure stands.
    """

    value: float
    subjects: tuple[str, ...]
    levels: tuple[str, ...]
    legal_source: str
    deadline: str
    near: float
    critical: float
    kind: str = "instant"
    baseline: float = 0.0
    begins: str = ""
    shape: str = "linear"  # | milestones | last_year
    milestones: tuple[tuple[str, float], ...] = ()
    assumption: str = ""
    assumption_en: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AlertRule:
    """When lagging becomes an alert. ``for_s`` in data time; ``subjects`` are watched."""

    subjects: tuple[str, ...]
    for_s: int
    period: str
    owner: str
    response_vi: str
    worst_level: str


@dataclass(frozen=True, slots=True)
class Wording:
    """What an indicator is called from a day on (ISO): the law changes its words."""

    begins: str
    title_vi: str
    title_en: str
    label_wall_vi: str
    label_wall_en: str


@dataclass(frozen=True, slots=True)
class Indicator:
    """One TOML file of the profile. ``wordings``: later ones, the oldest first."""

    id: str
    source: str
    group: str
    title_vi: str
    title_en: str
    label_wall_vi: str
    label_wall_en: str
    unit: str
    decimals: int
    better: str
    measure: Measure
    periods: tuple[str, ...]
    levels: tuple[str, ...]
    targets: tuple[Target, ...]
    alert: AlertRule | None
    legal_source: str
    assumption: str | None
    formula_vi: str
    wordings: tuple[Wording, ...] = field(default=(), repr=False)
    formula_en: str = field(default="", repr=False)
    assumption_en: str = field(default="", repr=False)

    def wording(self, on: date) -> Indicator | Wording:
        """The words in force on a day."""
        held = [w for w in self.wordings if w.begins <= on.isoformat()]
        return held[-1] if held else self


@dataclass(frozen=True, slots=True)
class Subject:
    """What a figure is about. ``parent`` is the id of the subject it rolls up to."""

    id: str
    level: str
    name_vi: str
    short_name: str
    parent: str | None = None
    row: int | None = None
    col: int | None = None


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile of a scene."""

    id: str
    type: str
    indicator: str
    subject: str
    period: str


@dataclass(frozen=True, slots=True)
class TileGroup:
    id: str
    title_vi: str
    title_en: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class SceneMap:
    indicator: str
    period: str
    title_vi: str
    title_en: str
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    groups: tuple[TileGroup, ...]
    map: SceneMap


def target_of(indicator: Indicator, subject: Subject) -> Target | None:
    """The target that names this subject, else the one for its level."""
    for target in indicator.targets:
        if subject.id in target.subjects:
            return target
    return next((t for t in indicator.targets if subject.level in t.levels), None)
