"""The ring and the merge: whoever follows them ends with what the store holds."""

from __future__ import annotations

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.live.frames import MERGED_ALERTS, Ring, merge


def _add(ring: Ring, offset: int, values: dict[str, int], *, repeats: bool = False) -> None:
    readings = {("i", k, "p"): b'{"k":"%s","v":%d}' % (k.encode(), v) for k, v in values.items()}
    ring.add(offset, readings, [b'{"id":%d}' % offset], {}, repeats=repeats)


def _apply(state: dict[str, int], text: str) -> int:
    told = json.loads(text)
    state.update({r["k"]: r["v"] for r in told["readings"]})
    return told["offset"]


changes = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9), min_size=1), st.booleans()
    ),
    max_size=30,
)


@example([({"a": 0, "b": 0}, True), ({"a": 0}, False)], 1, 0)
@settings(deadline=None)
@given(changes, st.integers(1, 40), st.integers(0, 30))
def test_resuming_anywhere_ends_in_the_state_of_now_or_is_refused(told, kept, cut):
    ring, truth, states, offset = Ring(frames=kept), {}, {0: {}}, 0
    for values, repeats in told:
        offset += 0 if repeats else 1
        _add(ring, offset, values, repeats=repeats)
        truth |= values
        states.setdefault(offset, dict(truth))
    known = min(cut, offset)
    place = ring.resume(known)
    if place is None:
        assert len(told) > kept
        return
    frames = ring.after(place)
    one_by_one, merged = dict(states[known]), dict(states[known])
    for frame in frames:
        _apply(one_by_one, frame.text)
    if frames:
        assert _apply(merged, merge(frames)) == offset
    assert one_by_one == merged == truth


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(0, 60), st.integers(0, 60))
def test_a_client_behind_the_ring_is_told_and_never_skips(kept, had, more):
    ring = Ring(frames=kept)
    for number in range(had):
        _add(ring, number + 1, {"a": 1})
    serial = ring.serial
    for number in range(more):
        _add(ring, had + number + 1, {"a": 1})
    frames = ring.after(serial)
    if more > kept:
        assert frames is None
    else:
        assert [f.offset for f in frames] == list(range(had + 1, had + more + 1))


def test_the_ring_is_bounded_by_bytes_too():
    ring = Ring(frames=500, size=20_000)
    for number in range(100):
        ring.add(number + 1, {("i", "s", "p"): b'"' + b"x" * 3000 + b'"'}, [], {})
    assert len(ring.after(ring.serial - 3)) == 3
    assert ring.after(ring.serial - 4) is None
    assert ring.resume(96) is None
    assert ring.resume(97) is not None


def test_alerts_are_never_merged_away_and_too_many_are_a_reset():
    ring = Ring()
    for number in range(MERGED_ALERTS):
        _add(ring, number + 1, {"a": number})
    told = json.loads(merge(ring.after(0)))
    assert len(told["alerts"]) == MERGED_ALERTS
    assert len(told["readings"]) == 1
    _add(ring, MERGED_ALERTS + 1, {"a": 0})
    assert merge(ring.after(0)) is None


def test_a_quiet_hour_loses_no_place_for_snapshots():
    ring = Ring(frames=3)
    ring.clear(7)
    for _ in range(10):
        _add(ring, 7, {"a": 1}, repeats=True)
    assert ring.resume(7) is None
    assert ring.place(7) == ring.serial - 3


def test_a_cleared_ring_resumes_only_from_where_it_begins():
    ring = Ring()
    _add(ring, 5, {"a": 1})
    ring.clear(9)
    assert ring.place(8) is None
    assert ring.place(9) == ring.serial
