"""A trend has one place for every day: a day without a close is a gap."""

from __future__ import annotations

from app.domain.indicator import Indicator, Measure
from app.domain.judgement import reason
from app.store.readings import by_day


def test_a_missing_day_is_a_gap() -> None:
    assert by_day({10: 0.1, 11: 0.2, 13: 0.4}, 13, 30) == (0.1, 0.2, None, 0.4)


def test_a_feed_that_went_silent_ends_in_gaps() -> None:
    assert by_day({10: 0.1}, 12, 30) == (0.1, None, None)


def test_only_the_last_days_are_kept() -> None:
    assert by_day({d: float(d) for d in range(50)}, 49, 3) == (47.0, 48.0, 49.0)


def test_nothing_known_is_an_empty_line() -> None:
    assert by_day({}, 40, 30) == ()


def test_the_reason_follows_from_the_target_kept_in_the_frame() -> None:
    indicator = Indicator(
        "x", "s", "g", "", "", "", "", "percent", 1, "up",
        Measure("ratio", "dossier", "counted"), ("month",), ("province",), (), None, "", None, "",
    )  # fmt: skip
    assert reason(0.9, 0.95, indicator) == "Thấp hơn mục tiêu 5,0 điểm %"
    assert reason(0.95, 0.95, indicator) == "Đạt mục tiêu"
    assert reason(0.9, None, indicator) == "Chỉ số thống kê, không có mục tiêu"
