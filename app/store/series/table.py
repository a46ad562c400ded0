"""Table: what was asked in steps, and the buckets that answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.domain.series import HOUR_MS, Buckets
from app.store.series.codec import Floats, Ints
from app.store.series.rollup import Rolled, rounded
from app.store.series.rows import Window

_CELLS = ("sum", "min", "max", "first", "last")


@dataclass(frozen=True, slots=True)
class Question:
    """A window of some series, cut into steps, as known at an instant (None: now)."""

    window: Window
    step_ms: int
    as_of_ms: int | None

    @property
    def by_the_hour(self) -> bool:
        """Whether whole hours add up to every bucket."""
        return (
            self.as_of_ms is None
            and self.step_ms % HOUR_MS == 0
            and self.window.from_ms % HOUR_MS == 0
        )

    @property
    def cells(self) -> int:
        return -(-(self.window.to_ms - self.window.from_ms) // self.step_ms)


class Table:
    """Rows of buckets, one a series; a bucket nobody fills stays a gap."""

    def __init__(self, asked: Question) -> None:
        self._asked = asked
        shape = (len(asked.window.series_ids), asked.cells)
        self._count = np.zeros(shape, np.int64)
        self._coverage = np.zeros(shape)
        self._cells = {name: np.full(shape, np.nan) for name in _CELLS}

    def put(self, row: int, rolled: Rolled, tick_ms: int) -> None:
        cell = rolled.cell
        self._count[row, cell] = rolled.count
        self._cells["sum"][row, cell] = rounded(rolled.sum)
        for name in _CELLS[1:]:
            self._cells[name][row, cell] = getattr(rolled, name)
        share = np.ones(len(cell))
        if tick_ms > 0:
            share = np.minimum(1.0, rolled.count * tick_ms / self._width(cell))
        self._coverage[row, cell] = share

    def put_all(self, row: Ints, rolled: Rolled, sums: Floats, tick_ms: Sequence[int]) -> None:
        """Buckets of many rows at once."""
        place = row * self._asked.cells + rolled.cell
        self._count.ravel()[place] = rolled.count
        self._cells["sum"].ravel()[place] = sums
        for name in _CELLS[1:]:
            self._cells[name].ravel()[place] = getattr(rolled, name)
        ticks = np.asarray(tick_ms, np.int64)[row]
        self._coverage.ravel()[place] = np.where(
            ticks > 0, np.minimum(1.0, rolled.count * ticks / self._width(rolled.cell)), 1.0
        )

    def _width(self, cell: Ints) -> Ints:
        """How long each bucket is: the window may end within the last."""
        window, step_ms = self._asked.window, self._asked.step_ms
        width: Ints = np.minimum(step_ms, window.to_ms - window.from_ms - cell * step_ms)
        return width

    def buckets(self, level: str) -> Buckets:
        window = self._asked.window
        starts = window.from_ms + np.arange(self._asked.cells) * self._asked.step_ms
        total, low, high, first, last = (self._cells[name].ravel() for name in _CELLS)
        return Buckets(
            tuple(window.series_ids), starts, self._count.ravel(), total, low, high, first, last,
            self._coverage.ravel(), level,
        )  # fmt: skip
