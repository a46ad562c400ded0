"""A brute-force model of the series store: every version in a list, every answer by counting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal

from app.domain.series import Batch, Buckets, Latest, Points

_EXACT = Context(prec=1200, traps=[])


@dataclass
class Model:
    """Versions in the order they became known."""

    versions: list[tuple[int, int, float, int]] = field(default_factory=list)

    def append(self, batch: Batch) -> None:
        self.versions += [
            (s, at, value, batch.known_ms)
            for s, at, value in zip(
                batch.series.tolist(), batch.at_ms.tolist(), batch.value.tolist(), strict=True
            )
        ]

    def today(self, series_id: int, as_of_ms: int | None = None) -> dict[int, float]:
        found: dict[int, float] = {}
        for series, at, value, known in self.versions:
            if series == series_id and (as_of_ms is None or known <= as_of_ms):
                found[at] = value
        return dict(sorted(found.items()))

    def raw(self, series_id: int, low: int, high: int, as_of: int | None) -> list[object]:
        return [
            (at, exactly(v)) for at, v in self.today(series_id, as_of).items() if low <= at < high
        ]

    def latest(self) -> list[object]:
        found = []
        for series_id in sorted({v[0] for v in self.versions}):
            at, value = list(self.today(series_id).items())[-1]
            found.append((series_id, at, exactly(value)))
        return found

    def steps(
        self, series_id: int, low: int, high: int, step: int, tick: int, as_of: int | None
    ) -> list[object]:
        cells: dict[int, list[float]] = {}
        for at, value in self.today(series_id, as_of).items():
            if low <= at < high:
                cells.setdefault((at - low) // step, []).append(value)
        return [
            _cell(cells.get(number, []), min(step, high - start), tick)
            for number, start in enumerate(range(low, high, step))
        ]


def _cell(values: Sequence[float], width: int, tick: int) -> object:
    if not values:
        return None
    if any(math.isnan(v) for v in values):
        low = high = math.nan
    else:
        low, high = min(values), max(values)
    total = Decimal(0)
    for value in values:
        total = _EXACT.add(total, Decimal(repr(value)))
    return (
        len(values), told(float(total)), told(low), told(high), told(values[0]), told(values[-1]),
        round(min(1.0, len(values) * tick / width), 9) if tick else 1.0,
    )  # fmt: skip


def told(value: float) -> str:
    """As a number: NaN is NaN, and both zeros are zero."""
    return repr(value + 0.0)


def exactly(value: float) -> str:
    return value.hex()


def points_of(points: Points) -> list[object]:
    pairs = zip(points.at_ms.tolist(), points.value.tolist(), strict=True)
    return [(at, exactly(v)) for at, v in pairs]


def latest_of(latest: Latest) -> list[object]:
    rows = zip(latest.series.tolist(), latest.at_ms.tolist(), latest.value.tolist(), strict=True)
    return [(s, at, exactly(v)) for s, at, v in rows]


def cells_of(buckets: Buckets, series_id: int) -> list[object]:
    columns = [
        buckets.row(c, series_id)
        for c in (buckets.count, buckets.sum, buckets.min, buckets.max, buckets.first,
                  buckets.last, buckets.coverage)
    ]  # fmt: skip
    cells: list[object] = []
    for count, *values, coverage in zip(*columns, strict=True):
        if count:
            cells.append((count, *map(told, values), round(coverage, 9)))
        else:
            assert all(math.isnan(v) for v in values) and coverage == 0.0
            cells.append(None)
    return cells
