"""Example: the figure a few records give, by the same measures, tally and judgement as live."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from app.domain.indicator import Indicator, target_of
from app.domain.measure import Measures
from app.domain.measure_unit import in_unit
from app.domain.on_time import Rules
from app.domain.period import bounds
from app.domain.profile import Profile
from app.domain.record import Record
from app.evaluation.courses import Courses
from app.evaluation.judge import state
from app.evaluation.tally import Tally, median

Figure = tuple[float | None, int | None, int | None, str]


class Example(Protocol):
    """What a definition's own example states."""

    @property
    def records(self) -> Sequence[Record]: ...

    @property
    def subject(self) -> str: ...

    @property
    def period(self) -> str: ...

    @property
    def at_s(self) -> int: ...


def prove(profile: Profile, indicator: Indicator, example: Example) -> Figure:
    """The figure of an example."""
    return figure(
        profile, profile.rules(), indicator, example.records, example.subject, example.period,
        example.at_s,
    )  # fmt: skip


def figure(
    profile: Profile,
    rules: Rules,
    indicator: Indicator,
    records: Iterable[Record],
    subject: str,
    period: str,
    at_s: int,
) -> Figure:
    """Value, num, den and state of one subject in the period that holds ``at_s``."""
    carried = {0: indicator.periods} if indicator.measure.carried else {}
    measures = Measures([indicator], rules)
    tally = Tally(carried, profile.members)
    target = target_of(indicator, profile.subjects[subject])
    courses = Courses([indicator], [{subject: target} if target else {}], rules)
    way = (0, period) in courses.judged()
    # A state on the way rests on every close of a day so far.
    tally.start(profile.began_s, profile.began_s if way else at_s)
    for record in records:
        steps = measures.steps(record)
        tally.add([(record.owner, record.sector, *k, *v) for k, v in steps.items()])
    close = bounds("day", profile.began_s)[1]
    while way and close <= at_s:
        tally.advance(close)
        value = _sums(tally, indicator, subject, period)[0]
        courses.close((0, period), close, [(subject, value)])
        close = bounds("day", close + 1)[1]
    tally.advance(at_s)
    value, num, den = _sums(tally, indicator, subject, period)
    judged = courses.state((0, period), subject, value, at_s)
    if judged is None:
        judged = state(value, target, indicator.better, at_s)
    return value, num, den, judged


def _sums(
    tally: Tally, indicator: Indicator, subject: str, period: str
) -> tuple[float | None, int | None, int | None]:
    begin, sums = tally.current(0, period)
    num, den = sums.get(subject, (0, 0))
    kind = indicator.measure.kind
    if kind == "quantile":
        counts = tally.values.get((0, period, begin), {}).get(subject)
        seconds, n = median(counts) if counts else (None, 0)
        return in_unit(seconds, indicator.unit), None, n
    if kind == "ratio":
        return (num / den if den else None), num, den
    return float(num), num, None
