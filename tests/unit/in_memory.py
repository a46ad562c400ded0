"""In-memory adapters of the ports: the same promises as the Postgres ones, kept in lists."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace

from app.domain.access import Visible
from app.domain.alerting import ALWAYS
from app.domain.ports import CaseRow, QuarantineRow, Series
from app.domain.quality_alert import Drift
from app.domain.reading import Alert, Change, Changes, Reading
from app.domain.source import Pulse, SourceConfig, SourceHealth
from app.profile import load_profile, profile_folder


class StillClock:
    """Data time that moves only when told."""

    simulated = True

    def __init__(self, now_s: float, rate: float = 1.0) -> None:
        self.at_s = now_s
        self.pace = rate

    def now_s(self) -> float:
        return self.at_s

    def rate(self) -> float:
        return self.pace

    def real_seconds_until(self, data_s: float) -> float:
        return max(0.0, (data_s - self.at_s) / self.pace)


class Away(Exception):
    """What a driver raises when its server is gone: of a class no room can name."""


class Database:
    """All ports over one state; ``away`` makes every read fail as a lost server does."""

    def __init__(self) -> None:
        self.epoch = "e1"
        self.kept: list[Change] = []
        self.first = 1
        self.offset = 0
        self.figures: dict[tuple[str, str, str], Reading] = {}
        self.past: list[Reading] = []
        self.closes: dict[tuple[str, str, str], tuple[float | None, ...]] = {}
        self.healths: dict[str, SourceHealth] = {}
        self.rows: list[Alert] = []
        self.open_cases: list[CaseRow] = []
        self.set_aside: list[QuarantineRow] = []
        self.away = False
        self.drifting: list[Drift] = []
        self.lives, self.pulsed = True, 0
        self.refusal: str | None = None
        self.reads: dict[str, int] = {}
        self._bell = asyncio.Event()

    def _read(self, name: str) -> None:
        self.reads[name] = self.reads.get(name, 0) + 1
        if self.away:
            raise Away("the server closed the connection")

    def commit(
        self,
        *readings: Reading,
        alerts: Sequence[Alert] = (),
        source: str = "public_service",
        filling: bool = False,
    ) -> int:
        """One evaluation committed: latest figures and a change row."""
        self.offset += 1
        for reading in readings:
            self.figures[(reading.indicator, reading.subject, reading.period)] = reading
        for alert in alerts:
            self.rows = [a for a in self.rows if a.id != alert.id] + [alert]
        at_s = max((r.at_s for r in readings), default=0)
        known = self.healths.get(source)
        if known is not None and at_s > (known.watermark_s or 0):
            self.healths[source] = replace(known, watermark_s=at_s)
        self.kept.append(
            Change(
                self.offset,
                "alert" if alerts else "readings",
                source,
                at_s,
                at_s,
                filling,
                readings,
                tuple(a.id for a in alerts),
            )
        )
        self._bell.set()
        return self.offset

    def restore(self, epoch: str) -> None:
        """History begins anew, as after a restore."""
        self.epoch, self.kept = epoch, []
        self.first = self.offset + 1
        self._bell.set()

    # ReadingStore
    async def latest(
        self,
        visible: Visible,
        *,
        indicators: Sequence[str] | None = None,
        subjects: Sequence[str] | None = None,
        period: str | None = None,
    ) -> list[Reading]:
        self._read("latest")
        return [
            r
            for r in self.figures.values()
            if (indicators is None or r.indicator in indicators)
            and (subjects is None or r.subject in subjects)
            and (period is None or r.period == period)
            and visible.allows(r.subject)
        ]

    async def history(
        self,
        visible: Visible,
        *,
        indicator: str,
        subjects: Sequence[str] | None,
        period: str,
        from_s: int,
        to_s: int,
        as_of_s: int | None = None,
    ) -> list[Reading]:
        self._read("history")
        return sorted(
            (
                r
                for r in self.past
                if r.indicator == indicator
                and r.period == period
                and from_s <= r.at_s <= to_s
                and (as_of_s is None or r.watermark_s <= as_of_s)
                and (subjects is None or r.subject in subjects)
                and visible.allows(r.subject)
            ),
            key=lambda r: r.at_s,
        )

    async def trends(
        self, visible: Visible, keys: Sequence[tuple[str, str, str]], days: int
    ) -> list[Series]:
        self._read("trends")
        return [Series(*k, self.closes.get(k, ())[-days:]) for k in keys]

    # ChangeLog
    def still(self) -> contextlib.nullcontext[None]:
        return contextlib.nullcontext()

    async def position(self) -> tuple[str, int]:
        self._read("position")
        return self.epoch, self.offset

    async def since(
        self, epoch: str, offset: int, limit: int = 500, *, filled: bool = True
    ) -> Changes:
        self._read("since")
        if epoch != self.epoch or offset > self.offset or offset < self.first - 1:
            return Changes(self.epoch, self.offset, (), reset=True)
        found = tuple(c for c in self.kept if c.offset > offset)[:limit]
        return Changes(self.epoch, found[-1].offset if found else self.offset, found)

    async def wait(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._bell.wait()
        except TimeoutError:
            return
        self._bell.clear()

    # SourceStore
    async def answers(self) -> bool:
        return not self.away

    async def drifts(self) -> list[Drift]:
        self._read("drifts")
        return self.drifting

    async def pulse(self) -> Pulse:
        self._read("pulse")
        if self.lives:
            self.pulsed += 1
        return Pulse(self.pulsed, self.refusal)

    async def health(self) -> list[SourceHealth]:
        self._read("health")
        return list(self.healths.values())

    async def quarantine(
        self, visible: Visible, source: str | None, limit: int, before: int | None = None
    ) -> list[QuarantineRow]:
        if visible.subjects is not None:
            return []
        return [q for q in self.set_aside if source in (None, q.source)][:limit]

    # CaseStore
    async def overdue(
        self,
        visible: Visible,
        *,
        kind: str,
        owners: Sequence[str] | None,
        sector: str | None,
        at_s: int,
        limit: int,
        after: str | None,
    ) -> tuple[int, list[CaseRow]]:
        found = [
            c
            for c in self.open_cases
            if c.kind == kind
            and c.late_s is not None
            and c.late_s < at_s
            and (owners is None or c.agency in owners)
            and (sector is None or c.sector == sector)
            and any(
                visible.allows(s)
                for s in (f"agency:{c.agency}", f"group:{c.agency}", f"sector:{c.sector}")
            )
        ]
        found.sort(key=lambda c: (c.late_s, c.code))
        return len(found), found[int(after or 0) :][:limit]

    # AlertStore
    async def alerts(
        self, visible: Visible, state: str | None, limit: int, at_s: int = ALWAYS
    ) -> list[Alert]:
        self._read("alerts")
        found = [a for a in self.rows if visible.allows(a.subject) and a.since_s <= at_s]
        return [a for a in found if state in (None, a.state)][:limit]

    async def alerts_by_id(self, visible: Visible, ids: Sequence[int]) -> list[Alert]:
        self._read("alerts_by_id")
        return [a for a in self.rows if a.id in ids and visible.allows(a.subject)]


# The province as shipped, with thresholds of its feeds that the tests state themselves.
PROFILE = replace(
    load_profile(profile_folder("laocai")),
    sources={
        source: SourceConfig(
            source, source, source, source, "http://127.0.0.1:9", 60, 10.0, 300, 900, 7200
        )
        for source in ("public_service", "documents", "einvoice")
    },
)
NOW_S = 1664763300  # 2022-10-03T09:15:00+07:00


def health_of(source: str = "public_service", watermark_s: int | None = NOW_S) -> SourceHealth:
    return SourceHealth(source, watermark_s, True, 10, 2, 0, None, watermark_s, 1640970000)


def reading_of(
    value: float | None = 0.9,
    *,
    indicator: str = "ps.on_time",
    subject: str = "area:10",
    period: str = "month",
    target: float | None = 0.95,
    at_s: int = NOW_S,
    source: str = "public_service",
) -> Reading:
    return Reading(
        indicator,
        subject,
        period,
        1664557200,
        at_s,
        at_s,
        source,
        value,
        9,
        10,
        target,
        "near",
        "Thấp hơn mục tiêu",
    )


def alert_of(number: int, state: str = "active") -> Alert:
    return Alert(
        number,
        "ps.fully_online",
        "province",
        "area:10",
        "lagging",
        state,
        NOW_S,
        None,
        0.7,
        1.0,
        (("area:085", 0.5),),
        False,
        True,
    )
