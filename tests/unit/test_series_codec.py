"""Columns survive packing to the last bit, and damage is noticed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from app.store.series.codec import (
    Damaged,
    Scaled,
    _middle,
    exact_sum,
    floats,
    pack_ints,
    pack_times,
    pack_values,
    scaled,
    seal,
    unpack_ints,
    unpack_times,
    unpack_values,
    unseal,
)
from app.store.series.packed import pack_batch, unpack_batch

INT64 = st.integers(-(2**63), 2**63 - 1)
MANY = settings(max_examples=300, deadline=None)
DECIMALS = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**10), max_value=10**10, places=3
).map(float)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


@MANY
@given(st_np.arrays(np.int64, st.integers(0, 50), elements=INT64))
def test_integers_come_back(ints):
    assert same(unpack_ints(pack_ints(ints)), ints)


@MANY
@given(st.lists(st.integers(0, 2**50), max_size=60), st.integers(0, 2**45))
def test_instants_come_back_however_irregular(gaps, first):
    at = first + np.cumsum(np.array([0, *gaps], np.int64))
    assert same(unpack_times(pack_times(at)), at)


@MANY
@given(
    st.integers(1, 10**6),
    st.lists(st.tuples(st.integers(1, 4), st.integers(-400, 400)), min_size=8),
)
def test_a_grid_with_jitter_and_gaps_comes_back(tick, steps):
    grid = np.cumsum([s for s, _ in steps]) * tick
    at = np.sort(grid + np.array([j for _, j in steps], np.int64))
    assert same(unpack_times(pack_times(at)), at)


@MANY
@given(st_np.arrays(np.float64, st.integers(0, 50), elements=st.floats(width=64)))
def test_any_doubles_come_back_to_the_bit(values):
    assert same(floats(unpack_values(pack_values(values))), values)


@MANY
@given(st.lists(DECIMALS, max_size=50))
def test_decimals_become_whole_numbers_and_come_back(given_values):
    values = np.array(given_values) + 0.0
    assert isinstance(scaled(values), Scaled)
    assert same(floats(unpack_values(pack_values(values))), values)


@pytest.mark.parametrize(
    "values",
    [
        [float("nan"), 1.0], [float("inf"), -float("inf")], [-0.0, 1.5], [2.0**53 + 2, 0.1],
        [1e300, 5e-324], [0.1 + 0.2, 1 / 3], [1e15, 1.0],
    ],
)  # fmt: skip
def test_what_is_no_short_decimal_stays_as_it_is(values):
    column = np.array(values)
    assert scaled(column) is None
    assert same(floats(unpack_values(pack_values(column))), column)


def test_nan_keeps_its_payload():
    bits = np.array([0x7FF8000000000123, -0x7FFFFFFFFFFBA], np.int64)
    assert same(floats(unpack_values(pack_values(bits.view(np.float64)))).view(np.int64), bits)


def test_a_sum_does_not_depend_on_the_order():
    column = np.array([1e16, 0.1, -1e16, 0.2])
    assert float(exact_sum(column)) == float(exact_sum(column[::-1])) == 0.3


@MANY
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.data())
def test_a_changed_bit_is_noticed(parts, data):
    body = bytearray(seal(*parts))
    assert unseal(bytes(body)) == parts
    place = data.draw(st.integers(0, len(body) * 8 - 1))
    body[place // 8] ^= 1 << place % 8
    with pytest.raises(Damaged):
        unseal(bytes(body))


@MANY
@given(st.lists(st.tuples(st.integers(1, 70_000), st.integers(0, 2**45), DECIMALS), max_size=60))
def test_a_batch_comes_back_by_series_also_as_older_builds_wrote_it(points):
    series, at = (np.array([p[i] for p in points], np.int64) for i in (0, 1))
    value = np.array([p[2] for p in points], float) + 0.0
    order = np.argsort(series, kind="stable")
    row = pack_batch(7, 9, series, at, value)
    older = seal(pack_ints(series[order]), pack_ints(at[order]), pack_values(value[order]))
    for found in (unpack_batch(row), unpack_batch(replace(row, body=older))):
        assert same(found.series, series[order])
        assert same(found.at, at[order]) and same(found.value, value[order])
        assert found.known.tolist() == [9] * len(points) and found.seq.tolist() == [7] * len(points)


@MANY
@given(st_np.arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 2**50)))
def test_the_middle_is_the_median(ints):
    assert _middle(ints) == int(np.median(ints))
