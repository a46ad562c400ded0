"""Frames of figures as columns of points and back: nothing is lost, whatever a figure is."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.judged import Frame, Head
from app.domain.period import bounds
from app.domain.reading import STATES
from app.domain.series import Points
from app.store.past.parts import SLOTS, Framed, columns_of, figures_of, name_of, number_of

AT_S = 1_664_730_000
counts = st.none() | st.integers(0, 400) | st.integers(-(2**62), 2**62)
numbers = st.none() | st.floats(allow_nan=False) | st.integers(0, 100).map(lambda n: n / 100)
figures = st.tuples(numbers, counts, counts, numbers, st.sampled_from(STATES))


def figure(num: int | None, den: int | None) -> tuple[float | None, int | None]:
    """As evaluation makes them: a share, or the count itself."""
    if den is None:
        return None if num is None else float(num), num
    return (num / den if num is not None and den else None), num


@given(
    st.dictionaries(st.integers(0, 2 * SLOTS + 5), figures, max_size=12),
    st.sampled_from(("", "0", "00ab12cd34ef", "ffffffffffff")),
    st.booleans(),
)
@settings(deadline=None, max_examples=150)
def test_a_frame_comes_back_as_it_was(rows, definition, other_begin):
    begin = bounds("month", AT_S)[0] - other_begin
    told = [rows[n] for n in sorted(rows)]
    value, num, den, target, state = ([r[c] for r in told] for c in range(5))
    names = {f"s{n}": n for n in sorted(rows)}
    head = Head("ps.on_time", "month", begin, definition)
    frame = Frame(head, list(names), value, num, den, target, state)
    parts, columns = {}, columns_of([Framed(AT_S, AT_S + 5, frame)], names)
    for number, code in enumerate(columns.codes):
        indicator, period, part, page = code.split("/")
        assert (indicator, period) == ("ps.on_time", "month")
        there = columns.code == number
        parts[part, int(page)] = Points(columns.at_ms[there], columns.value[there])
    back = figures_of("month", parts, None)
    assert back.number == sorted(rows)
    assert back.value == value
    assert back.target == target
    assert back.state == state
    assert num == back.num
    assert den == back.den
    assert set(back.at_s) <= {AT_S}
    assert set(back.period_s) <= {begin}
    assert set(back.watermark_s) <= {AT_S + 5}
    assert set(back.definition) <= {definition}


def test_figures_that_are_their_counts_cost_no_points_of_their_own():
    value, num = zip(*(figure(n, d) for n, d in ((1, 3), (0, 0), (7, None))), strict=True)
    frame = Frame(
        Head("a", "day", bounds("day", AT_S)[0]), ["x", "y", "z"], list(value), list(num),
        [3, 0, None], [None] * 3, ["met", "none", "near"],
    )  # fmt: skip
    codes = columns_of([Framed(AT_S, AT_S, frame)], {"x": 0, "y": 1, "z": 2}).codes
    assert set(codes) == {"a/day/watermark/0", "a/day/state/0", "a/day/num/0", "a/day/den/0"}


def test_only_the_subjects_asked_for_and_only_what_still_holds():
    points = defaultdict(lambda: Points(np.zeros(0, np.int64), np.zeros(0)))
    at = AT_S * 1000 + np.arange(4)
    points["state", 0] = Points(at, np.array([1.0, 2.0, -1.0, 4.0]))
    points["num", 0] = Points(at, np.array([5.0, 6.0, 7.0, 8.0]))
    back = figures_of("now", dict(points), np.array([1, 2, 3]))
    assert (back.number, back.num, back.state) == ([1, 3], [6, 8], [STATES[2], STATES[4]])


@given(st.integers(0, 16**12 - 1))
@settings(deadline=None)
def test_versions_are_numbers_a_double_holds(version):
    name = f"{version:012x}"
    assert name_of(int(float(number_of(name)))) == name
