"""Calibrates the forecast's band: how far forecasts were off in worlds kept for this alone.

    python -m benchmarks.indicators.calibrate > app/evaluation/calibration.py

Split conformal: the quantiles of the errors, in units of a series' own unrest, by stage of the way.
The worlds are invented, and so is what is learnt from them; see ``world``.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from app.domain.trajectory import Trajectory
from app.evaluation.forecast import STAGES, Calibration, stage_of
from app.evaluation.pace import Course, PaceRule
from benchmarks.indicators.campaign import WEEK, calendar_of_the_year, observed
from benchmarks.indicators.world import world

SEEDS = range(7000, 7024)  # never used to judge
LEVELS = (0.005, 0.01, 0.025, *(n / 20 for n in range(1, 20)), 0.975, 0.99, 0.995)
# With these errors a forecast says its middle and its unit.
_BARE = Calibration((0.1, 0.5, 0.9), tuple((0.0, 0.0, 1.0) for _ in range(STAGES)))


def errors() -> dict[int, list[float]]:
    """By stage of the way: end minus middle, in units."""
    calendar, found = calendar_of_the_year(), defaultdict(list)
    for seed in SEEDS:
        for target in world(seed):
            course = Course(Trajectory(calendar, target.base, target.goal), PaceRule(), _BARE)
            for day, at_s, value in observed(target, calendar):
                course.observe(at_s, value)
                seen = course.verdict
                if seen is None or seen.forecast is None or seen.holds or day % WEEK:
                    continue
                told = seen.forecast
                found[stage_of(seen.due)].append(
                    (target.end - told.middle) / (told.high - told.middle)
                )
    return found


def main() -> None:
    found = errors()
    print('"""Calibration: how far forecasts were off, by stage of the year.')
    print()
    print(
        "Made by ``python -m benchmarks.indicators.calibrate`` from an invented world of targets:"
    )
    print('it stands until an installation has years of its own to learn from.\n"""')
    print("\nfrom __future__ import annotations\n")
    print("from app.evaluation.forecast import Calibration\n\n# fmt: off")
    print(f"_LEVELS = (\n{_lines(LEVELS, 3)})")
    print("_ERRORS = (")
    for stage in range(STAGES):
        row = np.quantile(found.get(stage) or found[min(found)], LEVELS)
        print(f"    (\n{_lines(row.tolist(), 2, 8)}    ),")
    print(")\nSHIPPED = Calibration(_LEVELS, _ERRORS)")


def _lines(row: object, digits: int, indent: int = 4) -> str:
    words = [f"{float(n):.{digits}f}," for n in np.asarray(row).tolist()]
    lines, line = [], " " * indent
    for word in words:
        if len(line) + len(word) + 1 > 96:
            lines.append(line.rstrip())
            line = " " * indent
        line += word + " "
    return "\n".join([*lines, line.rstrip()]) + "\n"


if __name__ == "__main__":
    main()
