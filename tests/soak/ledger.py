"""The ledger: what the feeds emitted against what is stored, and time that only goes forward."""

from __future__ import annotations

import asyncio
import fcntl
import json
import threading
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx2

from app.domain.clock import iso
from tests.flow.stage import Installation, belonging_to, fetch
from tests.truth import compare

_STATE = """
SELECT s.source, s.records, s.quarantined, s.seq, s.watermark_s, s.evaluated_seq,
       count(p.seq) AS pages,
       coalesce(sum(p.count) FILTER (WHERE fed), 0)::bigint AS told,
       coalesce(sum(p.rejected), 0)::bigint AS rejected,
       count(*) FILTER (WHERE p.count > 0 AND fed) AS held,
       count(DISTINCT p.cursor) FILTER (WHERE p.count > 0 AND fed) AS cursors
FROM source_state s LEFT JOIN page p USING (source),
    -- What `ioc replay` stored was told once already, by the page it was set aside from.
    LATERAL (SELECT p.collector IS NULL OR p.collector NOT LIKE '% (replay)') AS of(fed)
GROUP BY s.source ORDER BY s.source
"""
_TWICE = """
SELECT source, kind, code FROM record GROUP BY 1, 2, 3 HAVING count(*) > 1
UNION ALL SELECT 'alert', indicator, subject FROM alert WHERE state <> 'resolved'
GROUP BY indicator, level, subject HAVING count(*) > 1
"""
_HANGING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state LIKE 'idle in transaction%'
  AND state_change < clock_timestamp() - interval '5 s'
"""


@dataclass(slots=True)
class Books:
    """What was compared, and everything that did not agree."""

    emitted: int = 0
    stored: int = 0
    quarantined: int = 0
    pages: int = 0
    truth: int = 0
    wrong: list[str] = field(default_factory=list)


def close_ledger(demo: Installation) -> Books:
    """What was emitted against what is stored, of a running installation that has caught up."""
    books = Books()
    asyncio.run(_count(demo, books))
    return books


def close_books(demo: Installation, past: int, seed: int) -> Books:
    """The ledger, and every figure against the truth."""
    books = close_ledger(demo)
    with (
        httpx2.Client(base_url=f"http://127.0.0.1:{demo.port}", timeout=60, trust_env=False) as api,
        httpx2.Client(
            base_url=f"http://127.0.0.1:{demo.sim_port}", timeout=300, trust_env=False
        ) as truth,
    ):
        outcome = compare(api, truth, past, seed)
    books.truth = outcome.compared
    books.wrong += outcome.differences
    if outcome.compared < 1000:
        books.wrong.append(f"only {outcome.compared} figures were compared with the truth")
    return books


async def _count(demo: Installation, books: Books) -> None:
    db = await asyncpg.connect(demo.database_url())
    try:
        rows = await db.fetch(_STATE)
        twice = await db.fetch(_TWICE)
        hanging = await db.fetchval(_HANGING)
    finally:
        await db.close()
    if len(rows) != 3:
        books.wrong.append(f"sources stored: {[r['source'] for r in rows]}, expected three")
    books.wrong += [f"twice: {tuple(r)}" for r in twice]
    if hanging:
        books.wrong.append(f"{hanging} transactions are left open")
    for row in rows:
        _balance(demo, row, books)


def _balance(demo: Installation, row: asyncpg.Record, books: Books) -> None:
    source, known = row["source"], iso(row["watermark_s"]).replace("+", "%2B")
    ledger = demo.simulators(f"/control/ledger?known={known}")
    emitted = ledger["feeds"][source]["messages"]
    kept = row["records"] + row["quarantined"]
    books.emitted += emitted
    books.stored += row["records"]
    books.quarantined += row["quarantined"]
    books.pages += row["pages"]
    for what, one, other in (
        ("emitted and stored + quarantined", emitted, kept),
        ("pages' records and stored + quarantined", row["told"], kept),
        ("pages and the newest page's number", row["pages"], row["seq"]),
        ("pages with records and their cursors", row["held"], row["cursors"]),
    ):
        if one != other:
            books.wrong.append(f"{source}: {what}: {one} and {other}")


def left_behind(demo: Installation) -> list[str]:
    """Processes, pid files and locks after everything has ended."""
    left = belonging_to(demo.data_dir)
    left += [n for n in ("children.pids", "postgres.pid") if (demo.data_dir / n).exists()]
    for name in ("demo.lock", "postgres.lock"):
        if not (demo.data_dir / name).exists():
            continue
        with (demo.data_dir / name).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                left.append(f"{name} is held")
    return left


class Watcher:
    """Looks at the snapshot all the time: data time, watermarks and counts never go back."""

    def __init__(self, demo: Installation, every_s: float = 0.3) -> None:
        self._demo, self._every_s = demo, every_s
        self._seen: dict[str, Any] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.looks = 0
        self.wrong: list[str] = []
        self.caught_up = False

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            told = self._demo.json("/api/v1/snapshot", 10)
            if told is not None:
                self.look(told)
            clock = fetch(f"http://127.0.0.1:{self._demo.sim_port}/control/clock", 5)
            if clock is not None:
                self._grows("the simulators' data time", json.loads(clock)["data_now"])

    def look(self, told: dict[str, Any]) -> None:
        """At one snapshot."""
        self.looks += 1
        self._grows("data time", told["clock"]["data"])
        self._grows("the epoch", told["epoch"], same=True)
        self._grows("the offset", told["offset"])
        for source in told["sources"]:
            for name in ("watermark", "records", "progress"):
                if source[name] is not None and (name != "progress" or source[name] == 1.0):
                    self._grows(f"{source['id']}: {name}", source[name])
        self.caught_up = len(told["sources"]) == 3 and all(
            s["progress"] == 1.0 for s in told["sources"]
        )

    def _grows(self, what: str, value: Any, *, same: bool = False) -> None:
        before = self._seen.get(what)
        if before is not None and (value != before if same else value < before):
            self.wrong.append(f"{what} went from {before} back to {value}")
        self._seen[what] = value
