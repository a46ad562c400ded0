"""The life of one simulated dossier: what happens to it, when, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from collectors._world.calendar import DAY_S, day_of, midnight_s

if TYPE_CHECKING:
    import random

    from collectors._world.world import World

LATE = 0.042  # calibrated: 92-97 % on time
SUPPLEMENT, SECOND_SUPPLEMENT, UNANSWERED = 0.07, 0.05, 0.12
FEE_NOTICE = 0.10
REFUSED, WITHDRAWN, STOPPED, REOPENED = 0.015, 0.010, 0.012, 0.004
NO_DUE, NO_MAXIMUM = 0.02, 0.15


@dataclass(frozen=True, slots=True)
class Outcome:
    """The drawn traits of a dossier."""

    online: bool
    channel_told: bool
    paid_online: bool
    e_result: bool
    components: bool
    digit_told: bool
    has_maximum: bool
    late: bool
    end: str  # done | refused | withdrawn | stopped
    reopened: bool
    gamed: bool = False  # closed just before it is due, to be worked on afterwards


def draw_outcome(rng: random.Random, year: float, slowness: float, digital: float) -> Outcome:
    """Draw the traits; ``year`` is 0 at the beginning of 2022, agencies differ by their factors."""
    draw = rng.random()
    end = "done"
    if draw < REFUSED:
        end = "refused"
    elif draw < REFUSED + WITHDRAWN:
        end = "withdrawn"
    elif draw < REFUSED + WITHDRAWN + STOPPED:
        end = "stopped"
    return Outcome(
        online=rng.random() < min(0.97, (0.545 + 0.17 * year) * digital),
        channel_told=rng.random() > 0.01,
        paid_online=rng.random() < min(0.95, (0.36 + 0.12 * year) * digital),
        e_result=rng.random() < min(0.98, (0.66 + 0.1 * year) * digital),
        components=rng.random() < min(0.98, (0.52 + 0.12 * year) * digital),
        digit_told=rng.random() > 0.05,
        has_maximum=rng.random() > NO_MAXIMUM,
        late=rng.random() < LATE * slowness,
        end=end,
        reopened=rng.random() < REOPENED,
    )


class Life:
    """Instants in epoch seconds; ``progress`` are (instant, status), ``statements`` whole items."""

    def __init__(
        self, world: World, rng: random.Random, at_s: int, days: int, outcome: Outcome
    ) -> None:
        self.outcome = outcome
        self.received_s: int | None = at_s
        self.due_s: int | None = _due(world, at_s, days)
        self.ended_s: int | None = None
        self.handed_s: int | None = None
        self.waits: list[tuple[str, int, int | None]] = []
        self.progress: list[tuple[int, str]] = []
        self.statements: list[tuple[int, str]] = []
        if outcome.end == "refused":
            self._refuse(rng, at_s)
            return
        self.progress.append((at_s, "2"))
        self.statements.append((at_s, "2"))
        span = self.due_s - at_s
        if rng.random() < NO_DUE:
            self.due_s = None
        self._work(world, rng, at_s, span)

    def correct(self, rng: random.Random) -> None:
        """Change something already told, as a late correction does."""
        draw = rng.random()
        if draw < 0.4 and self.due_s is not None:
            self.due_s += rng.choice((-1, 1, 2)) * DAY_S
        elif draw < 0.7:
            self.outcome = replace(self.outcome, online=not self.outcome.online)
        else:
            self.outcome = replace(self.outcome, paid_online=not self.outcome.paid_online)

    def _refuse(self, rng: random.Random, at_s: int) -> None:
        """Refused at the door: registered, then not accepted."""
        self.received_s = None
        self.due_s = None
        self.progress += [(at_s, "1"), (at_s + rng.randrange(600, 14_400), "3")]
        self.ended_s = self.progress[-1][0]
        self.statements += [(at_s, "1"), (self.ended_s, "3")]

    def _work(self, world: World, rng: random.Random, at_s: int, span: int) -> None:
        begun = _when_open(world, rng, at_s + rng.randrange(300, 10_800))
        self.progress.append((begun, "4"))
        share = 1.0 + rng.random() * 0.7 if self.outcome.late else 0.15 + rng.random() * 0.75
        finish = at_s + int(span * share) + (7200 if self.outcome.late else 0)
        waited = self._supplement(world, rng, begun, span)
        if waited is None:
            return
        if rng.random() < FEE_NOTICE:
            asked = _when_open(world, rng, begun + int(span * 0.1))
            paid = _when_open(world, rng, asked + int(span * 0.05) + 60)
            self.progress += [(asked, "6"), (paid, "4")]
        finish = _in_office(world, rng, finish + waited, late=self.outcome.late)
        last = max(at for at, _ in self.progress)
        if finish <= last:
            finish = _when_open(world, rng, last + rng.randrange(600, 7200))
        self._end(world, rng, finish)

    def _supplement(self, world: World, rng: random.Random, begun: int, span: int) -> int | None:
        """Seconds waited for the citizen; None when he never answers."""
        if rng.random() >= SUPPLEMENT:
            return 0
        waited = 0
        asked = _when_open(world, rng, begun + int(span * 0.15))
        times = 2 if rng.random() < SECOND_SUPPLEMENT else 1
        for number in range(times):
            answered = asked + rng.randrange(4, 72) * 3600 + rng.randrange(3600)
            answered = _when_open(world, rng, answered)
            self.progress.append((asked, "5"))
            ref = f"BS{number + 1}"
            if rng.random() < UNANSWERED:
                self.waits.append((ref, asked, None))
                self.statements.append((asked, "5"))
                return None
            self.waits.append((ref, asked, answered))
            self.progress.append((answered, "4"))
            self.statements += [(asked, "5"), (answered, "4")]
            waited += answered - asked
            asked = _when_open(world, rng, answered + 3600)
        return waited

    def _end(self, world: World, rng: random.Random, finish: int) -> None:
        if self.outcome.end == "withdrawn":
            self.ended_s = _when_open(world, rng, finish + 3600)
            self.progress += [(finish, "7"), (self.ended_s, "8")]
            self.statements.append((self.ended_s, "8"))
            return
        if self.outcome.end == "stopped":
            self.progress.append((finish, "8"))
            self.ended_s = finish
            self.statements.append((finish, "8"))
            return
        if self.outcome.gamed and self.due_s is not None:
            last = max(at for at, _ in self.progress)
            finish = max(last + 60, self.due_s - rng.randrange(600, 5400))
        self.progress.append((finish, "9"))
        if self.outcome.reopened:
            again = _when_open(world, rng, finish + rng.randrange(3600, 5 * DAY_S))
            finish = _when_open(world, rng, again + rng.randrange(3600, 3 * DAY_S))
            self.progress += [(again, "4"), (finish, "9")]
            self.statements.append((again, "4"))
        self.ended_s = finish
        self.handed_s = _when_open(world, rng, finish + rng.randrange(1800, DAY_S))
        self.progress.append((self.handed_s, "10"))
        self.statements += [(finish, "9"), (self.handed_s, "10")]


def _due(world: World, at_s: int, days: int) -> int:
    """The same time of day, ``days`` working days later."""
    day = day_of(at_s)
    second = at_s - midnight_s(day)
    left = days
    while left:
        day += timedelta(days=1)
        left -= world.is_working_day(day)
    return midnight_s(day) + second


def _in_office(world: World, rng: random.Random, at_s: int, *, late: bool) -> int:
    """An instant near this one at which somebody is at work: before it, or after it when late."""
    day = day_of(at_s)
    if world.is_working_day(day):
        second = at_s - midnight_s(day)
        if 27_000 <= second <= 61_200:
            return at_s
        return midnight_s(day) + rng.randrange(28_800, 59_400)
    step = timedelta(days=1 if late else -1)
    while not world.is_working_day(day):
        day += step
    return midnight_s(day) + rng.randrange(28_800, 59_400)


def _when_open(world: World, rng: random.Random, at_s: int) -> int:
    """This instant if offices are open then, else one in the first hours of the next opening."""
    day = day_of(at_s)
    second = at_s - midnight_s(day)
    if world.is_working_day(day):
        if 27_000 <= second <= 61_200:
            return at_s
        if second < 27_000:
            return midnight_s(day) + 27_000 + rng.randrange(10_800)
    day += timedelta(days=1)
    while not world.is_working_day(day):
        day += timedelta(days=1)
    return midnight_s(day) + 27_000 + rng.randrange(10_800)
