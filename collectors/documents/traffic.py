"""The simulated traffic: each day's documents, their statuses over days, and work files."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from collectors._world.calendar import DAY_S, day_of, midnight_s
from collectors._world.feed import Message
from collectors.documents.packets import edoc, packet, stamp, status, work_file

if TYPE_CHECKING:
    import random

    from collectors._world.world import Agency, World

DOCUMENTS, FILES = 3000, 400  # a working day at scale 1
TIER_SHARE = {"province": 0.38, "district": 0.30, "commune": 0.32}
# Calibrated to 79,76 % of work files online and 79,53 % fully signed (province, 2022).
ONLINE = {"province": 0.815, "district": 0.772, "commune": 0.75}
SIGNED = 0.795
ON_TIME = 0.90
HAS_DUE, TWO_RECEIVERS = 0.85, 0.12
REFUSED, RECALLED, REPEATED, EARLY = 0.03, 0.01, 0.04, 0.02
OLD_STYLE = 0.4


class Traffic:
    """Draws each day's packets and keeps those of later days."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._later: defaultdict[date, list[Message]] = defaultdict(list)
        rng = world.rng("documents-weights")
        sizes: defaultdict[str, int] = defaultdict(int)
        for agency in world.agencies:
            sizes[agency.tier] += 1
        self._weights = list(
            accumulate(
                TIER_SHARE[a.tier] / sizes[a.tier] * (0.4 + 1.2 * rng.random())
                for a in world.agencies
            )
        )
        self._online = {
            a.code: min(0.99, ONLINE[a.tier] + rng.uniform(-0.08, 0.08)) for a in world.agencies
        }
        self._prompt = {a.code: rng.uniform(0.6, 1.7) for a in world.agencies}

    def day(self, day: date) -> list[Message]:
        """Give what is published that day."""
        rush = self._world.rush(day)
        if rush > 0:
            rng = self._world.rng("documents", day)
            self._documents(rng, day, self._drawn(rng, DOCUMENTS * rush))
            self._files(rng, day, self._drawn(rng, FILES * rush))
        return self._later.pop(day, [])

    def _drawn(self, rng: random.Random, expected: float) -> int:
        mean = expected * self._world.scale
        return max(0, round(rng.gauss(mean, mean**0.5)))

    def _choose(self, rng: random.Random, count: int) -> list[Agency]:
        return rng.choices(self._world.agencies, cum_weights=self._weights, k=count)

    def _documents(self, rng: random.Random, day: date, count: int) -> None:
        senders, receivers = self._choose(rng, count), self._choose(rng, 2 * count)
        for number, sender in enumerate(senders, 1):
            to = receivers[2 * number - 2 : 2 * number if rng.random() < TWO_RECEIVERS else -1]
            to = [a for a in to[:2] if a.code != sender.code][: 2 if len(to) == 2 else 1]
            self._document(rng, day, number, sender, list({a.code: a for a in to}.values()))

    def _document(
        self, rng: random.Random, day: date, number: int, sender: Agency, to: list[Agency]
    ) -> None:
        at_s = self._world.office_second(rng, day)
        organ = _organ(rng, sender)
        document = f"{organ},{day:%Y/%m/%d},{number}/CV-{sender.code.replace('.', '')}"
        due = self._later_day(day, rng.randrange(2, 11)) if rng.random() < HAS_DUE else None
        told = edoc(
            organ,
            sender.short_name,
            [_organ(rng, a) for a in to],
            document,
            at_s,
            f"{due:%Y/%m/%d}" if due else "",
            _signatures(rng, at_s),
        )
        self._send(rng, sender, at_s, "edoc", told)
        for receiver in to:
            self._receipt(rng, organ, document, receiver, at_s, due)

    def _receipt(
        self,
        rng: random.Random,
        sender: str,
        document: str,
        receiver: Agency,
        at_s: int,
        due: date | None,
    ) -> None:
        arrived = at_s + rng.randrange(20, 400) - (380 if rng.random() < EARLY else 0)
        minutes = rng.lognormvariate(3.3, 0.8) * self._prompt[receiver.code]
        booked = arrived + 30 + int(60 * minutes)
        steps = [(arrived, "01")]
        draw = rng.random()
        if draw < REFUSED:
            steps.append((booked, "02"))
        elif draw < REFUSED + RECALLED:
            steps += [(booked, "03"), (booked + 1800, "13"), (booked + 3600, "15")]
        else:
            assigned = booked + rng.randrange(300, 10_800)
            working = assigned + rng.randrange(600, 14_400)
            steps += [(booked, "03"), (assigned, "04"), (working, "05")]
            steps.append((max(self._done(rng, working, due), working + 60), "06"))
        teller = _organ(rng, receiver)
        for when, code in steps:
            told = status(document, sender, teller, code, when)
            self._send(rng, receiver, when, "status", told)

    def _done(self, rng: random.Random, working: int, due: date | None) -> int:
        if due is None:
            return working + rng.randrange(3600, 6 * DAY_S)
        last = midnight_s(due) + 61_200
        if rng.random() < ON_TIME:
            return working + int(max(3600, last - working) * rng.uniform(0.1, 0.95))
        return last + rng.randrange(DAY_S // 2, 6 * DAY_S)

    def _files(self, rng: random.Random, day: date, count: int) -> None:
        year = (day - date(2022, 1, 1)).days / 365
        for number, owner in enumerate(self._choose(rng, count), 1):
            at_s = self._world.office_second(rng, day)
            organ = _organ(rng, owner)
            online = rng.random() < min(0.99, self._online[owner.code] + 0.015 * year)
            steps = [(at_s, True)]
            for _ in range(rng.randrange(1, 3)):
                steps.append((steps[-1][0] + rng.randrange(3600, 4 * DAY_S), True))
            if not online:
                place = rng.randrange(len(steps))
                steps[place] = (steps[place][0], False)
            code = f"{owner.code}/{day:%y%m%d}/{number}"
            for known in range(1, len(steps) + 1):
                when = steps[known - 1][0]
                closed = when if known == len(steps) else None
                told = work_file(code, organ, steps[:known], closed)
                self._send(rng, owner, when, "workfile", told)

    def _later_day(self, day: date, working_days: int) -> date:
        while working_days:
            day += timedelta(days=1)
            working_days -= self._world.is_working_day(day)
        return day

    def _send(self, rng: random.Random, agency: Agency, at_s: int, kind: str, told: str) -> None:
        draw = rng.random()
        sent_s = at_s + 1 + int(draw * 20)
        out_s = sent_s + int(draw * 120)
        held = self._world.held_until(agency.code, out_s)
        if held is not None:
            out_s = held + int(draw * 3600)
        self._later[day_of(out_s)].append(Message(out_s, packet(kind, out_s, sent_s, told)))
        if draw < REPEATED:
            out_s += 60 + int(draw * 100_000)
            self._later[day_of(out_s)].append(Message(out_s, packet(kind, out_s, sent_s, told)))


def _organ(rng: random.Random, agency: Agency) -> str:
    return agency.old_code if rng.random() < OLD_STYLE else agency.code


def _signatures(rng: random.Random, at_s: int) -> str:
    person = f'<edXML:Signature Loai="CaNhan" Ngay="{stamp(at_s)}"/>'
    office = f'<edXML:Signature Loai="CoQuan" Ngay="{stamp(at_s)}"/>'
    if rng.random() < SIGNED:
        return person + office
    return rng.choice((person, office, ""))
