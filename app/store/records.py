"""Records: one row a case, with the columns SQL tools read and the body that all is made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import msgspec

from app.domain.measure import StepKey, Steps, net
from app.domain.milestones import Overdue
from app.domain.record import Record, RecordUpdate, merge
from app.domain.recount import Apart

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode
PackedStep = tuple[str, str, int, str, int, int, int, int, int]

_READ = """
SELECT kind, code, body FROM record
WHERE source = $1 AND (kind, code) IN (SELECT * FROM unnest($2::text[], $3::text[]))
"""
_WRITE = """
INSERT INTO record (source, kind, code, received, due, ended, late, overdue, owner, sector, seq,
                    body)
SELECT $1, k, c, to_timestamp(r), to_timestamp(d), to_timestamp(e), to_timestamp(l),
       v::tstzmultirange, o, s, $9, b
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
            $8::text[], $10::text[], $11::text[], $12::bytea[])
     AS t(k, c, r, d, e, l, v, o, s, b)
ON CONFLICT (source, kind, code) DO UPDATE SET received = EXCLUDED.received, due = EXCLUDED.due,
    ended = EXCLUDED.ended, late = EXCLUDED.late, overdue = EXCLUDED.overdue,
    owner = EXCLUDED.owner, sector = EXCLUDED.sector, seq = EXCLUDED.seq, body = EXCLUDED.body
"""
_REDATE = """
UPDATE record AS r SET received = t.received, due = t.due, ended = t.ended, late = t.late,
    overdue = t.overdue
FROM (SELECT k, c, to_timestamp(r) AS received, to_timestamp(d) AS due, to_timestamp(e) AS ended,
             to_timestamp(l) AS late, v::tstzmultirange AS overdue
      FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                  $8::text[]) AS u(k, c, r, d, e, l, v)) AS t
WHERE r.source = $1 AND r.kind = t.k AND r.code = t.c
  AND (r.received, r.due, r.ended, r.late, r.overdue)
      IS DISTINCT FROM (t.received, t.due, t.ended, t.late, t.overdue)
"""


@dataclass(frozen=True, slots=True)
class Dates:
    """What a record's row shows in SQL; epoch seconds.

    ``overdue_s``: from when to when (None: still) it was overdue, where ``late_s`` says not all.
    """

    received_s: int | None
    due_s: int | None
    ended_s: int | None
    late_s: int | None
    overdue_s: Overdue = ()


@dataclass(frozen=True, slots=True)
class Judge:
    """How the store is told what a record contributes, without knowing any rule.

    ``fingerprint`` names what the steps mean; stored steps of another one are made anew.
    ``collector`` names the collector and its version; pages carry it. ``apart``: the same of each
    measure, so that one that was edited is made anew alone.
    """

    fingerprint: str
    collector: str
    steps: Callable[[Record | None], Steps]
    dates: Callable[[Record], Dates]
    apart: Apart | None = None


async def store_records(
    db: asyncpg.Connection, source: str, seq: int, updates: Sequence[RecordUpdate], judge: Judge
) -> list[PackedStep]:
    """Merge updates into the records; gives the change of their steps, packed for the page."""
    if not updates:
        return []
    keys = list({(u.kind, u.code): None for u in updates})
    rows = await db.fetch(_READ, source, [k for k, _ in keys], [c for _, c in keys])
    before = {(r["kind"], r["code"]): _decode(r["body"]) for r in rows}
    after: dict[tuple[str, str], Record] = dict(before)
    for update in updates:
        key = (update.kind, update.code)
        after[key] = merge(after.get(key), update)
    changed = {k: r for k, r in after.items() if before.get(k) != r}
    await _write(db, source, seq, list(changed.values()), judge)
    totals: dict[tuple[str, str, StepKey], list[int]] = {}
    for key, record in changed.items():
        _total(totals, before.get(key), record, judge)
    return [(o, s, *key, num, den) for (o, s, key), (num, den) in totals.items() if num or den]


def _total(
    totals: dict[tuple[str, str, StepKey], list[int]],
    before: Record | None,
    after: Record,
    judge: Judge,
) -> None:
    """Add a record's change; one that moved to another owner leaves the old one whole."""
    old, new = judge.steps(before), judge.steps(after)
    if before is None or (before.owner, before.sector) == (after.owner, after.sector):
        moves = [(after, net(old, new))]
    else:
        moves = [(before, net(old, {})), (after, new)]
    for record, steps in moves:
        for key, (num, den) in steps.items():
            cell = totals.setdefault((record.owner, record.sector, key), [0, 0])
            cell[0] += num
            cell[1] += den


async def _write(
    db: asyncpg.Connection, source: str, seq: int, records: Sequence[Record], judge: Judge
) -> None:
    if not records:
        return
    await db.execute(
        _WRITE,
        source,
        *_dated(records, judge),
        seq,
        [r.owner for r in records],
        [r.sector for r in records],
        [_encode(r) for r in records],
    )


async def redate(
    db: asyncpg.Connection, source: str, records: Sequence[Record], judge: Judge
) -> None:
    """Write the dates of records again where a rule or the calendar makes them others."""
    await db.execute(_REDATE, source, *_dated(records, judge))


def _dated(records: Sequence[Record], judge: Judge) -> tuple[list[str | int | None], ...]:
    dates = [judge.dates(r) for r in records]
    return (
        [r.kind for r in records],
        [r.code for r in records],
        [d.received_s for d in dates],
        [d.due_s for d in dates],
        [d.ended_s for d in dates],
        [d.late_s for d in dates],
        [_multirange(d.overdue_s) for d in dates],
    )


def _multirange(spans: Overdue) -> str | None:
    """As Postgres reads it; None where there is nothing to say, so that no index grows."""
    told = (f"[{_instant(a)},{'' if b is None else _instant(b)})" for a, b in spans)
    return f"{{{','.join(told)}}}" if spans else None


def _instant(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()
