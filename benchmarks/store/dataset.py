"""Dataset: 2,000 seeded series, 13.8 million points, streamed as the batches a source would send.

600 series every 10 s for 36 h, 800 every 60 s for 2 days, 580 every 5 min for 7 days and 20 every
60 s for 90 days, all ending at the same instant; six shapes of value; half the series carry the
jitter of a scheduler (σ 15 ms) on their millisecond stamps; 0.3 % of the points are missing.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEED = 766
ENDS_MS = 1_664_757_000_000  # Monday 03/10/2022 07:30 in Vietnam
FULL_POINTS = 13_842_000  # before gaps
_GAPS = 0.003
_JITTER_MS = 15.0
_PER_SOURCE = 100
_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Cadence:
    """So many series, one value every so many seconds, for so long."""

    series: int
    step_s: int
    span_s: int


CADENCES = (
    Cadence(600, 10, 36 * 3600),
    Cadence(800, 60, 2 * _DAY_S),
    Cadence(580, 300, 7 * _DAY_S),
    Cadence(20, 60, 90 * _DAY_S),
)


@dataclass(frozen=True, slots=True)
class Source:
    """Up to a hundred series of one cadence, polled together."""

    source_id: int
    series_ids: tuple[int, ...]
    cadence: Cadence

    @property
    def code(self) -> str:
        return f"bench{self.source_id:02d}"


@dataclass(frozen=True, slots=True)
class Batch:
    """What one poll brings: columns of equal length, ordered by tick and then by series."""

    source: Source
    seq: int
    series: NDArray[np.int32]
    at_ms: NDArray[np.int64]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.value)


def sources() -> list[Source]:
    """All of them, numbered from 1; series ids are unique over all sources."""
    found: list[Source] = []
    begin = 0
    for cadence in CADENCES:
        for first in range(begin, begin + cadence.series, _PER_SOURCE):
            last = min(first + _PER_SOURCE, begin + cadence.series)
            found.append(Source(len(found) + 1, tuple(range(first, last)), cadence))
        begin += cadence.series
    return found


def batches(
    share: float = 1.0, most: int = 10_000, seed: int = SEED, window_s: int | None = None
) -> Iterator[Batch]:
    """The whole set in the order of time, a source at a time; ``share`` shortens every span.

    A batch holds at most ``most`` points and, if told, at most ``window_s`` of time.
    """
    streams = (_stream(source, share, most, seed, window_s) for source in sources())
    yield from heapq.merge(*streams, key=_told_at)


def _told_at(batch: Batch) -> tuple[int, int]:
    return int(batch.at_ms[-1]), batch.source.source_id


def _stream(
    source: Source, share: float, most: int, seed: int, window_s: int | None
) -> Iterator[Batch]:
    """One source's points; its random numbers depend on nothing but the seed and its id."""
    random = np.random.default_rng([seed, source.source_id])
    step_ms, width = source.cadence.step_s * 1000, len(source.series_ids)
    ticks = max(2, round(source.cadence.span_s * share / source.cadence.step_s))
    at = ENDS_MS - step_ms * np.arange(ticks - 1, -1, -1, dtype=np.int64)
    columns = [_values(s, at, random) for s in source.series_ids]
    value = np.stack(columns, axis=1)
    stamps = np.repeat(at[:, None], width, axis=1)
    jittery = np.array([s // 6 % 2 == 1 for s in source.series_ids])
    noise = random.normal(0.0, _JITTER_MS, (ticks, int(jittery.sum())))
    stamps[:, jittery] += np.rint(noise).astype(np.int64)
    kept = random.random((ticks, width)) >= _GAPS
    series = np.broadcast_to(np.array(source.series_ids, np.int32), (ticks, width))
    rows = max(1, most // width)
    if window_s is not None:
        rows = max(1, min(rows, window_s // source.cadence.step_s))
    for seq, first in enumerate(range(0, ticks, rows), start=1):
        part = kept[first : first + rows]
        if part.any():
            cut = slice(first, first + rows)
            yield Batch(source, seq, series[cut][part], stamps[cut][part], value[cut][part])


def _values(
    series: int, at_ms: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.float64]:
    """Six shapes in turn: what counters, sensors, queues and switches of a province send."""
    n, shape = len(at_ms), series % 6
    day = 2 * np.pi * ((at_ms / 1000 + 7 * 3600) % _DAY_S) / _DAY_S
    if shape == 0:  # a temperature that drifts, one decimal
        # Rounding leaves -0.0 behind, which no thermometer says.
        return np.round(np.cumsum(random.normal(0, 0.4, n)) + 24, 1) + 0.0
    if shape == 1:  # a running total of requests
        return np.cumsum(random.poisson(20 + series % 7, n)).astype(np.float64)
    if shape == 2:  # a load with the shape of a day, two decimals
        return np.round(np.maximum(0, 60 - 35 * np.cos(day) + random.normal(0, 0.8, n)), 2)
    if shape == 3:  # a switch that is seldom thrown
        return np.cumsum(random.random(n) < 0.002).astype(np.float64) % 2
    if shape == 4:  # a share in per cent, one decimal
        return np.clip(np.round(92 + random.normal(0, 2.0, n), 1), 0, 100)
    return random.poisson(20, n).astype(np.float64)  # people waiting


def digest(found: Iterator[Batch]) -> tuple[int, int]:
    """How many points, and a checksum over all columns: the same seed gives the same set."""
    points, crc = 0, 0
    for batch in found:
        points += len(batch)
        for column in (batch.series, batch.at_ms, batch.value):
            crc = zlib.crc32(np.ascontiguousarray(column).tobytes(), crc)
    return points, crc
