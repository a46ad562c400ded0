"""Freshness by the age of the watermark: at the limits of the source's file, at any speed."""

from __future__ import annotations

import pytest

from app.domain.source import SourceConfig, SourceHealth, quality

CONFIG = SourceConfig("s", "s", "S", "S", "http://x", 60, 10, 300, 900, 7200)
NOW_S = 1_664_757_000


def health(age_s: float, *, caught_up: bool = True) -> SourceHealth:
    return SourceHealth("s", int(NOW_S - age_s), caught_up, 1, 1, 0, None, NOW_S, 0)


@pytest.mark.parametrize("rate", [1.0, 60.0])
@pytest.mark.parametrize(
    ("age_s", "state"),
    [
        (0, "fresh"), (299, "fresh"), (300, "fresh"), (301, "late"), (900, "late"),
        (901, "stale"), (7200, "stale"), (7201, "absent"), (10**7, "absent"),
    ],
)  # fmt: skip
def test_the_state_turns_when_the_file_says(age_s: int, state: str, rate: float) -> None:
    assert quality(CONFIG, health(age_s), NOW_S, rate) == state


@pytest.mark.parametrize(("rate", "age_s"), [(1200.0, 2400), (10_000.0, 20_000)])
def test_two_real_seconds_are_no_delay_however_fast_time_runs(rate: float, age_s: int) -> None:
    assert quality(CONFIG, health(age_s), NOW_S, rate) == "fresh"
    assert quality(CONFIG, health(age_s + 1), NOW_S, rate) == (
        "stale" if age_s < 7200 else "absent"
    )


def test_a_first_load_is_told_as_one_whatever_its_age() -> None:
    assert quality(CONFIG, health(10**7, caught_up=False), NOW_S, 60.0) == "loading"
    assert quality(CONFIG, None, NOW_S, 60.0) == "loading"


def test_a_watermark_ahead_is_not_younger_than_fresh() -> None:
    assert quality(CONFIG, health(-7200), NOW_S, 60.0) == "fresh"
