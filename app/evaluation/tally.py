"""Tally: running sums of contribution steps per subject, at one instant that only moves forward."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from app.domain.measure import CARRIED
from app.domain.membership import Members, SubjectsOf, Unchanging
from app.domain.period import KINDS, NOW, bounds

Step = tuple[str, str, int, str, int, int, int, int, int]
CellKey = tuple[int, str, int]  # indicator number, period kind, period begin
Sums = dict[str, list[int]]
_APART = 2**61 - 1  # keeps a change of num from making up for one of den


class Tally:
    """Sums of one source at ``at_s``.

    ``cells[key][subject]`` is [num, den]; ``values[key][subject]`` counts durations for quantiles.
    Steps beyond ``at_s`` wait in a queue; steps before it go straight into the periods that are
    open. Those that have closed are forgotten: what comes late for them corrects what was kept
    (``app.evaluation.revise``). Who counts for whom follows the areas of the day of the figure: an
    open period is regrouped when the tree changes.
    """

    def __init__(
        self,
        carried_kinds: dict[int, tuple[str, ...]],
        members: Members | SubjectsOf,
    ) -> None:
        self.at_s: int | None = None
        self.cells: dict[CellKey, Sums] = {}
        self.values: dict[CellKey, dict[str, Counter[int]]] = {}
        self.dirty: defaultdict[CellKey, set[str]] = defaultdict(set)
        # By indicator: every subject that something was told of and not taken back. A period in
        # which nothing happens to one of them is a zero (or no value), not the one before.
        self.seen: defaultdict[int, Counter[str]] = defaultdict(Counter)
        # Who came to be seen, or is no longer, since the figures were last looked at.
        self.flipped: defaultdict[int, set[str]] = defaultdict(set)
        self._told: defaultdict[int, dict[tuple[str, str], int]] = defaultdict(dict)
        self._carried = carried_kinds
        self._members: Members = Unchanging(members) if callable(members) else members
        self._memo: dict[tuple[str, str, int], tuple[str, ...]] = {}
        self._future: list[tuple[int, int, str, str, CellKey, int, int, int]] = []
        self._order = 0
        self.tree = 0
        # When the open period of each kind began.
        self._since: dict[str, int] = {}

    def start(self, began_s: int, at_s: int) -> None:
        """Stand at an instant of a history that began at ``began_s``; steps come after."""
        self._stand(max(began_s, at_s))
        self.at_s = at_s
        self.tree = self._members.tree(at_s)
        self._open(self._carried)

    def _open(self, carried: Mapping[int, Iterable[str]]) -> None:
        """The periods that are open, each to get its base."""
        for number, kinds in carried.items():
            for kind in kinds:
                self.cells.setdefault((number, kind, self._since[kind]), {})

    def count_anew(self, numbers: Collection[int], like: Tally) -> None:
        """Forget all of some indicators, whose steps come again from the first page on."""
        self._carried = like._carried
        for cells in (self.cells, self.values, self.dirty):
            for key in [k for k in cells if k[0] in numbers]:
                del cells[key]
        for number in numbers:
            for told in (self.seen, self.flipped, self._told):
                told.pop(number, None)
        self._future = [f for f in self._future if f[4][0] not in numbers]
        heapq.heapify(self._future)
        self._open({n: k for n, k in self._carried.items() if n in numbers})

    def add(self, steps: Iterable[Step]) -> None:
        """Take in the steps of one page."""
        now = self.at_s
        if now is None:
            raise RuntimeError("a tally takes steps after start()")
        for owner, sector, number, kind, begin, at_s, value, num, den in steps:
            key = (number, kind, begin)
            if at_s <= now:
                self._apply(owner, sector, key, at_s, value, num, den)
            else:
                self._order += 1
                heapq.heappush(
                    self._future, (at_s, self._order, owner, sector, key, value, num, den)
                )

    def advance(self, to_s: int) -> None:
        """Move to a later instant: due steps happen, and periods that begin get their base."""
        if self.at_s is None or to_s <= self.at_s:
            return
        for begin, keys in self._beginnings(self.at_s, to_s):
            self._run_until(begin - 1)
            self._regroup(begin)
            for number, kind in keys:
                base = self.cells.get((number, CARRIED, 0), {})
                fresh = {subject: sums[:] for subject, sums in base.items()}
                self._begin(number, kind, begin, fresh)
            self.at_s = begin - 1
        self._run_until(to_s)
        self.at_s = to_s
        self._stand(to_s)

    def _stand(self, at_s: int) -> None:
        """Forget the periods that have closed; a year of hours would be hundreds of megabytes."""
        since = {kind: bounds(kind, at_s)[0] for kind in KINDS}
        if since == self._since:
            return
        self._since = since
        for kept in (self.cells, self.values):
            for key in [k for k in kept if self._has_closed(k)]:
                del kept[key]

    def _has_closed(self, key: CellKey) -> bool:
        return key[2] < self._since.get(key[1], 0)

    def _begin(self, number: int, kind: str, begin: int, base: Sums) -> None:
        """Nothing can have been counted in a period before it began."""
        key = (number, kind, begin)
        self.cells[key] = base
        self.dirty[key].update(base)

    def _beginnings(self, after_s: int, to_s: int) -> list[tuple[int, list[tuple[int, str]]]]:
        found: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
        for number, kinds in self._carried.items():
            for kind in kinds:
                begin = bounds(kind, after_s)[1] + 1
                while begin <= to_s:
                    found[begin].append((number, kind))
                    begin = bounds(kind, begin)[1] + 1
        for begin in self._members.changes(after_s, to_s):
            found[begin] += []
        return sorted(found.items())

    def _regroup(self, begin_s: int) -> None:
        """Move what is open into the areas of the tree that begins; nothing is counted anew."""
        tree = self._members.tree(begin_s)
        if tree == self.tree:
            return
        self.tree = tree
        for key in [k for k in self.cells if self._is_open(k, begin_s)]:
            fresh: Sums = {}
            for subject, (num, den) in self.cells[key].items():
                heir = self._members.heir(subject, tree)
                if heir is not None:
                    cell = fresh.setdefault(heir, [0, 0])
                    cell[0] += num
                    cell[1] += den
            self.cells[key] = fresh
            self.dirty[key] = set(fresh)
        for key in [k for k in self.values if self._is_open(k, begin_s)]:
            counts: dict[str, Counter[int]] = {}
            for subject, seen in self.values[key].items():
                heir = self._members.heir(subject, tree)
                if heir is not None:
                    counts.setdefault(heir, Counter()).update(seen)
            self.values[key] = counts
        for number, told in self._told.items():
            self.seen[number] = Counter(s for o, c in told for s in self._subjects(o, c, tree))

    def _is_open(self, key: CellKey, at_s: int) -> bool:
        return key[1] in (NOW, CARRIED) or bounds(key[1], key[2])[1] >= at_s

    def _run_until(self, to_s: int) -> None:
        while self._future and self._future[0][0] <= to_s:
            at_s, _, owner, sector, key, value, num, den = heapq.heappop(self._future)
            self._apply(owner, sector, key, at_s, value, num, den)

    def _apply(
        self, owner: str, sector: str, key: CellKey, at_s: int, value: int, num: int, den: int
    ) -> None:
        self._note(owner, sector, key, at_s, value, num, den)
        if self._has_closed(key):
            return
        subjects = self._subjects(owner, sector, self.tree)
        if value >= 0:
            counters = self.values.setdefault(key, {})
            for subject in subjects:
                counts = counters.setdefault(subject, Counter())
                counts[value] += den
                if not counts[value]:
                    del counts[value]
        self._sum(subjects, key, num, den)
        if key[1] == CARRIED:
            for kind in self._carried.get(key[0], ()):
                other = (key[0], kind, self._since[kind])
                # Begun after that: its base follows a correction.
                if other[2] > at_s and other in self.cells:
                    self._sum(subjects, other, num, den)

    def _note(
        self, owner: str, sector: str, key: CellKey, at_s: int, value: int, num: int, den: int
    ) -> None:
        """Keep who was told of at all: a zero reached is a figure, a mistake taken back is none.

        Every step has a weight of its own, so that their sum is zero when each was taken back.
        """
        weight = hash((key, at_s, value)) * (num + den * _APART)
        if not weight:
            return
        told, pair = self._told[key[0]], (owner, sector)
        before = told.get(pair, 0)
        after = before + weight
        if after:
            told[pair] = after
        else:
            del told[pair]
        if before and after:
            return
        seen = self.seen[key[0]]
        for subject in self._subjects(owner, sector, self.tree):
            was = seen[subject]
            seen[subject] += 1 if after else -1
            if not seen[subject]:
                del seen[subject]
            if not was or subject not in seen:
                self.flipped[key[0]].add(subject)

    def _subjects(self, owner: str, sector: str, tree: int) -> tuple[str, ...]:
        found = self._memo.get((owner, sector, tree))
        if found is None:
            found = self._memo[(owner, sector, tree)] = self._members.of(owner, sector, tree)
        return found

    def _sum(self, subjects: tuple[str, ...], key: CellKey, num: int, den: int) -> None:
        cells = self.cells.setdefault(key, {})
        dirty = self.dirty[key]
        for subject in subjects:
            cell = cells.get(subject)
            if cell is None:
                cells[subject] = [num, den]
            else:
                cell[0] += num
                cell[1] += den
            dirty.add(subject)

    def current(self, number: int, kind: str) -> tuple[int, Sums]:
        """Begin of the period that holds ``at_s`` and its sums."""
        begin = 0 if kind == NOW else bounds(kind, self.at_s or 0)[0]
        return begin, self.cells.get((number, kind, begin), {})


def median(counts: Counter[int]) -> tuple[float | None, int]:
    """Median in seconds (mean of the two middle values) and n."""
    n = sum(c for c in counts.values() if c > 0)
    if n == 0:
        return None, 0
    low, high = (n - 1) // 2, n // 2
    seen, first = 0, None
    for value in sorted(v for v, c in counts.items() if c > 0):
        seen += counts[value]
        if first is None and seen > low:
            first = value
        if seen > high:
            return (first + value) / 2 if first is not None else float(value), n
    return None, n
