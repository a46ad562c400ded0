"""The last lines of a run say what was looked at: tests, files of each gate, comparisons."""

from __future__ import annotations

import gc
from collections import Counter

import pytest
from _pytest.terminal import TerminalReporter


@pytest.fixture(scope="module", autouse=True)
def _what_is_there_stays() -> None:
    """A collection looks at what a module makes, not at all before it: that takes seconds."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """A test adds to it with ``record_property("comparisons with the truth", 55_000)``."""
    looked_at: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.when == "call":
                looked_at["tests"] += 1
                for name, value in report.user_properties:
                    if isinstance(value, int):
                        looked_at[name] += value
    if looked_at:
        terminalreporter.section("looked at")
        for name, number in looked_at.items():
            terminalreporter.line(f"{number:>9,} {name}")
