"""Somebody sets the server's clock: ages stay true, silence is shown, and nobody has to help."""

from __future__ import annotations

import logging
import random

import pytest

from app.domain.clock import Machine, RealClock, heard, read_clock
from app.domain.shape import qualities
from tests.unit.in_memory import PROFILE, health_of
from tests.unit.test_supervisor import Hands

SOURCE = "public_service"  # asked every 60 s, late after 300 s, stale after 900 s


class Province:
    """True time, a machine whose clock may lie, and one source that tells the truth."""

    def __init__(self) -> None:
        self.hands = Hands()
        self.clock = read_clock(None, self.hands.machine)
        self.true_s = self.hands.wall_s
        self.watermark_s = int(self.true_s)

    def on(self, seconds: int, *, alive: bool = True) -> set[str]:
        """Let time pass; the qualities a screen showed meanwhile."""
        seen = set()
        for _ in range(seconds):
            self.hands.on(1)
            self.true_s += 1
            if alive and self.true_s % 60 < 1:
                self.watermark_s = int(self.true_s) - 1
                heard(self.clock, self.watermark_s)
            seen.add(self.quality())
        return seen

    def quality(self) -> str:
        health = health_of(SOURCE, self.watermark_s)
        return qualities(PROFILE, {SOURCE: health}, self.clock.now_s(), 1.0)[SOURCE]

    def error_s(self) -> float:
        return self.clock.now_s() - self.true_s


@pytest.mark.parametrize("step_s", [-86400, -3600, -600, -30, 30, 600, 3600, 86400])
def test_a_right_clock_that_is_set_wrong_changes_no_age(step_s: float):
    here = Province()
    assert here.on(200) == {"fresh"}
    here.hands.put(step_s)
    assert here.on(1800) == {"fresh"}
    # Waiting at half the pace until the next poll loses less than half a minute.
    assert -31 <= here.error_s() <= 0.01
    # A source that falls silent now is late and stale when it always is.
    assert "stale" not in here.on(860, alive=False)
    assert "stale" in here.on(120, alive=False)
    assert here.on(120) >= {"fresh"}
    # Set right again, it is the machine's.
    here.hands.put(-step_s)
    assert here.on(4000) == {"fresh"}
    assert abs(here.error_s()) < 0.01


@pytest.mark.parametrize("wrong_s", [-86400, -3600, -600, 600, 3600])
def test_a_wrong_clock_that_is_set_right_is_believed(wrong_s: float):
    here = Province()
    here.hands.put(wrong_s)
    here.clock = RealClock(here.hands.machine)
    here.on(120)
    assert here.error_s() == pytest.approx(wrong_s, abs=0.01)
    here.hands.put(-wrong_s)
    # Forward: with the next poll. Back: at half the pace, since data time never goes back.
    here.on(61 if wrong_s < 0 else int(2 * wrong_s) + 61)
    assert abs(here.error_s()) < 0.01
    assert here.on(600) == {"fresh"}


def test_data_time_never_goes_back_whatever_is_done_to_the_clock():
    rng = random.Random(766)
    for _ in range(200):
        here = Province()
        last = here.clock.now_s()
        for _ in range(60):
            if rng.random() < 0.2:
                here.hands.put(rng.choice((-86400, -3600, -5, -1, 1, 5, 3600, 86400)))
            here.hands.on(rng.random() * 30)
            if rng.random() < 0.3:
                heard(here.clock, here.hands.wall_s + rng.uniform(-4000, 4000))
            now = here.clock.now_s()
            assert now >= last
            last = now


def test_a_slow_drift_is_followed():
    here = Province()
    for _ in range(3600):
        here.hands.on(1)
        here.hands.put(0.0005)
        assert here.clock.now_s() == here.hands.wall_s


def test_a_source_whose_own_clock_is_ahead_is_no_witness():
    here = Province()
    here.on(120)
    here.hands.put(3600)
    for ahead_s in (120, 1700, 4000, 7200):
        heard(here.clock, here.true_s + ahead_s)
        assert abs(here.error_s()) < 0.01


def test_hours_asleep_are_hours():
    """The counted seconds of a machine that sleeps stand still; those since its start do not."""
    hands = Hands()
    hands.boot_s = 5.0
    machine = Machine(lambda: hands.wall_s, lambda: hands.steady_s, lambda: hands.boot_s)
    clock = RealClock(machine)
    hands.put(8 * 3600)
    hands.boot_s += 8 * 3600
    assert clock.now_s() == hands.wall_s
    assert clock.apart_s() == 0


def test_it_is_told(caplog: pytest.LogCaptureFixture):
    here = Province()
    with caplog.at_level(logging.WARNING):
        here.hands.put(3600)
        assert here.quality() == "fresh"
        assert here.clock.apart_s() == -3600
        heard(here.clock, here.hands.wall_s)
    assert [r.getMessage().split(";")[0] for r in caplog.records] == [
        "the machine's clock was set forward by 3600 s",
        "the machine's clock is right, a source says: data time follows it",
    ]
    assert here.clock.apart_s() == 0
