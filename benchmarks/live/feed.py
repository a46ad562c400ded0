"""Feed: the hub's ports over memory, with changes at a steady rate; for benchmarks only."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import Sequence

import msgspec

from app.api.snapshot import SHARED_S
from app.domain.access import Visible
from app.domain.clock import RealClock
from app.domain.profile import Profile
from app.domain.reading import Alert, Change, Changes, Reading
from app.domain.shape import reading_shape
from app.domain.source import Pulse, SourceHealth

EPOCH = "00000000-0000-0000-0000-000000000000"
TILES = int(os.environ.get("BENCH_TILES", "200"))
KEPT = 5000


class Feed:
    """Change log, sources, alerts and readings in one; ``publish`` is one change of one tile."""

    def __init__(self, profile: Profile) -> None:
        self.offset = 0
        self._kept: deque[Change] = deque(maxlen=KEPT)
        self._bell = asyncio.Event()
        self._beats = 0
        self._told, self._told_at = b"", 0.0
        self._sources = list(profile.sources)
        indicators = [i.id for i in profile.indicators.values()]
        subjects = list(profile.subjects)
        self._keys = [
            (indicators[n % len(indicators)], subjects[n % len(subjects)]) for n in range(TILES)
        ]

    def reading(self, number: int) -> Reading:
        """A tile's reading that carries the instant it was made."""
        indicator, subject = self._keys[number % TILES]
        now = int(time.time())
        return Reading(
            indicator, subject, "month", now - now % 86400, now, now, self._sources[0],
            0.9131 + number % 7 / 1000, 9131 + number % 70, 10000, 0.95, "lagging",
            f"@@{time.monotonic_ns()}",
        )  # fmt: skip

    def publish(self) -> None:
        self.offset += 1
        now = int(time.time())
        self._kept.append(
            Change(
                self.offset, "readings", self._sources[0], now, now, False,
                (self.reading(self.offset),),
            )
        )  # fmt: skip
        self._bell.set()

    async def publishing(self, hz: float) -> None:
        """Publish at a steady rate for ever; what was missed is not made up for."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + 1 / hz, loop.time())
            await asyncio.sleep(due - loop.time())
            self.publish()

    async def snapshot(self, *_: object) -> bytes:
        """One text for all who ask within a moment, as the product's own is shared."""
        now = time.monotonic()
        if now - self._told_at > SHARED_S:
            self._told, self._told_at = self._snapshot(), now
        return self._told

    def _snapshot(self) -> bytes:
        judged = dict.fromkeys(self._sources, "fresh")
        body = {
            "epoch": EPOCH,
            "offset": self.offset,
            "readings": [reading_shape(self.reading(n), judged) for n in range(TILES)],
        }
        return msgspec.json.encode(body)

    def still(self) -> contextlib.nullcontext[None]:
        return contextlib.nullcontext()

    async def position(self) -> tuple[str, int]:
        return EPOCH, self.offset

    async def since(
        self, epoch: str, offset: int, limit: int = 500, *, filled: bool = True
    ) -> Changes:
        if epoch != EPOCH or (self._kept and offset < self._kept[0].offset - 1):
            return Changes(EPOCH, self.offset, (), reset=True)
        first = self._kept[0].offset if self._kept else self.offset + 1
        found = [self._kept[n] for n in range(max(0, offset + 1 - first), len(self._kept))]
        found = found[:limit]
        return Changes(EPOCH, found[-1].offset if found else offset, tuple(found))

    async def wait(self, timeout_s: float) -> None:
        if not self._bell.is_set():
            timer = asyncio.get_running_loop().call_later(timeout_s, self._bell.set)
            await self._bell.wait()
            timer.cancel()
        self._bell.clear()

    async def pulse(self) -> Pulse:
        self._beats += 1
        return Pulse(self._beats, None)

    async def health(self) -> list[SourceHealth]:
        now = int(RealClock().now_s())
        return [SourceHealth(s, now, True, 1, 1, 0, None, now, now - 86400) for s in self._sources]

    async def alerts(self, visible: Visible, state: str | None, limit: int) -> list[Alert]:
        return []

    async def alerts_by_id(self, visible: Visible, ids: Sequence[int]) -> list[Alert]:
        return []

    async def latest(self, visible: Visible, **_: object) -> list[Reading]:
        return []
