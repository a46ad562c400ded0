"""Who comes from another process: what that one may not have told is not left out."""

from __future__ import annotations

import random

from app.live.elsewhere import LATEST_S, Elsewhere


def test_around_what_is_not_sent_as_it_is_a_place_is_doubtful():
    here = Elsewhere()
    here.reached(90, 0.0)
    assert not here.doubtful(90)
    here.unsent(100, 1.0)
    assert not here.doubtful(99)  # it is told of 100 by what follows
    assert here.doubtful(100)
    assert here.doubtful(10**9)
    here.reached(140, 1.0 + LATEST_S - 0.1)
    assert here.doubtful(150)
    here.reached(150, 1.0 + LATEST_S)
    assert here.doubtful(150)
    assert not here.doubtful(151)


def test_one_after_the_other_keeps_it_open():
    here = Elsewhere()
    here.unsent(100, 0.0)
    here.unsent(120, LATEST_S - 1)
    here.reached(130, LATEST_S + 1)
    assert here.doubtful(131)
    here.reached(140, 2 * LATEST_S)
    assert not here.doubtful(141)
    here.begin()
    assert not here.doubtful(120)


def test_two_processes_that_lag_by_less_than_the_time_leave_nobody_out():
    """Both follow one log; each makes up for an unsent change when it comes to it."""
    rng = random.Random(766)
    doubted = 0
    for _ in range(2000):
        one, unsent = Elsewhere(), rng.randrange(100, 200)
        speed, lag_s = rng.uniform(0.5, 20), rng.uniform(0, LATEST_S)
        one.unsent(unsent, 0.0)
        for second in range(120):
            one.reached(unsent + int(second * speed), float(second))
        # A client of the other, which made up for it ``lag_s`` later, was cut off just before.
        place = unsent + int(rng.uniform(0, lag_s) * speed)
        doubted += 1
        assert one.doubtful(place)
    assert doubted == 2000
