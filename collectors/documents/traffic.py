"""The simulated traffic: each day's documents, their statuses over days, and work files."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from collectors._world.calendar import DAY_S, day_of, midnight_s
from collectors._world.feed import Message
from collectors.documents.packets import edoc, packet, signature, status, work_file

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from collectors._world.world import Agency, World

DOCUMENTS, FILES = 3000, 400  # a working day at scale 1
DOCUMENT_SHARE = {"province": 0.38, "district": 0.30, "commune": 0.32}
FILE_SHARE = {"province": 0.27, "district": 0.31, "commune": 0.42}
# From the day there are no districts: communes took over their work.
LATER_DOCUMENTS = {"province": 0.38, "commune": 0.62}
LATER_FILES = {"province": 0.27, "commune": 0.73}
# Published for 2022: 79,76 % of work files online, 79,53 % of documents fully signed.
ONLINE = {"province": 0.847, "district": 0.807, "commune": 0.777}
ONLINE_A_YEAR = 0.015
SIGNED = 0.793
ON_TIME, HAS_DUE, TWO_RECEIVERS = 0.90, 0.85, 0.12
REFUSED, RECALLED, GIVEN_BACK = 0.025, 0.015, 0.6
# Quirks of the axis: packets again, behind later ones, and corrected days after.
REPEATED, DELAYED, CORRECTED = 0.04, 0.05, 0.02
OLD_STYLE = 0.4

_MORNING, _NOON, _AFTERNOON, _EVENING = 27_000, 41_400, 48_600, 61_200


class Traffic:
    """Draws each day's packets and keeps those of later days."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._later: defaultdict[date, list[Message]] = defaultdict(list)
        rng = world.rng("documents-weights")
        (_, first), _, (_, last) = world.offices
        sizes = [0.4 + 1.2 * rng.random() for _ in first]
        self._online = _online(first, sizes, rng)
        self._prompt = {a.code: rng.uniform(0.6, 1.7) for a in first}
        rng = world.rng("documents-weights", 2025)
        later = [0.4 + 1.2 * rng.random() for _ in last]
        self._online = _online(last, later, rng) | self._online
        self._prompt = {a.code: rng.uniform(0.6, 1.7) for a in last} | self._prompt
        size = {a.code: by for a, by in zip((*last, *first), (*later, *sizes), strict=True)}
        shares = ((DOCUMENT_SHARE, FILE_SHARE),) * 2 + ((LATER_DOCUMENTS, LATER_FILES),)
        self._weights = [
            [_weights(agencies, [size[a.code] for a in agencies], share) for share in both]
            for (_, agencies), both in zip(world.offices, shares, strict=True)
        ]

    def day(self, day: date) -> list[Message]:
        """Give what is published that day."""
        rush = self._world.rush(day)
        if rush > 0:
            rng = self._world.rng("documents", day)
            busy = rush * self._world.size(day)
            self._documents(rng, day, self._drawn(rng, DOCUMENTS * busy))
            self._files(rng, day, self._drawn(rng, FILES * busy))
        return self._later.pop(day, [])

    def _drawn(self, rng: random.Random, expected: float) -> int:
        mean = expected * self._world.scale
        return max(0, round(rng.gauss(mean, mean**0.5)))

    def _agencies(self, rng: random.Random, day: date, kind: int, count: int) -> list[Agency]:
        """Draw from those that stand on the day."""
        era = self._world.era(day)
        weights = self._weights[era][kind]
        return rng.choices(self._world.offices[era][1], cum_weights=weights, k=count)

    def _documents(self, rng: random.Random, day: date, count: int) -> None:
        drawn = self._agencies(rng, day, 0, 3 * count)
        for number in range(1, count + 1):
            sender, *others = drawn[3 * number - 3 : 3 * number]
            to = [one for one in dict.fromkeys(others) if one is not sender]
            if len(to) == 2 and rng.random() >= TWO_RECEIVERS:
                to.pop()
            if to:
                self._document(rng, day, number, sender, to)

    def _document(
        self, rng: random.Random, day: date, number: int, sender: Agency, to: list[Agency]
    ) -> None:
        at_s = self._world.office_second(rng, day)
        organ, organs = _organ(rng, sender), [_organ(rng, one) for one in to]
        document = f"{organ},{day:%Y/%m/%d},{number}/CV-{sender.code.replace('.', '')}"
        due = self._working_day(day, rng.randrange(2, 11)) if rng.random() < HAS_DUE else None
        signed = rng.random() < SIGNED
        kinds = ["CaNhan", "CoQuan"] if signed else rng.choice((["CaNhan"], ["CoQuan"], []))

        def told(due: date | None, kinds: list[str], business: int) -> str:
            last = f"{due:%Y/%m/%d}" if due else ""
            marks = "".join(signature(kind, at_s) for kind in kinds)
            return edoc(organ, sender.short_name, organs, document, at_s, last, marks, business)

        self._send(rng, sender, at_s, "edoc", told(due, kinds, 0))
        for receiver in to:
            self._receipt(rng, organ, document, receiver, at_s, due)
        if rng.random() < CORRECTED:
            again_s = self._when_open(rng, at_s + rng.randrange(1, 7) * DAY_S)
            if due is not None and rng.random() < 0.7:
                due = self._working_day(due, rng.randrange(1, 6))
            else:
                kinds = ["CaNhan", "CoQuan"]
            self._send(rng, sender, again_s, "edoc", told(due, kinds, 2))

    def _receipt(
        self,
        rng: random.Random,
        sender: str,
        document: str,
        receiver: Agency,
        at_s: int,
        due: date | None,
    ) -> None:
        arrived = at_s + rng.randrange(20, 400)
        minutes = rng.lognormvariate(3.2, 0.8) * self._prompt[receiver.code]
        booked = self._when_open(rng, arrived + 30 + int(60 * minutes))
        steps = [(arrived, "01")]
        draw = rng.random()
        if draw < REFUSED:
            steps.append((booked, "02"))
        else:
            steps.append((booked, "03"))
            given_back = False
            if draw < REFUSED + RECALLED:
                asked = self._when_open(rng, booked + rng.randrange(600, 2 * DAY_S))
                given_back = rng.random() < GIVEN_BACK
                answered = self._when_open(rng, asked + rng.randrange(600, 7200))
                steps += [(asked, "13"), (answered, "15" if given_back else "16")]
            if not given_back:
                steps += self._handling(rng, booked, due)
        teller = _organ(rng, receiver)
        for when, code in steps:
            told = status(document, sender, teller, code, when)
            self._send(rng, receiver, when, "status", told)

    def _handling(self, rng: random.Random, booked: int, due: date | None) -> list[tuple[int, str]]:
        assigned = self._when_open(rng, booked + rng.randrange(300, 10_800))
        working = self._when_open(rng, assigned + rng.randrange(600, 14_400))
        if due is None:
            done = working + rng.randrange(3600, 6 * DAY_S)
        else:
            last = midnight_s(due) + _EVENING
            if rng.random() < ON_TIME:
                done = working + int(max(3600, last - working) * rng.uniform(0.1, 0.95))
            else:
                done = last + rng.randrange(DAY_S // 2, 6 * DAY_S)
        return [(assigned, "04"), (working, "05"), (self._when_open(rng, done), "06")]

    def _files(self, rng: random.Random, day: date, count: int) -> None:
        year = (day - date(2022, 1, 1)).days / 365
        owners = self._agencies(rng, day, 1, count)
        for number, owner in enumerate(owners, 1):
            at_s = self._world.office_second(rng, day)
            online = rng.random() < min(0.99, self._online[owner.code] + ONLINE_A_YEAR * year)
            steps = [(at_s, True)]
            for _ in range(rng.randrange(1, 3)):
                later = steps[-1][0] + rng.randrange(3600, 4 * DAY_S)
                steps.append((self._when_open(rng, later), True))
            if not online:
                place = rng.randrange(len(steps))
                steps[place] = (steps[place][0], False)
            code, organ = f"{owner.code}/{day:%y%m%d}/{number}", _organ(rng, owner)
            for known in range(1, len(steps) + 1):
                when = steps[known - 1][0]
                closed = when if known == len(steps) else None
                told = work_file(code, organ, steps[:known], closed)
                self._send(rng, owner, when, "workfile", told)
            if rng.random() < CORRECTED:
                ended = steps[-1][0]
                place = rng.randrange(len(steps))
                steps[place] = (steps[place][0], not steps[place][1])
                again_s = self._when_open(rng, ended + rng.randrange(1, 7) * DAY_S)
                self._send(rng, owner, again_s, "workfile", work_file(code, organ, steps, ended))

    def _working_day(self, day: date, count: int) -> date:
        while count:
            day += timedelta(days=1)
            count -= self._world.is_working_day(day)
        return day

    def _when_open(self, rng: random.Random, at_s: int) -> int:
        """This instant if offices are open then, else one soon after they open again."""
        day = day_of(at_s)
        midnight = midnight_s(day)
        second = at_s - midnight
        if self._world.is_working_day(day):
            if _MORNING <= second < _NOON or _AFTERNOON <= second <= _EVENING:
                return at_s
            if second < _MORNING:
                return midnight + _MORNING + rng.randrange(7200)
            if second < _AFTERNOON:
                return midnight + _AFTERNOON + rng.randrange(1800)
        return midnight_s(self._working_day(day, 1)) + _MORNING + rng.randrange(7200)

    def _send(self, rng: random.Random, agency: Agency, at_s: int, kind: str, told: str) -> None:
        sent_s = at_s + 1 + int(20 * rng.random())
        out_s = sent_s + 1 + int(120 * rng.random())
        if rng.random() < DELAYED:
            # Long enough to come behind the next steps of the same document.
            out_s += rng.randrange(300, 14_400)
        self._publish(rng, agency, out_s, sent_s, kind, told)
        if rng.random() < REPEATED:
            again_s = out_s + 60 + int(DAY_S * rng.random() ** 3)
            self._publish(rng, agency, again_s, sent_s, kind, told)

    def _publish(
        self, rng: random.Random, agency: Agency, out_s: int, sent_s: int, kind: str, told: str
    ) -> None:
        held = self._world.held_until(agency.code, out_s)
        if held is not None:
            if held - out_s > 366 * DAY_S:
                return  # held back for good
            out_s = held + rng.randrange(3600)
        self._later[day_of(out_s)].append(Message(out_s, packet(kind, out_s, sent_s, told)))


def _weights(
    agencies: Sequence[Agency], sizes: list[float], share: dict[str, float]
) -> list[float]:
    """Running weights by which agencies are drawn: the tiers' shares, then each one's size."""
    total: defaultdict[str, float] = defaultdict(float)
    for agency, size in zip(agencies, sizes, strict=True):
        total[agency.tier] += size
    return list(
        accumulate(
            share[agency.tier] * size / total[agency.tier]
            for agency, size in zip(agencies, sizes, strict=True)
        )
    )


def _online(agencies: Sequence[Agency], sizes: list[float], rng: random.Random) -> dict[str, float]:
    """Each agency's share of work files online; a tier's mean is the calibrated one."""
    apart = [rng.uniform(-0.08, 0.08) for _ in agencies]
    rows = list(zip(agencies, sizes, apart, strict=True))
    mean = {
        tier: sum(size * by for agency, size, by in rows if agency.tier == tier)
        / sum(size for agency, size, _ in rows if agency.tier == tier)
        for tier in {agency.tier for agency in agencies}
    }
    return {agency.code: ONLINE[agency.tier] + by - mean[agency.tier] for agency, _, by in rows}


def _organ(rng: random.Random, agency: Agency) -> str:
    return agency.old_code if rng.random() < OLD_STYLE else agency.code
