"""Rebase: makes stored steps anew from the records when their meaning has changed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection

import asyncpg
import msgspec

from app.domain.measure import StepKey
from app.domain.record import Record
from app.domain.recount import Apart
from app.store.records import Judge, redate

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode
_RECORDS = "SELECT seq, body FROM record WHERE source = $1 ORDER BY seq"
_AT_ONCE = 2000
_KEEP = """
INSERT INTO measure_kept AS k (source, indicator, number, common, measure, remade_seq, walked_s)
SELECT $1, t.indicator, t.number - 1, $3, t.measure,
       CASE WHEN t.indicator = ANY($5) THEN $6 ELSE 0 END,
       CASE WHEN t.indicator = ANY($5) THEN NULL ELSE 0 END
FROM unnest($2::text[], $4::text[]) WITH ORDINALITY AS t(indicator, measure, number)
ON CONFLICT (source, indicator) DO UPDATE SET number = EXCLUDED.number, common = EXCLUDED.common,
    measure = EXCLUDED.measure, remade_seq = greatest(k.remade_seq, EXCLUDED.remade_seq),
    walked_s = CASE WHEN k.indicator = ANY($5) THEN NULL ELSE k.walked_s END
"""

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
            await keep_measures(db, source, judge.apart)
            return False
        await db.execute(
            "INSERT INTO source_state (source, measures) VALUES ($1, $2)"
            " ON CONFLICT (source) DO UPDATE SET measures = EXCLUDED.measures",
            source,
            judge.fingerprint,
        )
        if row is None or row["seq"] == 0:
            await keep_measures(db, source, judge.apart)
            return False
        every = [m.indicator for m in judge.apart.measures] if judge.apart is not None else []
        await keep_measures(db, source, judge.apart, every, row["seq"])
        await db.execute(
            "UPDATE page SET steps = $2 WHERE source = $1", source, zlib.compress(_encode([]), 1)
        )
        # From here on pages hold what they brought; up to here, what their records came to.
        await db.execute(
            "UPDATE source_state SET remade_seq = seq, revised_seq = seq WHERE source = $1", source
        )
        await _refill(db, source, judge, told)
    return True


async def keep_measures(
    db: asyncpg.Connection,
    source: str,
    apart: Apart | None,
    anew: Collection[str] = (),
    seq: int = 0,
) -> None:
    """What decides the steps that are stored; those of ``anew`` were made anew up to a page.

    Pages tell their days otherwise from then on, so their ways are to be walked again.
    """
    if apart is None:
        return
    names = [m.indicator for m in apart.measures]
    told = [m.fingerprint for m in apart.measures]
    await db.execute(
        "DELETE FROM measure_kept WHERE source = $1 AND indicator <> ALL($2)", source, names
    )
    await db.execute(_KEEP, source, names, apart.common, told, list(anew), seq)


async def _refill(
    db: asyncpg.Connection,
    source: str,
    judge: Judge,
    told: Callable[[int], None] | None,
) -> None:
    cursor = await db.cursor(_RECORDS, source)
    seq, totals, done = 0, Totals(), 0
    while rows := await cursor.fetch(_AT_ONCE):
        records = [_decode(row["body"]) for row in rows]
        await redate(db, source, records, judge)
        for row, record in zip(rows, records, strict=True):
            if row["seq"] != seq:
                await _write(db, source, seq, totals)
                seq, totals = row["seq"], {}
            for key, (num, den) in judge.steps(record).items():
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
