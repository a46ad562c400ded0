"""Source evaluation: the indicators of one source, judged at one instant that moves forward."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from app.domain.indicator import Indicator, Target
from app.domain.judged import Frame, Head, Judged, Listed
from app.domain.judgement import pace_reason, reason
from app.domain.profile import Profile
from app.domain.reading import Reading
from app.domain.why import version_of
from app.evaluation.courses import Close, Courses
from app.evaluation.judge import edges, state, targets, valued
from app.evaluation.occasion import Occasion
from app.evaluation.tally import Sums, Tally

LIVE_FRAME_S = 900
ANNOUNCED_AT_MOST = 2000
_SHOWN = frozenset(("province", "district", "tier", "group"))

Figure = tuple[float | None, int | None, int | None, str]


class SourceEvaluation:
    """The indicators of one source, at one instant."""

    def __init__(self, source: str, profile: Profile, only: frozenset[str] | None = None) -> None:
        self.source = source
        self._only = only
        self.indicators: list[Indicator] = [
            i for i in profile.indicators.values() if i.source == source
        ]
        self._profile, self.began_s = profile, profile.began_s
        carried = {
            n: tuple(k for k in i.periods)
            for n, i in enumerate(self.indicators)
            if i.measure.carried
        }
        self.tally = Tally(carried, profile.members)
        self._targets: list[dict[str, Target]] = [
            targets(i, profile.subjects) for i in self.indicators
        ]
        self._courses = Courses(self.indicators, self._targets, profile.rules())
        self._levels = [frozenset(i.levels) for i in self.indicators]
        self._figures: dict[tuple[int, str], tuple[tuple[int, int], dict[str, Figure]]] = {}
        self._unwritten: dict[tuple[int, str], set[str]] = {}
        self._watched = _watched(self.indicators)
        self._shown = {s.id for s in profile.subjects.values() if s.level in _SHOWN}
        self._versions = [version_of(i) for i in self.indicators]
        self._framed_s = 0
        self._judged_s: dict[tuple[int, str], int] = {}
        self._edges = [edges(told.values()) for told in self._targets]
        self._whole: set[tuple[int, str]] = set()
        self._parting: dict[tuple[int, str, str], Figure] = {}
        self._counted: dict[tuple[int, str, str, int], tuple[str, ...]] = {}

    def judge(self, seq: int, watermark_s: int, on: Occasion) -> Judged:
        """Judge everything at the tally's instant."""
        at_s = self.tally.at_s or 0
        heads: list[Head] = []
        changed: list[Reading] = []
        watched: list[Reading] = []
        announced: list[Reading] = []
        for key in self._keys():
            head, touched = self._refresh(*key, at_s)
            if on.day:
                touched |= self._close(key, at_s)
            heads.append(head)
            self._unwritten.setdefault(key, set()).update(touched)
            rules = self._watched.get(key, set())
            tell = {s for s in touched if s in self._shown} if on.bulk else touched
            write: set[str] = set()
            if on.latest:
                write = self._unwritten.pop(key) & self._figures[key][1].keys()
            # Made once, for whoever wants it.
            wanted = sorted(rules | tell | write)
            for reading in self._readings(key, head, wanted, at_s, watermark_s):
                if reading.subject in rules:
                    watched.append(reading)
                elif reading.subject in tell:
                    announced.append(reading)
                if reading.subject in write:
                    changed.append(reading)
        self.tally.dirty.clear()
        self.tally.flipped.clear()
        self._parting.clear()
        return Judged(
            self.source,
            seq,
            at_s,
            watermark_s,
            on.filling,
            tuple(heads),
            tuple(changed),
            # Those an alert rule looks at come first: their timers must never miss one.
            tuple((watched + announced)[:ANNOUNCED_AT_MOST]),
            self._frames(heads, on, at_s),
            on.day,
            on.latest,
            self._listed() if on.latest else (),
        )

    def _listed(self) -> tuple[Listed, ...]:
        """Of which figures somebody may have left: who has one."""
        found = tuple(
            Listed(self.indicators[n].id, k, tuple(self._figures[(n, k)][1]))
            for n, k in sorted(self._whole)
        )
        self._whole.clear()
        return found

    def _frames(self, heads: Sequence[Head], on: Occasion, at_s: int) -> tuple[Frame, ...]:
        ticks = on.latest and not on.bulk and at_s // LIVE_FRAME_S > self._framed_s
        if not (on.day or on.frame or ticks):
            return ()
        self._framed_s = at_s // LIVE_FRAME_S
        keyed = zip(self._keys(), heads, strict=True)
        return tuple(self._frame(h, n, k) for (n, k), h in keyed)

    def _keys(self) -> list[tuple[int, str]]:
        return [(n, k) for n, i in enumerate(self.indicators) if self.judges(n) for k in i.periods]

    def judges(self, number: int) -> bool:
        """Numbers are places among all indicators of the source, even when only some are judged."""
        return self._only is None or self.indicators[number].id in self._only

    def resume_at(self, at_s: int) -> None:
        """An instant that was judged already has its frame."""
        self._framed_s = at_s // LIVE_FRAME_S

    def version(self, number: int) -> str:
        return self._versions[number]

    def seen(self, number: int, subject: str) -> bool:
        return subject in self.tally.seen[number]

    def subjects_of(self, owner: str, sector: str) -> tuple[str, ...]:
        """Whom a record counts for today."""
        return self._profile.members.of(owner, sector, self.tally.tree)

    def tree(self, at_s: int) -> int:
        return self._profile.members.tree(at_s)

    def within_trees(self, first_s: int, last_s: int) -> list[tuple[int, int]]:
        """A span in parts, each within one tree of areas."""
        begins = [first_s, *self._profile.members.changes(first_s, last_s)]
        return list(zip(begins, [b - 1 for b in begins[1:]] + [last_s], strict=True))

    def counted(self, number: int, owner: str, sector: str, at_s: int) -> tuple[str, ...]:
        """Whose figures of an indicator counted a record at an instant."""
        tree = self.tree(at_s)
        key = (number, owner, sector, tree)
        if key not in self._counted:
            found = self._profile.members.of(owner, sector, tree)
            self._counted[key] = tuple(s for s in found if self._counts(number, s, tree))
        return self._counted[key]

    def figure_of_then(
        self,
        key: tuple[int, str],
        subject: str,
        sums: tuple[int, int],
        counts: Counter[int] | None,
        at_s: int,
        decided: str | None,
    ) -> tuple[float | None, int | None, int | None, float | None, str]:
        """A figure of the past from its sums; ``decided``: the state it had, which a way keeps."""
        number = key[0]
        indicator, told = self.indicators[number], self._targets[number].get(subject)
        value, num, den = valued(indicator, sums, counts)
        judged = decided or "none"
        if not self._courses.on_way(key, subject, at_s):
            judged = state(value, told, indicator.better, at_s)
        return value, num, den, told.value if told else None, judged

    def _refresh(self, number: int, kind: str, at_s: int) -> tuple[Head, set[str]]:
        """Bring the figures of one (indicator, period) up to date; says which subjects moved."""
        indicator = self.indicators[number]
        begin, sums = self.tally.current(number, kind)
        key = (number, kind)
        known = self._figures.get(key)
        old = known[1] if known is not None else {}
        # Another period, or another tree of areas, has figures of its own.
        stands = (begin, self.tally.tree)
        anew = known is None or known[0] != stands
        figures: dict[str, Figure] = {} if anew else old
        look = self._look(key, begin, anew=anew or self._turned(number, key, at_s))
        touched: set[str] = set()
        gone = old.keys() - look if anew else set()
        for subject in look:
            if not self._counts(number, subject, self.tally.tree):
                continue
            figure = self._figure(number, indicator, (number, kind, begin), subject, sums, at_s)
            listed = subject in self.tally.seen[number] or any(sums.get(subject, ()))
            if listed:
                if anew or old.get(subject) != figure:
                    touched.add(subject)
                figures[subject] = figure
            elif subject in old:
                touched.add(subject)
                gone.add(subject)
                figures.pop(subject, None)
                self._parting[(*key, subject)] = figure
        if anew or gone:
            # What was taken back altogether is kept no longer, and told once as no value.
            self._whole.add(key)
        self._figures[key] = (stands, figures)
        self._judged_s[key] = at_s
        return Head(indicator.id, kind, begin, self._versions[number]), touched

    def _look(self, key: tuple[int, str], begin: int, *, anew: bool) -> set[str]:
        """Whose figures can have moved."""
        number, kind = key
        cell = (number, kind, begin)
        if not anew:
            return self.tally.dirty.get(cell, set()) | self.tally.flipped.get(number, set())
        counted = {s for s, sums in self.tally.cells.get(cell, {}).items() if any(sums)}
        return counted | self.tally.seen[number].keys() | self.tally.flipped.get(number, set())

    def _turned(self, number: int, key: tuple[int, str], at_s: int) -> bool:
        """Whether a deadline has passed, or a way has begun, since these figures were judged."""
        before = self._judged_s.get(key, at_s)
        return any(before <= edge < at_s for edge in self._edges[number])

    def _counts(self, number: int, subject: str, tree: int) -> bool:
        found = self._profile.subjects.get(subject)
        if found is None or found.level not in self._levels[number]:
            return False
        return self._profile.members.stands(subject, tree)

    def _close(self, key: tuple[int, str], at_s: int) -> set[str]:
        """A day has ended: states on the way are decided; says whose pace is told anew."""
        figures = self._figures[key][1]
        states = self._courses.close(key, at_s, ((s, f[0]) for s, f in figures.items()))
        number = key[0]
        for subject in (self._courses.subjects(key) | states.keys()) & figures.keys():
            value, num, den, before = figures[subject]
            decided = states.get(subject)
            if decided is None:  # its deadline has passed, or its way has not begun
                told = self._targets[number].get(subject)
                decided = state(value, told, self.indicators[number].better, at_s)
            if value is None:  # what is held while nothing is known is the course's own affair
                decided = "none"
            if decided != before:
                figures[subject] = (value, num, den, decided)
                states[subject] = decided
        return set(states)

    def take_over(self, other: SourceEvaluation) -> frozenset[str]:
        """Go on from the same sums; gives the indicators whose figures and states go on too.

        A definition that was edited is judged anew, and it alone. The areas are the same.
        """
        self.tally, self._framed_s = other.tally, other._framed_s
        same = self._profile.rules() == other._profile.rules()
        places = {i.id: n for n, i in enumerate(other.indicators)} if same else {}
        taken = set()
        for number, indicator in enumerate(self.indicators):
            before = places.get(indicator.id)
            if before is None or other.indicators[before] != indicator:
                continue
            taken.add(indicator.id)
            for kind in indicator.periods:
                old, new = (before, kind), (number, kind)
                if old in other._figures:
                    self._figures[new] = other._figures[old]
                    self._judged_s[new] = other._judged_s[old]
                self._unwritten[new] = other._unwritten.get(old, set())
                self._courses.take_over(new, other._courses, old)
                if old in other._whole:
                    self._whole.add(new)
        return frozenset(taken)

    def way_keys(self) -> dict[tuple[str, str], int]:
        """(indicator, period) of figures judged by their closes, and since when these matter."""
        return {
            (self.indicators[n].id, kind): self._courses.begins_s((n, kind))
            for n, kind in self._courses.judged()
            if self.judges(n)
        }

    def resume(self, indicator: str, kind: str, closes: Sequence[Close]) -> None:
        """Walk the ways again through the closes that were kept, in their order."""
        number = next(n for n, i in enumerate(self.indicators) if i.id == indicator)
        for at_s, subjects, values in closes:
            self._courses.close((number, kind), at_s, zip(subjects, values, strict=True))

    def _figure(
        self,
        number: int,
        indicator: Indicator,
        cell: tuple[int, str, int],
        subject: str,
        sums: Sums,
        at_s: int,
    ) -> Figure:
        counts = self.tally.values.get(cell, {}).get(subject)
        value, *counted = valued(indicator, sums.get(subject, (0, 0)), counts)
        judged = self._courses.state(cell[:2], subject, value, at_s)
        if judged is None:
            target = self._targets[number].get(subject)
            judged = state(value, target, indicator.better, at_s)
        return value, counted[0], counted[1], judged

    def _readings(
        self, key: tuple[int, str], head: Head, subjects: Sequence[str], at_s: int, watermark_s: int
    ) -> list[Reading]:
        number, kind = key
        indicator = self.indicators[number]
        figures = self._figures[key][1]
        found = []
        for subject in subjects:
            figure = figures.get(subject) or self._parting.get((*key, subject))
            if figure is None:
                continue
            value, num, den, judged = figure
            told = self._targets[number].get(subject)
            target = told.value if told else None
            pace = self._courses.pace(key, subject, value, at_s)
            words = reason(value, target, indicator)
            if pace is not None:
                words = pace_reason(value, target, indicator, pace)
            found.append(
                Reading(
                    indicator.id, subject, kind, head.period_s, at_s, watermark_s, self.source,
                    value, num, den, target, judged, words, pace,
                )
            )  # fmt: skip
        return found

    def _frame(self, head: Head, number: int, kind: str) -> Frame:
        figures = self._figures[(number, kind)][1]
        figures = dict(sorted(figures.items()))  # the same bytes, whatever came first
        values, nums, dens, states = zip(*figures.values(), strict=True) if figures else ((),) * 4
        told = self._targets[number]
        targets = [told[s].value if s in told else None for s in figures]
        return Frame(
            head, list(figures), list(values), list(nums), list(dens), targets, list(states)
        )


def _watched(indicators: Sequence[Indicator]) -> dict[tuple[int, str], set[str]]:
    """Readings an alert rule looks at: announced every time, so that its timers move."""
    found: dict[tuple[int, str], set[str]] = {}
    for number, indicator in enumerate(indicators):
        if indicator.alert is not None:
            found[(number, indicator.alert.period)] = set(indicator.alert.subjects)
    return found
