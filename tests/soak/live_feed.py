"""A feed for the live channel: figures by the hundred through the store's own code."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

import asyncpg

from app.domain.judged import Head, Judged
from app.domain.reading import Reading
from app.profile import load_profile, profile_folder
from app.store.pages import PgPages
from app.store.pool import AWAY
from app.store.readings import PgReadings
from tests.soak.live_client import Key

PROFILE = load_profile(profile_folder("laocai"))
_PRESENT = """
UPDATE source_state SET caught_up = true, watermark_s = $2, evaluated_s = $2
WHERE source = $1 AND NOT caught_up
"""


def all_keys() -> list[Key]:
    """Figures a wall shows."""
    levels = {"province", "district", "tier", "commune"}
    subjects = [s.id for s in PROFILE.subjects.values() if s.level in levels]
    return [
        (i.id, subject, i.periods[0])
        for i in PROFILE.indicators.values()
        for subject in sorted(subjects)[:40]
    ]


@dataclass(slots=True)
class Feed:
    """Commits as fast as asked; a transaction that failed is one that never was."""

    url: str
    rng: random.Random
    every_s: float
    keys: list[Key] = field(default_factory=all_keys)
    commits: int = 0
    failures: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            pool = None
            try:
                pool = await asyncpg.create_pool(
                    self.url, min_size=1, max_size=2, timeout=5, command_timeout=10
                )
                await self._open(pool)
                while not stop.is_set():
                    await self._commit(PgReadings(pool))
                    await asyncio.sleep(self.every_s * self.rng.random() * 2)
            except AWAY:
                self.failures += 1
                await asyncio.sleep(0.2)
            finally:
                if pool is not None:
                    pool.terminate()

    async def _open(self, pool: asyncpg.Pool) -> None:
        """Every source has reached the present: nothing is loading."""
        for source in PROFILE.sources:
            await PgPages(pool).open_source(source)
            await pool.execute(_PRESENT, source, int(time.time()))

    async def _commit(self, readings: PgReadings) -> None:
        rng = self.rng
        source = rng.choice(sorted(PROFILE.sources))
        own = [k for k in self.keys if PROFILE.indicators[k[0]].source == source]
        keys = sorted(set(rng.choices(own, k=rng.choice((1, 1, 2, 5, 20)))))
        now = int(time.time())
        changed = tuple(self._reading(source, key, now) for key in keys)
        heads = {(k[0], k[2]): Head(k[0], k[2], now // 86400 * 86400) for k in keys}
        await readings.commit(
            [
                Judged(
                    source, 0, now, now, False, tuple(heads.values()), changed, changed, (),
                    closes_day=False, latest=True,
                )
            ]
        )  # fmt: skip
        self.commits += 1

    def _reading(self, source: str, key: Key, now: int) -> Reading:
        den = self.rng.randint(1, 10**6)
        num = self.rng.randint(0, den)
        state = self.rng.choice(("met", "near", "missed"))
        return Reading(
            *key, now // 86400 * 86400, now, now, source, num / den, num, den, 0.9, state, ""
        )  # fmt: skip
