"""The stage of the alert tests: a real Postgres with the product's tables, and readings to tell."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from pathlib import Path

import asyncpg
import pytest

from app.alerts import follow
from app.domain.reading import Reading
from app.profile import load_profile, profile_folder
from app.store.alerts import PgAlerts
from app.store.changes import PgChanges
from app.store.embedded import EmbeddedPostgres
from app.store.migrate import upgrade
from app.store.readings import PgReadings
from tests.unit.store_stage import new_database

DAY = 86400
BEGAN_S = 1_664_757_000  # 2022-10-03T07:30:00+07:00


@pytest.fixture(scope="module", name="server")
def alerts_server():
    folder = Path(tempfile.mkdtemp(prefix="ioc-alerts-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder)
    address = postgres.start()
    migrated = asyncio.run(new_database(address))
    upgrade(migrated)
    yield address, migrated.rsplit("/", 1)[1]
    postgres.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(name="pool")
async def alerts_pool(server):
    """A copy of a database at the newest schema."""
    address = await new_database(*server)
    pool = await asyncpg.create_pool(address, min_size=1, max_size=8)
    yield pool
    await pool.close()


PROFILE = load_profile(profile_folder("laocai"))


def parts(pool, receivers=("mail", "hook")) -> follow.Parts:
    return follow.Parts(
        PROFILE, PgChanges(pool), PgReadings(pool), PgAlerts(pool), tuple(receivers), True
    )


def reading(state: str, day: float, value: float | None = 0.913) -> Reading:
    at_s = BEGAN_S + int(day * DAY)
    return Reading(
        "ps.on_time", "area:10", "month", 0, at_s, at_s, "public_service", value, 73, 80, 0.95,
        state, "",
    )  # fmt: skip


async def announce(pool, *readings: Reading, filling: bool = False) -> None:
    for r in readings:
        row = [getattr(r, name) for name in Reading.__slots__]
        await pool.execute(
            "INSERT INTO change (kind, source, at_s, watermark_s, filling, payload)"
            " VALUES ('readings', 'public_service', $1, $1, $2, $3::jsonb)",
            r.at_s, filling, json.dumps({"readings": [row]}),
        )  # fmt: skip


RAISE = (reading("lagging", 0), reading("lagging", 3), reading("lagging", 5))
RESOLVE = (reading("met", 6, 0.97), reading("met", 8.5, 0.97))


__all__ = ["alerts_pool", "alerts_server"]
