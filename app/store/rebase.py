"""Rebase: makes stored steps anew from the records when their meaning has changed."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import asyncpg
import msgspec

from app.domain.measure import StepKey, Steps
from app.domain.record import Record
from app.store.pages import Judge

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode
_RECORDS = "SELECT seq, body FROM record WHERE source = $1 ORDER BY seq"
_AT_ONCE = 2000

Totals = dict[tuple[str, str, StepKey], list[int]]


async def rebase(
    pool: asyncpg.Pool, source: str, judge: Judge, told: Callable[[int], None] | None = None
) -> bool:
    """Whether the steps had to be made anew; all of a source's in one transaction.

    Each page then holds the steps of the records it was the last to change, so that the sum over
    all pages is the sum over all records, as ever. ``told`` hears how many records are done.
    """
    async with pool.acquire() as db, db.transaction():
        row = await db.fetchrow(
            "SELECT measures, seq FROM source_state WHERE source = $1 FOR UPDATE", source
        )
        if row is not None and row["measures"] == judge.fingerprint:
            return False
        await db.execute(
            "INSERT INTO source_state (source, measures) VALUES ($1, $2)"
            " ON CONFLICT (source) DO UPDATE SET measures = EXCLUDED.measures",
            source,
            judge.fingerprint,
        )
        if row is None or row["seq"] == 0:
            return False
        await db.execute(
            "UPDATE page SET steps = $2 WHERE source = $1", source, zlib.compress(_encode([]), 1)
        )
        # From here on pages hold what they brought; up to here, what their records came to.
        await db.execute(
            "UPDATE source_state SET remade_seq = seq, revised_seq = seq WHERE source = $1", source
        )
        await _refill(db, source, judge.steps, told)
    return True


async def _refill(
    db: asyncpg.Connection,
    source: str,
    steps: Callable[[Record | None], Steps],
    told: Callable[[int], None] | None,
) -> None:
    cursor = await db.cursor(_RECORDS, source)
    seq, totals, done = 0, Totals(), 0
    while rows := await cursor.fetch(_AT_ONCE):
        for row in rows:
            if row["seq"] != seq:
                await _write(db, source, seq, totals)
                seq, totals = row["seq"], {}
            record = _decode(row["body"])
            for key, (num, den) in steps(record).items():
                cell = totals.setdefault((record.owner, record.sector, key), [0, 0])
                cell[0] += num
                cell[1] += den
        done += len(rows)
        if told is not None:
            told(done)
    await _write(db, source, seq, totals)


async def _write(db: asyncpg.Connection, source: str, seq: int, totals: Totals) -> None:
    packed = [(o, s, *key, num, den) for (o, s, key), (num, den) in totals.items() if num or den]
    if packed:
        await db.execute(
            "UPDATE page SET steps = $3 WHERE source = $1 AND seq = $2",
            source,
            seq,
            zlib.compress(_encode(packed), 1),
        )
