"""The ledger of e-invoice messages behind the feed: half hours drawn, hours told as totals."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from collectors._world import calendar
from collectors._world.feed import Message
from collectors.einvoice.calibration import (
    HOURS,
    INVOICES_A_DAY,
    KINDS,
    OFFICES,
    SILENT_DAYS,
    SILENT_GROUP,
    TILL_HOURS,
    TOURIST_GROUP,
    Kind,
    Office,
    adoption,
)

if TYPE_CHECKING:
    import random
    from datetime import date

    from collectors._world.world import World

_DAY_S = 86400
_ZONE_S = 7 * 3600
_SILENT_FROM_S = calendar.midnight_s(SILENT_DAYS[0])
_SILENT_UNTIL_S = calendar.midnight_s(SILENT_DAYS[1]) + 8 * 3600


@dataclass(slots=True)
class Totals:
    """Messages of an hour so far, by kind, and the answers to them."""

    messages: Counter[str] = field(default_factory=Counter)
    invoices: Counter[str] = field(default_factory=Counter)
    value: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)  # by LTBao
    registrations: int = 0
    errors: int = 0

    def add(self, other: Totals) -> None:
        """Take the messages of another half hour in."""
        self.messages.update(other.messages)
        self.invoices.update(other.invoices)
        self.value.update(other.value)
        self.answers.update(other.answers)
        self.registrations += other.registrations
        self.errors += other.errors

    def sent(self) -> int:
        """Count what the transmitters sent."""
        return self.messages.total() + self.registrations + self.errors


def stamp(at_s: int) -> str:
    """Write an instant as the feed does: local, without a zone."""
    day, second = divmod(at_s + _ZONE_S, _DAY_S)
    minutes, seconds = divmod(second, 60)
    return f"{_date_text(day)}T{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


@lru_cache(maxsize=4096)
def _date_text(day: int) -> str:
    return calendar.day_of(day * _DAY_S - _ZONE_S).isoformat()


def poisson(rng: random.Random, mean: float) -> int:
    """Draw how many; by the normal distribution when many."""
    if mean <= 0:
        return 0
    if mean > 30:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


class Ledger:
    """Draws the messages of each day and publishes the totals of its hours."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._later: defaultdict[int, list[Message]] = defaultdict(list)

    def day(self, day: date) -> list[Message]:
        """Give every total published on the day, those held back from earlier days included."""
        rng = self._world.rng("einvoice", "hours", day)
        midnight = calendar.midnight_s(day)
        working = self._world.rush(day)
        volume = INVOICES_A_DAY * self._world.scale * adoption(day) / 0.88
        for office in OFFICES:
            means = [
                (kind, volume * office.invoices * kind.share * _busy(kind, office, day, working))
                for kind in KINDS
            ]
            for hour in HOURS:
                self._hour(rng, office, midnight + hour * 3600, hour, means)
        return self._later.pop((midnight + _ZONE_S) // _DAY_S, [])

    def _hour(
        self,
        rng: random.Random,
        office: Office,
        begin: int,
        hour: int,
        means: list[tuple[Kind, float]],
    ) -> None:
        first, second = _draw(rng, hour, means), _draw(rng, hour, means)
        told_s = begin + 1800 + int(rng.random() * 130) + 20
        if first.sent():
            delay = 2400 + int(rng.random() * 600) if rng.random() < 0.01 else 0
            unanswered = poisson(rng, 0.03 * first.messages.total())
            unheard = poisson(rng, 0.04 * first.sent())
            self._publish(rng, office, begin, told_s, delay, first, unanswered, unheard)
        first.add(second)
        if not first.sent():
            return
        told_s = begin + 3630 + int(rng.random() * 270)
        unanswered = poisson(rng, 0.006 * first.messages.total())
        unheard = poisson(rng, 0.015 * first.sent())
        self._publish(rng, office, begin, told_s, 0, first, unanswered, unheard)
        if (unanswered or unheard) and rng.random() < 0.85:
            told_s += 7200 + int(rng.random() * 100_000)
            left = unheard if rng.random() < 0.06 else 0
            self._publish(rng, office, begin, told_s, 0, first, 0, left)
        if rng.random() < 0.012:
            told_s += (2 + int(rng.random() * 5)) * _DAY_S - 3600 + int(rng.random() * 7200)
            _correct(rng, first)
            self._publish(rng, office, begin, told_s, 0, first, 0, 0)

    def _publish(
        self,
        rng: random.Random,
        office: Office,
        begin: int,
        told_s: int,
        delay: int,
        totals: Totals,
        unanswered: int,
        unheard: int,
    ) -> None:
        published = told_s + 1 + int(rng.random() * 30) + delay
        if office.group == SILENT_GROUP and _SILENT_FROM_S <= published < _SILENT_UNTIL_S:
            published = _SILENT_UNTIL_S + (published - _SILENT_FROM_S) // 60
        rest = _rest(office, begin, told_s, totals, unanswered, unheard)
        self._put(published, rest)
        if rng.random() < 0.01:
            self._put(published + 300 + int(rng.random() * 2100), rest)

    def _put(self, published: int, rest: str) -> None:
        body = f'<THop PHanh="{stamp(published)}" {rest}'.encode()
        self._later[(published + _ZONE_S) // _DAY_S].append(Message(published, body))


def _busy(kind: Kind, office: Office, day: date, working: float) -> float:
    """Say how much of a plain working day's invoices of a kind this day brings."""
    if calendar.in_tet(day):
        return 0.01 if kind.code != "206" else 0.08
    if kind.code == "206" and office.group == TOURIST_GROUP:
        return 5.0 if day.weekday() >= 5 else 2.0
    return working or kind.day_off


def _draw(rng: random.Random, hour: int, means: list[tuple[Kind, float]]) -> Totals:
    """Draw the messages of half an hour at one office."""
    drawn = Totals()
    for kind, mean in means:
        hours = TILL_HOURS if kind.code == "206" else HOURS
        count = poisson(rng, mean * hours[hour] / 2)
        if not count:
            continue
        messages = -(-count // kind.a_message)
        drawn.messages[kind.code] = messages
        drawn.invoices[kind.code] = count
        spread = math.exp(rng.gauss(0, 0.9 / math.sqrt(count)))
        drawn.value[kind.code] = round(count * kind.value * spread / 1000) * 1000
        rejected = min(messages, poisson(rng, messages * kind.rejected))
        for _ in range(rejected):
            drawn.answers[rng.choice(kind.reasons)] += 1
        drawn.answers["2"] += messages - rejected
    sent = drawn.messages.total()
    if sent:
        drawn.errors = poisson(rng, sent * 0.004)
        drawn.registrations = poisson(rng, sent * 0.01)
    return drawn


def _correct(rng: random.Random, totals: Totals) -> None:
    """Take invoices back, or add some that had not been counted."""
    code = max(totals.invoices, key=lambda kind: totals.invoices[kind], default="200")
    have = totals.invoices[code]
    change = max(-have, rng.choice((-2, -1, -1, 1, 2, 3)))
    mean = totals.value[code] // have if have else 0
    totals.invoices[code] = have + change
    totals.value[code] = max(0, totals.value[code] + change * (mean // 1000 * 1000))
    if change < 0 and totals.answers["2"]:
        totals.answers["2"] -= 1
        totals.answers["3"] += 1


def _rest(
    office: Office, begin: int, told_s: int, totals: Totals, unanswered: int, unheard: int
) -> str:
    """Write a total after its first stamp, which differs when it is told again."""
    rows = [
        f'<LTDiep MLTDiep="{code}"><SLuong>{count}</SLuong><SLHDon>{totals.invoices[code]}</SLHDon>'
        f"<TgTTTBSo>{totals.value[code]}</TgTTTBSo></LTDiep>"
        for code, count in totals.messages.items()
        if count
    ]
    answers = +totals.answers
    waiting = min(unanswered, answers["2"])
    answers["2"] -= waiting
    coded = min(totals.messages["200"], answers.total())
    for code, count in (("202", coded), ("204", answers.total() - coded), ("300", totals.errors)):
        if count:
            rows.append(f'<LTDiep MLTDiep="{code}"><SLuong>{count}</SLuong></LTDiep>')
    notices = "".join(
        f'<LTBao Ma="{code}"><SLuong>{count}</SLuong></LTBao>'
        for code, count in sorted(answers.items())
        if count
    )
    sent = totals.sent()
    return (
        f'TDGui="{stamp(told_s)}"><CQT>{office.group.replace("-", ",")}</CQT>'
        f"<TGian>{stamp(begin)}</TGian><DSLTDiep>{''.join(rows)}</DSLTDiep>"
        f"<DSLTBao>{notices}</DSLTBao><DSoat><SLGui>{sent}</SLGui>"
        f"<SLXNhan>{max(0, sent - unheard)}</SLXNhan></DSoat></THop>"
    )
