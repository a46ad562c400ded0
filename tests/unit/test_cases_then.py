"""Which cases were overdue on a day that is over: what the indicator counted, case by case."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import asyncpg

from app.domain.access import EVERYTHING
from app.domain.feed import Page
from app.domain.indicator import Measure
from app.domain.measure import Measures
from app.domain.milestones import milestones
from app.domain.on_time import Phase, Rules, phases
from app.domain.period import date_of
from app.domain.record import Event, Record, RecordUpdate, Version, Wait, merge
from app.domain.recount import apart
from app.store.cases import PgCases
from app.store.pages import PgPages
from app.store.rebase import rebase
from app.store.records import Dates, Judge
from tests.unit.store_stage import store_migrated, store_pool, store_postgres
from tests.unit.test_tally import BEGAN, DAY
from tests.unit.test_tally import _indicator as indicator

__all__ = ["store_migrated", "store_pool", "store_postgres"]

S = "public_service"
DAYS = 80
COUNTED = [indicator("overdue", Measure("stock", "dossier", "overdue_766"), ("now",))]


def judge(rules: Rules) -> Judge:
    measures = Measures(COUNTED, rules)
    return Judge(
        measures.fingerprint(), "feed@1", measures.steps,
        lambda record: Dates(*milestones(record, rules)), apart(measures),
    )  # fmt: skip


def told(rng: random.Random, code: str) -> RecordUpdate:
    """A life with promises, waits, ends that come back and ends that stay."""

    def at() -> int:
        return BEGAN + rng.randrange(DAYS * DAY)

    received = at()
    waits = tuple(
        Wait("A", asked, asked + rng.randrange(9 * DAY) if rng.random() < 0.7 else None)
        for asked in (received + rng.randrange(20 * DAY) for _ in range(rng.randrange(3)))
    )
    due = received + rng.randrange(15 * DAY) if rng.random() < 0.7 else None
    version = Version(
        at(), received, due, max_working_days=None if due else rng.randrange(1, 12), waits=waits
    )
    steps = [Event(received + rng.randrange(40 * DAY), rng.choice("4589")) for _ in range(4)]
    return RecordUpdate(
        "dossier", code, "H38.12", "LV01", version, tuple(steps[: rng.randrange(5)])
    )


def overdue(life: list[Phase], at_s: int) -> bool:
    then = [p for p in life if p.from_s <= at_s]
    return bool(then) and then[-1].end_s is None and then[-1].late is True


async def listed(pool: asyncpg.Pool, at_s: int) -> list[str]:
    found: dict[str, Any] = {"kind": "dossier", "owners": None, "sector": None, "after": None}
    total, rows = await PgCases(pool).overdue(EVERYTHING, at_s=at_s, limit=1000, **found)
    assert total == len(rows)
    assert [r.late_s for r in rows] == sorted(r.late_s or 0 for r in rows)
    assert all(r.received_s <= (r.late_s or 0) <= at_s for r in rows)
    return sorted(r.code for r in rows)


async def holds(pool: asyncpg.Pool, records: dict[str, Record], rules: Rules) -> int:
    """How many were compared."""
    lives = {code: phases(record, rules) for code, record in records.items()}
    count = 0
    for at_s in range(BEGAN, BEGAN + (DAYS + 60) * DAY, 3 * DAY + 7201):
        expected = sorted(code for code, life in lives.items() if overdue(life, at_s))
        assert await listed(pool, at_s) == expected
        count += len(expected)
    return count


async def test_lists_of_any_day_are_what_was_counted_also_with_another_calendar(
    pool: asyncpg.Pool,
):
    rng, rules = random.Random(8), Rules()
    pages = PgPages(pool, {S: judge(rules)})
    await pages.open_source(S)
    records: dict[str, Record] = {}
    for seq in range(1, 9):
        updates = tuple(told(rng, f"d{rng.randrange(150)}") for _ in range(50))
        for update in updates:
            records[update.code] = merge(records.get(update.code), update)
        await pages.commit(S, seq, Page(updates, (), str(seq), False, BEGAN, 50, "0" * 64), BEGAN)
    assert await holds(pool, records, rules) > 1000
    runs = "SELECT count(*) FROM record WHERE overdue IS NOT NULL"
    assert 0 < await pool.fetchval(runs) < len(records), "most need no more than `late`"

    off = frozenset(date_of(BEGAN + n * DAY) for n in range(10, 30))
    other = Rules(holidays=off | {date(2022, 1, 3)})
    assert await rebase(pool, S, judge(other))
    assert await holds(pool, records, other) > 1000
    assert await rebase(pool, S, judge(other)) is False
