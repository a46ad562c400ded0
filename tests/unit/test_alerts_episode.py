"""What a reading does to an episode: a table of days, and what absence never does."""

from __future__ import annotations

import random

import pytest

from app.alerts.episode import decide, worst
from app.domain.alerting import Episode
from app.domain.indicator import AlertRule
from app.domain.reading import Reading

DAY = 86400
RULE = AlertRule(("area:10",), 4 * DAY, "month", "Văn phòng", "Đôn đốc", "district")


def reading(state: str, at_s: int, value: float | None = 0.5, subject: str = "area:10") -> Reading:
    return Reading(
        "ps.on_time", subject, "month", 0, at_s, at_s, "public_service",
        None if state == "none" else value, 1, 2, 0.95, state, "",
    )  # fmt: skip


def live(days: list[tuple[float, str]], rule: AlertRule = RULE) -> list[tuple[float, str]]:
    """Every decision that was not to hold, with its day."""
    episode: Episode | None = None
    made = []
    for day, state in days:
        decision = decide(rule, "province", episode, reading(state, int(day * DAY)), filling=False)
        episode = decision.episode
        assert decision.reason
        if decision.kind != "hold":
            made.append((day, decision.kind))
        if episode is not None and episode.state == "resolved":
            episode = None
    return made


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([(0, "met"), (1, "near"), (9, "met")], []),
        ([(0, "lagging"), (3.99, "lagging")], [(0, "start")]),
        ([(0, "lagging"), (4, "lagging")], [(0, "start"), (4, "raise")]),
        ([(0, "missed"), (4, "missed")], [(0, "start"), (4, "raise")]),
        ([(0, "lagging"), (2, "near"), (4, "lagging")], [(0, "start"), (2, "drop"), (4, "start")]),
        # No value: neither counts as good nor as bad, and the timer's beginning is kept.
        ([(0, "lagging"), (2, "none"), (4, "lagging")], [(0, "start"), (4, "raise")]),
        ([(0, "lagging"), (4, "none"), (9, "none")], [(0, "start")]),
        ([(0, "none"), (9, "none")], []),
        (
            [(0, "lagging"), (4, "lagging"), (5, "critical"), (6, "critical"), (7, "lagging")],
            [(0, "start"), (4, "raise"), (5, "severity"), (7, "severity")],
        ),
        # The exit delay is half the entry delay.
        (
            [(0, "lagging"), (4, "lagging"), (5, "met"), (6.99, "near"), (7, "met"), (8, "met")],
            [(0, "start"), (4, "raise"), (5, "clearing"), (7, "resolve")],
        ),
        (
            [(0, "lagging"), (4, "lagging"), (5, "met"), (6, "lagging"), (7, "met"), (8, "met")],
            [(0, "start"), (4, "raise"), (5, "clearing"), (6, "relapse"), (7, "clearing")],
        ),
        (
            [(0, "lagging"), (4, "lagging"), (5, "met"), (9, "none"), (20, "none")],
            [(0, "start"), (4, "raise"), (5, "clearing")],
        ),
    ],
)
def test_a_life(days, expected):
    assert live(days) == expected


def test_without_delay_the_first_bad_reading_raises_and_the_first_good_one_resolves():
    at_once = AlertRule(("area:10",), 0, "month", "", "", "district")
    assert live([(0, "critical"), (1, "met")], at_once) == [(0, "raise"), (1, "resolve")]


def test_dropping_readings_without_a_value_changes_no_decision():
    chance = random.Random(7)
    for _ in range(200):
        days = [
            (float(d), chance.choice(["met", "near", "lagging", "critical", "none"]))
            for d in range(40)
        ]
        assert live(days) == live([d for d in days if d[1] != "none"])


def test_severity_and_filling_are_those_of_the_raise():
    pending = decide(RULE, "province", None, reading("lagging", 0), filling=True).episode
    raised = decide(RULE, "province", pending, reading("missed", 4 * DAY), filling=False).episode
    assert raised is not None
    assert (raised.severity, raised.filling, raised.since_s, raised.raised_s) == (
        "critical", False, 0, 4 * DAY,
    )  # fmt: skip


def test_the_worst_are_five_on_the_wrong_side():
    units = [reading("lagging", 0, v, f"area:{n}") for n, v in enumerate([5, 3, 9, 1, 7, 2, 3])]
    units.append(reading("none", 0, None, "area:99"))
    assert [u.subject for u in worst(units, "up")] == [f"area:{n}" for n in (3, 5, 1, 6, 0)]
    assert [u.value for u in worst(units, "down")] == [9, 7, 5, 3, 3]
