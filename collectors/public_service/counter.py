"""The simulated counter (một cửa): dossiers from reception to result, told message by message."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import msgspec

from collectors._world.calendar import DAY_S, day_of
from collectors._world.feed import Message
from collectors.public_service.items import dossier, progress
from collectors.public_service.life import Life, draw_outcome
from collectors.public_service.stamps import stamp

if TYPE_CHECKING:
    import random

    from collectors._world.world import Agency, World
    from collectors.public_service.catalogue import Catalogue, Procedure

A_DAY = 1200  # dossiers a working day at scale 1
TIER_SHARE = {"province": 0.24, "district": 0.31, "commune": 0.45}
LATER_SHARE = {"province": 0.24, "commune": 0.76}  # communes took over the districts' work
COMMUNE_SECTORS = ("LV01", "LV02", "LV10", "LV11", "LV04")
DISTRICT_SECTORS = ("LV04", "LV06", "LV08", "LV01", "LV02", "LV12", "LV14", "LV11")
REPEATED = 0.012
SLOW_POST = 0.02
CORRECTED = 0.02
GAMED = 0.3  # of the files of a planted agency


class Counter:
    """Draws each day's dossiers and keeps what they will say later."""

    def __init__(self, world: World, catalogue: Catalogue) -> None:
        self._world = world
        self._catalogue = catalogue
        self._later: defaultdict[date, list[Message]] = defaultdict(list)
        self._slowness: dict[str, float] = {}
        self._digital: dict[str, float] = {}
        first, _, last = (agencies for _, agencies in world.offices)
        weights = self._draw(world.rng("ps-weights"), first, TIER_SHARE)
        weights = self._draw(world.rng("ps-weights", 2025), last, LATER_SHARE) | weights
        self._weights = [
            list(accumulate(weights[a.code] for a in agencies)) for _, agencies in world.offices
        ]
        self._departments: dict[str, list[str]] = defaultdict(list)
        for sector in world.sectors:
            self._departments[sector.department].append(sector.code)

    def _draw(
        self, rng: random.Random, agencies: tuple[Agency, ...], share: dict[str, float]
    ) -> dict[str, float]:
        """Give the weight of each agency, and draw how slow and how digital the new ones are."""
        sizes: defaultdict[str, int] = defaultdict(int)
        for agency in agencies:
            sizes[agency.tier] += 1
        weights = {
            a.code: share[a.tier] / sizes[a.tier] * (0.4 + 1.2 * rng.random()) for a in agencies
        }
        for found, least, span in ((self._slowness, 0.55, 0.9), (self._digital, 0.75, 0.5)):
            drawn = {a.code: least + span * rng.random() for a in agencies}
            found.update((c, v) for c, v in drawn.items() if c not in found)
        return weights

    def day(self, day: date) -> list[Message]:
        """Give what is published that day of dossiers old and new."""
        rush = self._world.rush(day)
        if rush > 0:
            rng = self._world.rng("ps", day)
            expected = A_DAY * self._world.scale * rush * self._world.size(day)
            count = max(0, round(rng.gauss(expected, expected**0.5)))
            serials: defaultdict[str, int] = defaultdict(int)
            era = self._world.era(day)
            agencies = self._world.offices[era][1]
            for agency in rng.choices(agencies, cum_weights=self._weights[era], k=count):
                serials[agency.code] += 1
                self._receive(rng, day, agency, serials[agency.code])
        return self._later.pop(day, [])

    def _receive(self, rng: random.Random, day: date, agency: Agency, serial: int) -> None:
        procedure = self._procedure(rng, agency)
        at_s = self._world.office_second(rng, day)
        year = (day - date(2022, 1, 1)).days / 365
        outcome = draw_outcome(rng, year, self._slowness[agency.code], self._digital[agency.code])
        if agency.code == self._world.gaming and rng.random() < GAMED:
            outcome = replace(outcome, end="done", reopened=True, gamed=True)
        prefix = agency.old_code if rng.random() < 0.5 else agency.code
        code = f"{prefix}-{day.strftime('%y%m%d')}-{serial:04d}"
        life = Life(self._world, rng, at_s, procedure.days, outcome)
        self._tell(rng, agency, procedure, code, life)

    def _procedure(self, rng: random.Random, agency: Agency) -> Procedure:
        if agency.division == "2025":
            sector = rng.choice((*COMMUNE_SECTORS, *DISTRICT_SECTORS))
        elif agency.tier == "commune":
            sector = rng.choice(COMMUNE_SECTORS)
        elif agency.tier == "district":
            sector = rng.choice(DISTRICT_SECTORS)
        else:
            sector = rng.choice(self._departments.get(agency.code) or DISTRICT_SECTORS)
        return rng.choice(self._catalogue.by_sector[sector])

    def _tell(
        self, rng: random.Random, agency: Agency, procedure: Procedure, code: str, life: Life
    ) -> None:
        for at_s, status in life.progress:
            self._send(rng, agency, at_s, "CapNhatTienDoHoSoMC", progress(code, at_s, status))
        first = True
        for at_s, status in life.statements:
            item = dossier(agency, procedure, code, life, at_s, status)
            self._send(rng, agency, at_s + 20, "DongBoHoSoMC", item, updating=not first)
            first = False
        if rng.random() < CORRECTED:
            last = max(at for at, _ in life.statements) + rng.randrange(1, 12) * DAY_S
            life.correct(rng)
            status = life.statements[-1][1]
            item = dossier(agency, procedure, code, life, last, status)
            self._send(rng, agency, last + 20, "DongBoHoSoMC", item, updating=True)

    def _send(
        self,
        rng: random.Random,
        agency: Agency,
        at_s: int,
        service: str,
        item: dict[str, Any],
        *,
        updating: bool = True,
    ) -> None:
        sent_s = at_s + 2 + int(rng.random() * 20)
        delay = rng.random()
        out_s = sent_s + int(delay * 90) if delay > SLOW_POST else sent_s + int(delay * 5e6)
        held = self._world.held_until(agency.code, out_s)
        if held is not None:
            out_s = held + int(delay * 3600)
        self._publish(out_s, sent_s, service, item, updating)
        if rng.random() < REPEATED:
            self._publish(out_s + rng.randrange(60, 7200), sent_s, service, item, updating)

    def _publish(
        self, out_s: int, sent_s: int, service: str, item: dict[str, Any], updating: bool
    ) -> None:
        record = {"PhatHanh": stamp(out_s), "ThoiDiemGui": stamp(sent_s), "service": service}
        if service == "DongBoHoSoMC":
            record["isUpdating"] = str(updating)
        body = msgspec.json.encode({**record, "data": [item]})
        self._later[day_of(out_s)].append(Message(out_s, body))
