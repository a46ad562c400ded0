"""Questions: the four queries, the same for every system, each about the newest data there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.domain.series import step_for
from benchmarks.store.dataset import ENDS_MS, SEED, Source

Kind = Literal["latest", "raw24h", "d90", "s100x24h"]
_DAY_S = 86400
_END_S = ENDS_MS // 1000 + 1
# What the product chooses where at most 400 points are asked for.
D90_STEP_S = step_for(0, 90 * _DAY_S * 1000, 400) // 1000
TIMES: dict[Kind, int] = {"latest": 100, "raw24h": 100, "d90": 100, "s100x24h": 25}


@dataclass(frozen=True, slots=True)
class Question:
    """One query; ``series`` of ``source`` from ``from_s`` to ``to_s``; step 0: raw points."""

    kind: Kind
    source: Source
    series: tuple[int, ...]
    from_s: int
    to_s: int
    step_s: int = 0


def questions(sources: list[Source], seed: int = SEED) -> Iterator[Question]:
    """All in one order: kinds in turn, each about series drawn by the seed."""
    random = np.random.default_rng(seed)
    fast = [s for s in sources if s.cadence.step_s == 10]
    long = [s for s in sources if s.cadence.span_s >= 90 * _DAY_S]
    wide = [s for s in sources if len(s.series_ids) >= 100]
    for number in range(max(TIMES.values())):
        one, far, many = (pick[random.integers(len(pick))] for pick in (fast, long, wide))
        yield Question("latest", one, (), _END_S - 600, _END_S)
        yield Question("raw24h", one, _some(one, random), _END_S - _DAY_S, _END_S)
        ends = _END_S - _END_S % D90_STEP_S + D90_STEP_S
        begins = ends - 90 * _DAY_S
        yield Question("d90", far, _some(far, random), begins, ends, D90_STEP_S)
        if number < TIMES["s100x24h"]:
            ends = _END_S - _END_S % 300 + 300
            yield Question("s100x24h", many, many.series_ids, ends - _DAY_S, ends, 300)


def _some(source: Source, random: np.random.Generator) -> tuple[int, ...]:
    return (int(random.choice(source.series_ids)),)
