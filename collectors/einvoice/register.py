"""The register of simulated enterprises: born, accepted, first invoice, stopped, found again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from collectors._world import calendar
from collectors._world.feed import Message
from collectors.einvoice.calibration import (
    ENTERPRISES,
    FIRST_DAY,
    FULL_REGISTER_SCALE,
    OFFICES,
    adoption,
)
from collectors.einvoice.ledger import poisson, stamp

if TYPE_CHECKING:
    import random
    from datetime import date

    from collectors._world.world import World

_DAY_S = 86400
_ZONE_S = 7 * 3600
_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


@dataclass(slots=True)
class Enterprise:
    """An enterprise as the register has it now."""

    mst: str
    office: str
    group: int
    status: str
    since_s: int
    accepted_s: int | None = None
    invoiced_s: int | None = None
    joined: bool = False  # counted as accepted and invoicing, or about to be
    stated_s: int = 0  # stamp of its newest version


class Register:
    """Moves the enterprises from day to day and publishes a version at every change."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._size = min(1.0, world.scale / FULL_REGISTER_SCALE)
        self._later: defaultdict[int, list[Message]] = defaultdict(list)
        self._todo: defaultdict[date, list[tuple[int, int, str, Enterprise]]] = defaultdict(list)
        self._count = 0
        self._taken: set[str] = set()
        self._alive: list[list[Enterprise]] = [[] for _ in OFFICES]

    def day(self, day: date) -> list[Message]:
        """Give every version published on the day."""
        rng = self._world.rng("einvoice", "register", day)
        if day == FIRST_DAY:
            self._found(rng)
        if self._world.is_working_day(day):
            self._births_and_deaths(rng, day)
            self._join(rng, day)
            self._corrections(rng, day)
        for at_s, _, action, enterprise in sorted(self._todo.pop(day, []), key=lambda do: do[:2]):
            self._do(rng, at_s, action, enterprise)
        return self._later.pop((calendar.midnight_s(day) + _ZONE_S) // _DAY_S, [])

    def _found(self, rng: random.Random) -> None:
        """State the whole register in the first hours of the world."""
        midnight = calendar.midnight_s(FIRST_DAY)
        total = max(40, round(ENTERPRISES * self._size))
        for number in range(total):
            group = rng.choices(range(len(OFFICES)), [o.enterprises for o in OFFICES])[0]
            since = midnight - _DAY_S * (100 + int(rng.random() * 3500))
            enterprise = self._create(rng, group, since)
            luck = rng.random()
            if luck < adoption(FIRST_DAY) + OFFICES[group].ahead:
                enterprise.accepted_s = midnight - 2000 - int(rng.random() * 45 * _DAY_S)
                enterprise.invoiced_s = enterprise.accepted_s + int(
                    rng.random() * (midnight - 1000 - enterprise.accepted_s)
                )
                enterprise.joined = True
            elif luck > 0.94:
                enterprise.accepted_s = midnight - 2000 - int(rng.random() * 20 * _DAY_S)
            if rng.random() < 0.02:
                enterprise.status = rng.choice(("01", "03", "06"))
                self._alive[group].remove(enterprise)
            said_s = midnight - 7200 + number * 5000 // total
            self._state(rng, enterprise, said_s, 7500 + number * 2200 // total)

    def _create(self, rng: random.Random, group: int, since_s: int) -> Enterprise:
        office = rng.choice(OFFICES[group].codes)
        enterprise = Enterprise(self._tax_code(rng), office, group, "00", since_s)
        self._alive[group].append(enterprise)
        return enterprise

    def _tax_code(self, rng: random.Random) -> str:
        """Draw a code that is never issued: nine digits whose weighted sum is 0 modulo 11."""
        while True:
            digits = [5, 3, *(rng.randrange(10) for _ in range(6))]
            last = -sum(w * d for w, d in zip(_WEIGHTS, digits, strict=False)) * 4 % 11
            if last == 10:
                continue
            code = "".join(map(str, (*digits, last, rng.randrange(10))))
            if rng.random() < 0.03:
                code += f"-{rng.randrange(1, 9):03d}"
            if code not in self._taken:
                self._taken.add(code)
                return code

    def _births_and_deaths(self, rng: random.Random, day: date) -> None:
        for _ in range(poisson(rng, 3.6 * self._size)):
            group = rng.choices(range(len(OFFICES)), [o.enterprises for o in OFFICES])[0]
            born = self._create(rng, group, calendar.midnight_s(day))
            self._plan(rng, day, "state", born)
        for _ in range(poisson(rng, 3.2 * self._size)):
            alive = self._alive[rng.choices(range(len(OFFICES)), [len(a) for a in self._alive])[0]]
            gone = alive.pop(rng.randrange(len(alive)))
            known_late = _DAY_S * rng.choice((0, 0, 0, 1, 3, 5))
            if calendar.midnight_s(day) - known_late <= gone.since_s:
                alive.append(gone)
                continue
            gone.since_s = calendar.midnight_s(day) - known_late
            gone.status = "06" if rng.random() < 0.3 else "03"
            self._plan(rng, day, "state", gone)
            if gone.status == "03":
                self._plan(rng, day + timedelta(days=rng.randrange(30, 120)), "close", gone)
            elif rng.random() < 0.4:
                self._plan(rng, day + timedelta(days=rng.randrange(20, 90)), "found", gone)

    def _join(self, rng: random.Random, day: date) -> None:
        """Bring as many enterprises to e-invoices as the curve of the province says."""
        for office, alive in zip(OFFICES, self._alive, strict=True):
            waiting = [enterprise for enterprise in alive if not enterprise.joined]
            share = min(0.985, adoption(day + timedelta(days=4)) + office.ahead)
            due = int(share * len(alive) + rng.random()) - (len(alive) - len(waiting))
            for enterprise in rng.sample(waiting, max(0, min(due, len(waiting)))):
                enterprise.joined = True
                if enterprise.accepted_s is None:
                    self._plan(rng, day, "accept", enterprise)
                first = day + timedelta(days=rng.choice((1, 1, 2, 3, 4, 6, 9)))
                self._plan(rng, first, "invoice", enterprise)

    def _corrections(self, rng: random.Random, day: date) -> None:
        for _ in range(poisson(rng, 0.35 * self._size)):
            alive = self._alive[rng.randrange(len(OFFICES))]
            if not alive:
                continue
            chosen = alive[rng.randrange(len(alive))]
            if rng.random() < 0.2 and chosen.invoiced_s is not None:
                self._plan(rng, day, "withdraw", chosen)
                self._plan(rng, day + timedelta(days=rng.randrange(1, 4)), "accept", chosen)
            else:
                self._plan(rng, day + timedelta(days=rng.randrange(1, 5)), "redate", chosen)

    def _plan(self, rng: random.Random, day: date, action: str, enterprise: Enterprise) -> None:
        self._count += 1
        at_s = self._world.office_second(rng, day)
        self._todo[day].append((at_s, self._count, action, enterprise))

    def _do(self, rng: random.Random, at_s: int, action: str, enterprise: Enterprise) -> None:
        if action == "accept":
            enterprise.accepted_s = at_s
        elif action == "withdraw":
            enterprise.accepted_s = None
        elif action == "invoice" and enterprise.status == "00":
            enterprise.invoiced_s = at_s
        elif action == "redate" and enterprise.accepted_s is not None:
            enterprise.accepted_s -= int(rng.random() * 4 * _DAY_S)
        elif action in {"close", "found"}:
            today = (at_s + _ZONE_S) // _DAY_S * _DAY_S - _ZONE_S
            enterprise.status, enterprise.since_s = ("01" if action == "close" else "00"), today
            if action == "found":
                self._alive[enterprise.group].append(enterprise)
        elif action != "state":
            return
        self._state(rng, enterprise, at_s + 60 + int(rng.random() * 2400), 0)

    def _state(self, rng: random.Random, enterprise: Enterprise, said_s: int, delay: int) -> None:
        """Publish the version that holds now; it is always stamped later than the one before."""
        said_s = max(said_s, enterprise.stated_s + 1)
        enterprise.stated_s = said_s
        published = said_s + delay + 1 + int(rng.random() * 20)
        if delay == 0 and rng.random() < 0.03:
            published += 3600 + int(rng.random() * 7200)  # overtaken by newer ones
        self._put(published, _rest(enterprise))
        if rng.random() < 0.01:
            self._put(published + 600, _rest(enterprise))

    def _put(self, published: int, rest: str) -> None:
        body = f'<DNghiep PHanh="{stamp(published)}" {rest}'.encode()
        self._later[(published + _ZONE_S) // _DAY_S].append(Message(published, body))


def _rest(of: Enterprise) -> str:
    """Write a version after its first stamp, which differs when it is told again."""
    return (
        f'TDGui="{stamp(of.stated_s)}"><MST>{of.mst}</MST><CQT>{of.office}</CQT>'
        f"<TTNNT>{of.status}</TTNNT><TTHLuc>{stamp(of.since_s)}</TTHLuc>"
        f"<NCNhan103>{_or_empty(of.accepted_s)}</NCNhan103>"
        f"<NHDDTien>{_or_empty(of.invoiced_s)}</NHDDTien></DNghiep>"
    )


def _or_empty(at_s: int | None) -> str:
    return "" if at_s is None else stamp(at_s)
