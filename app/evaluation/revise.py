"""Revise: what becomes known late corrects the figures of the past that rest on it, and no other.

A step that arrives when its instant has been judged already belongs into every figure judged since
that counts it. Sums of the past are what was kept plus these steps; medians are counted anew from
the durations themselves. A state on the way to a goal is a decision of its day and stands.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

from app.domain.judged import GONE, Frame, Head, Revised
from app.domain.measure import CARRIED
from app.domain.period import NOW, bounds
from app.domain.reading import Reading
from app.evaluation.source import SourceEvaluation
from app.evaluation.tally import Step

READ_AT_ONCE = 15_000  # readings of days: two months of every unit, a year of a district's
Key = tuple[int, str]  # indicator number and period kind
Counted = tuple[int, int]


class Late(NamedTuple):
    """A step that came when ``judged_s`` was judged; ``fresh``: of somebody not seen before."""

    step: Step
    judged_s: int
    fresh: bool


class Reach(NamedTuple):
    """The instants whose figures a step belongs into, both included, and whose record it is of."""

    first_s: int
    last_s: int
    owner: str
    sector: str


class Past(Protocol):
    """What was judged, as it is known today."""

    async def past(
        self,
        source: str,
        indicator: str,
        period: str,
        subjects: Sequence[str],
        from_s: int,
        to_s: int,
    ) -> tuple[Mapping[int, str], Sequence[Reading]]:
        """The definition that judged each instant, and the readings of these subjects."""
        ...


def late_of(steps: Iterable[Step], evaluation: SourceEvaluation, judged_s: int) -> list[Late]:
    """Those of a page that come too late for an instant; ask before the tally takes them."""
    seen = evaluation.tally.seen
    return [
        Late(s, judged_s, any(w not in seen[s[2]] for w in evaluation.subjects_of(s[0], s[1])))
        for s in steps
        if s[5] <= judged_s
    ]


@dataclass(frozen=True, slots=True)
class Column:
    """Durations of one indicator and period in the order they came; ``who`` numbers an owner.

    Four bytes each: seconds since 1970 fit until 2106, and a duration is shorter than that.
    """

    at_s: array[int] = field(default_factory=lambda: array("I"))
    who: array[int] = field(default_factory=lambda: array("I"))
    value: array[int] = field(default_factory=lambda: array("I"))
    count: array[int] = field(default_factory=lambda: array("i"))


class Durations:
    """Every duration a median counts: what a sum cannot tell again; 16 bytes each."""

    def __init__(self) -> None:
        self._of: defaultdict[tuple[int, str, int], Column] = defaultdict(Column)
        self._numbers: dict[tuple[str, str], int] = {}

    def add(self, steps: Iterable[Step]) -> None:
        for owner, sector, number, kind, begin, at_s, value, _, den in steps:
            if value >= 0:
                column = self._of[number, kind, begin]
                column.at_s.append(at_s)
                column.who.append(self._numbers.setdefault((owner, sector), len(self._numbers)))
                column.value.append(value)
                column.count.append(den)

    def forget(self, numbers: Collection[int]) -> None:
        """Those of some indicators come again."""
        for key in [k for k in self._of if k[0] in numbers]:
            del self._of[key]

    def of(
        self, number: int, kind: str, begin: int, counts: Callable[[str, str], bool]
    ) -> list[tuple[int, int, int]]:
        """Instant, duration and how often, of the owners and sectors that count."""
        column = self._of.get((number, kind, begin))
        if column is None:
            return []
        wanted = {n for pair, n in self._numbers.items() if counts(*pair)}
        every = zip(column.at_s, column.who, column.value, column.count, strict=True)
        return [(at_s, value, count) for at_s, who, value, count in every if who in wanted]


async def revised(
    evaluation: SourceEvaluation, durations: Durations, late: Sequence[Late], past: Past
) -> list[Revised]:
    """The figures that change, by indicator, period and instant."""
    reaches = _reaches(evaluation, late)
    found: list[Revised] = []
    for key, deltas in sorted(reaches.items()):
        number, kind = key
        indicator = evaluation.indicators[number]
        subjects = sorted(
            {
                s
                for r in deltas
                for _, last_s in evaluation.within_trees(r.first_s, r.last_s)
                for s in evaluation.counted(number, r.owner, r.sector, last_s)
            }
        )
        if not subjects:
            continue
        # A case can be years older than the history that is judged.
        first = max(evaluation.began_s, min(r.first_s for r in deltas))
        last = max(r.last_s for r in deltas)
        version = evaluation.version(number)
        at_once_s = max(1, READ_AT_ONCE // len(subjects)) * 86400
        for from_s in range(first, last + 1, at_once_s):
            to_s = min(last, from_s + at_once_s - 1)
            name = (evaluation.source, indicator.id, kind, subjects)
            told, kept = await past.past(*name, from_s, to_s)
            instants = sorted(at_s for at_s, by in told.items() if by == version)
            if instants:
                one = _Key(evaluation, durations, key, {(r.at_s, r.subject): r for r in kept})
                found += one.revised(instants, deltas)
    return found


def _reaches(
    evaluation: SourceEvaluation, late: Sequence[Late]
) -> dict[Key, dict[Reach, list[int]]]:
    """Summed up: many steps of one owner at one instant are one."""
    found: defaultdict[Key, dict[Reach, list[int]]] = defaultdict(dict)
    for step, judged_s, fresh in late:
        owner, sector, number, _, _, at_s, _, num, den = step
        if not evaluation.judges(number):
            continue
        for kind, first, last in _spans(evaluation, step, judged_s):
            if first <= last:
                cell = found[number, kind].setdefault(Reach(first, last, owner, sector), [0, 0])
                cell[0] += num
                cell[1] += den
        if fresh:  # from here on there is a figure, be it zero
            for kind in evaluation.indicators[number].periods:
                found[number, kind].setdefault(Reach(at_s, judged_s, owner, sector), [0, 0])
    return dict(found)


def _spans(
    evaluation: SourceEvaluation, step: Step, judged_s: int
) -> Iterator[tuple[str, int, int]]:
    """The kinds of periods a step counts in, and the first and last instant it counts at."""
    _, _, number, kind, begin, at_s, _, _, _ = step
    periods = evaluation.indicators[number].periods
    if kind == CARRIED:
        for other in periods:
            if other != NOW:
                yield other, bounds(other, at_s)[1] + 1, judged_s
    elif kind == NOW:
        yield kind, at_s, judged_s
    elif kind in periods:
        yield kind, max(at_s, begin), min(judged_s, bounds(kind, begin)[1])


@dataclass(frozen=True, slots=True)
class _Key:
    """One indicator and period."""

    evaluation: SourceEvaluation
    durations: Durations
    key: Key
    kept: Mapping[tuple[int, str], Reading]
    looked_up: dict[tuple[str, int, int], list[tuple[int, int, int]]] = field(default_factory=dict)

    def revised(
        self, instants: Sequence[int], deltas: Mapping[Reach, Sequence[int]]
    ) -> Iterator[Revised]:
        number, kind = self.key
        indicator, version = self.evaluation.indicators[number], self.evaluation.version(number)
        changed: defaultdict[int, list[tuple[object, ...]]] = defaultdict(list)
        for subject, edges in sorted(self._edges(instants, deltas).items()):
            sums = zip(*(accumulate(column) for column in edges), strict=True)
            for at_s, (touching, num, den) in zip(instants, sums, strict=False):
                if touching and (figure := self._figure(subject, num, den, at_s)) is not None:
                    changed[at_s].append((subject, *figure))
        for at_s in sorted(changed):
            head = Head(indicator.id, kind, _begin(kind, at_s), version)
            columns: list[list[Any]] = [list(c) for c in zip(*changed[at_s], strict=True)]
            yield Revised(at_s, Frame(head, *columns))

    def _edges(
        self, instants: Sequence[int], deltas: Mapping[Reach, Sequence[int]]
    ) -> dict[str, tuple[list[int], list[int], list[int]]]:
        """Of each subject, by instant, what begins to count there, less what ended before.

        How many steps, their num and their den: many steps over many instants are few edges.
        """
        size = len(instants) + 1
        found: dict[str, tuple[list[int], list[int], list[int]]] = {}
        for reach, (num, den) in deltas.items():
            for first_s, last_s in self.evaluation.within_trees(reach.first_s, reach.last_s):
                a, b = bisect_left(instants, first_s), bisect_right(instants, last_s)
                if a == b:
                    continue
                for subject in self.evaluation.counted(
                    self.key[0], reach.owner, reach.sector, last_s
                ):
                    if subject not in found:
                        found[subject] = ([0] * size, [0] * size, [0] * size)
                    for column, more in zip(found[subject], (1, num, den), strict=True):
                        column[a] += more
                        column[b] -= more
        return found

    def _figure(
        self, subject: str, more_num: int, more_den: int, at_s: int
    ) -> tuple[float | None, int | None, int | None, float | None, str] | None:
        """The figure as it is known now; None when it is what was kept."""
        number = self.key[0]
        was = self.kept.get((at_s, subject))
        counts = self._counts(subject, at_s)
        num = ((was.num or 0) if was else 0) + more_num
        den = ((was.den or 0) if was else 0) + more_den
        empty = not (num or den) if counts is None else not counts
        if empty and not self.evaluation.seen(number, subject):
            if was is None:
                return None
            return None, None, None, None, GONE
        state = None if was is None else was.state
        new = self.evaluation.figure_of_then(self.key, subject, (num, den), counts, at_s, state)
        if was is not None and new == (was.value, was.num, was.den, was.target, was.state):
            return None
        return new

    def _counts(self, subject: str, at_s: int) -> Counter[int] | None:
        """The durations of a median by then."""
        if self.evaluation.indicators[self.key[0]].measure.kind != "quantile":
            return None
        counts: Counter[int] = Counter()
        for then, value, den in self._durations(subject, at_s):
            if then <= at_s:
                counts[value] += den
        return +counts

    def _durations(self, subject: str, at_s: int) -> list[tuple[int, int, int]]:
        number, kind = self.key
        begin = _begin(kind, at_s)
        name = (subject, begin, self.evaluation.tree(at_s))
        if name not in self.looked_up:
            self.looked_up[name] = self.durations.of(
                number, kind, begin,
                lambda o, s: subject in self.evaluation.counted(number, o, s, at_s),
            )  # fmt: skip
        return self.looked_up[name]


def _begin(kind: str, at_s: int) -> int:
    return 0 if kind == NOW else bounds(kind, at_s)[0]
