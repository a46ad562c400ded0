"""Postgres: the rows of the series store, written and read with one statement a question."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import asyncpg

from app.domain.series import DAY_MS, Declared, Place, SeriesDef
from app.store.series.partitions import make_room
from app.store.series.pg_sealing import SCALARS, PgSealing, date_of, day_number
from app.store.series.rows import (
    UNKNOWN,
    ChunkRow,
    JournalRow,
    Kept,
    LedgerRow,
    PieceRow,
    SeriesRow,
    Tail,
    Version,
    Window,
)

_SOURCE = """
INSERT INTO series_source (source_id, source)
SELECT coalesce(max(source_id), 0) + 1, $1 FROM series_source
ON CONFLICT (source) DO NOTHING
"""
_SERIES = """
INSERT INTO series (source_id, series_id, code, unit, tick_ms, width_days)
SELECT $1, coalesce((SELECT max(series_id) FROM series WHERE source_id = $1), 0)
           + row_number() OVER (ORDER BY d.place), d.code, d.unit, d.tick_ms, d.width_days
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::int[])
         WITH ORDINALITY AS d(code, unit, tick_ms, width_days, place)
WHERE NOT EXISTS (SELECT FROM series s WHERE s.source_id = $1 AND s.code = d.code)
"""
# One statement is one transaction and one round trip: the place moves only with its batch.
_APPEND = """
WITH moved AS (
    UPDATE series_place SET seq = $2, cursor = $8, known_ms = $3
    WHERE source_id = $1 AND seq = $2 - 1 AND known_ms <= $3 RETURNING source_id
)
INSERT INTO series_journal (source_id, seq, known_ms, first_ms, last_ms, n, body)
SELECT source_id, $2, $3, $4, $5, $6, $7 FROM moved
"""
_APPEND_ALL = """
WITH moved AS (
    UPDATE series_place SET seq = $3, cursor = $5, known_ms = $4
    WHERE source_id = $1 AND seq = $2 - 1 AND known_ms <= $4 RETURNING source_id
)
INSERT INTO series_journal (source_id, seq, known_ms, first_ms, last_ms, n, body)
SELECT moved.source_id, r.* FROM moved, unnest(
    $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::int[], $11::bytea[]) AS r
"""
# Every seal writes the mark, so the transaction that did it last tells what is sealed; such numbers
# belong to one life of a server. See rows.Version.
_VERSION = "xmin::text::bigint"
_LIFE = "(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint"
_TAILS = f"""
SELECT k.source_id, m.sealed_seq, p.seq AS newest_seq, m.{_VERSION}, {_LIFE},
       j.seq, j.known_ms, j.first_ms, j.last_ms, j.n, j.body
FROM unnest($1::int[], $2::bigint[]) AS k(source_id, after_seq)
JOIN series_mark m USING (source_id) JOIN series_place p USING (source_id)
LEFT JOIN LATERAL (
    SELECT *, sum(n) OVER (ORDER BY seq DESC) AS upto FROM series_journal
    WHERE source_id = k.source_id AND seq > greatest(k.after_seq, m.sealed_seq)
) j ON j.upto <= $3
"""
_JOURNAL = f"""
SELECT m.source_id, m.sealed_seq, p.seq AS newest_seq, m.{_VERSION}, {_LIFE},
       j.seq, j.known_ms, j.first_ms, j.last_ms, j.n, j.body
FROM series_mark m JOIN series_place p USING (source_id)
LEFT JOIN series_journal j ON j.source_id = m.source_id AND j.seq > $2 AND j.seq < $3
    AND j.last_ms >= $4 AND j.first_ms < $5
WHERE m.source_id = $1 ORDER BY j.seq
"""
# Mark, pieces, chunks and the newest of the journal in one statement: one consistent look.
_LOOK = f"""
SELECT 'c' AS kind, {SCALARS}, NULL::bigint AS close_ms, hours,
       CASE WHEN $8 THEN past END AS past, CASE WHEN $7 OR hours IS NULL THEN body END AS body
FROM series_chunk WHERE source_id = $1 AND series_id = ANY($2) AND day BETWEEN $3 AND $4
    AND last_ms >= $5 AND first_ms < $6
UNION ALL
SELECT 'p', series_id, day, n, first_ms, last_ms, NULL, NULL, NULL, NULL, NULL, seq_lo, seq_hi,
       close_ms, NULL, NULL, body
FROM series_piece WHERE source_id = $1 AND series_id = ANY($2) AND day BETWEEN $3 AND $4
    AND last_ms >= $5 AND first_ms < $6
UNION ALL
SELECT 'm', NULL, NULL, NULL, series_mark.{_VERSION}, {_LIFE}, NULL, NULL, NULL, NULL, NULL,
       sealed_seq, seq, NULL, NULL, NULL, NULL
FROM series_mark JOIN series_place USING (source_id) WHERE source_id = $1
UNION ALL
SELECT 'j', NULL, NULL, n, first_ms, last_ms, NULL, NULL, NULL, NULL, NULL, seq, known_ms, NULL,
       NULL, NULL, body
FROM (
    SELECT *, sum(n) OVER (ORDER BY seq DESC) AS upto FROM series_journal
    WHERE source_id = $1
        AND seq > greatest($9, (SELECT sealed_seq FROM series_mark WHERE source_id = $1))
) j WHERE upto <= $10
"""
_FAR_PAST, _FAR_FUTURE = -(2**62), 2**62


class PgRows:
    """The rows over one pool of connections."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        # A seal asks for more on a second connection: were all taken by seals, none would end.
        self._seals = asyncio.Semaphore(pool.get_max_size() // 2)

    async def declare(self, source: str, series: Sequence[tuple[SeriesDef, int]]) -> Declared:
        codes = [d.code for d, _ in series]
        async with self._pool.acquire() as db, db.transaction():
            await db.execute("SELECT pg_advisory_xact_lock(4919)")
            await db.execute(_SOURCE, source)
            source_id = await db.fetchval(
                "SELECT source_id FROM series_source WHERE source = $1", source
            )
            for table in ("series_place", "series_mark"):
                await db.execute(
                    f"INSERT INTO {table} (source_id) VALUES ($1) ON CONFLICT DO NOTHING",
                    source_id,
                )
            await db.execute(
                _SERIES, source_id, codes, [d.unit for d, _ in series],
                [d.tick_ms for d, _ in series], [width for _, width in series],
            )  # fmt: skip
            rows = await db.fetch(
                "SELECT code, series_id FROM series WHERE source_id = $1 AND code = ANY($2)",
                source_id,
                codes,
            )
        ids = {r["code"]: r["series_id"] for r in rows}
        return Declared(source_id, tuple(ids[code] for code in codes))

    async def series(self, source_id: int) -> list[SeriesRow]:
        rows = await self._pool.fetch(
            "SELECT series_id, code, tick_ms, width_days FROM series WHERE source_id = $1"
            " ORDER BY series_id",
            source_id,
        )
        return [SeriesRow(*r) for r in rows]

    async def place(self, source_id: int) -> Place:
        row = await self._pool.fetchrow(
            "SELECT seq, cursor, known_ms FROM series_place WHERE source_id = $1", source_id
        )
        if row is None:
            raise LookupError(f"no source {source_id} has declared series; declare it first")
        return Place(*row)

    async def append(self, source_id: int, row: JournalRow, cursor: str) -> bool:
        async with self._pool.acquire() as db:
            return await append(db, source_id, row, cursor)

    async def tails(self, after: Mapping[int, int], most_points: int) -> Mapping[int, Tail]:
        rows = await self._pool.fetch(_TAILS, list(after), list(after.values()), most_points)
        of: dict[int, list[asyncpg.Record]] = {source_id: [] for source_id in after}
        for row in rows:
            of[row["source_id"]].append(row)
        return {source_id: _tail(found) for source_id, found in of.items()}

    async def journal(
        self,
        source_id: int,
        after_seq: int,
        before_seq: int,
        reach: tuple[int, int] | None = None,
    ) -> Tail:
        low, high = reach or (_FAR_PAST, _FAR_FUTURE)
        rows = await self._pool.fetch(_JOURNAL, source_id, after_seq, before_seq, low, high)
        return _tail(rows)

    async def look(
        self, window: Window, after_seq: int, most_points: int, *, points: bool, past: bool
    ) -> tuple[Kept, Tail]:
        first = window.from_ms // DAY_MS - window.width_days + 1
        last = (window.to_ms - 1) // DAY_MS
        rows = await self._pool.fetch(
            _LOOK, window.source_id, list(window.series_ids), date_of(first), date_of(last),
            window.from_ms, window.to_ms, points, past, after_seq, most_points,
        )  # fmt: skip
        of: dict[str, list[asyncpg.Record]] = {"p": [], "c": [], "m": [], "j": []}
        for row in rows:
            of[row[0]].append(row)
        sealed, newest, version = _mark(of["m"])
        kept = Kept(
            sealed,
            sorted(map(_piece, of["p"]), key=lambda p: p.seq_lo),
            sorted(map(_chunk, of["c"]), key=lambda c: c.day),
        )
        return kept, Tail(sealed, newest, [_batch(r) for r in of["j"]], version)

    async def ledger(self, source_id: int, seq_lo: int, seq_hi: int) -> list[LedgerRow]:
        rows = await self._pool.fetch(
            "SELECT seq_first, seq_last, body FROM series_ledger"
            " WHERE source_id = $1 AND seq_last >= $2 AND seq_first <= $3 ORDER BY seq_first",
            source_id,
            seq_lo,
            seq_hi,
        )
        return [LedgerRow(*r) for r in rows]

    async def latest(self, source_id: int) -> tuple[int, bytes | None]:
        row = await self._pool.fetchrow(
            "SELECT sealed_seq, latest FROM series_mark WHERE source_id = $1", source_id
        )
        return (row[0], row[1]) if row is not None else (0, None)

    @asynccontextmanager
    async def sealing(self, source_id: int) -> AsyncIterator[PgSealing | None]:
        if self._pool.get_max_size() < 2:
            raise ValueError("a pool of one connection cannot seal; open it with two or more")
        async with self._seals, self._pool.acquire() as db, db.transaction():
            yield await PgSealing.take(db, source_id)

    async def make_room(self, days: Sequence[int]) -> None:
        await make_room(self._pool, [date_of(d) for d in days])


async def append(db: asyncpg.Connection, source_id: int, row: JournalRow, cursor: str) -> bool:
    """The batch and the place, in the transaction of whoever asks; False: it is not the next."""
    said = await db.execute(
        _APPEND, source_id, row.seq, row.known_ms, row.first_ms, row.last_ms, row.n, row.body,
        cursor,
    )  # fmt: skip
    return bool(said == "INSERT 0 1")


async def append_all(
    db: asyncpg.Connection, source_id: int, rows: Sequence[JournalRow], cursor: str
) -> bool:
    """Consecutive batches at once; False: the first of them is not the next."""
    said = await db.execute(
        _APPEND_ALL, source_id, rows[0].seq, rows[-1].seq, rows[-1].known_ms, cursor,
        *([getattr(r, f) for r in rows] for f in JournalRow.__slots__),
    )  # fmt: skip
    return bool(said == f"INSERT 0 {len(rows)}")


def _tail(rows: Sequence[asyncpg.Record]) -> Tail:
    if not rows:
        return Tail(0, 0, [])
    _, sealed, newest, *version = tuple(rows[0])[:5]
    batches = [JournalRow(*tuple(r)[5:]) for r in rows if r[5] is not None]
    return Tail(sealed, newest, batches, (version[0], version[1]))


def _mark(rows: Sequence[asyncpg.Record]) -> tuple[int, int, Version]:
    if not rows:
        return 0, 0, UNKNOWN
    (row,) = rows
    return row["seq_lo"], row["seq_hi"], (row["first_ms"], row["last_ms"])


def _batch(row: asyncpg.Record) -> JournalRow:
    return JournalRow(
        row["seq_lo"], row["seq_hi"], row["first_ms"], row["last_ms"], row["n"], row["body"]
    )


def _piece(row: asyncpg.Record) -> PieceRow:
    _, series_id, day, n, first_ms, last_ms, *_, lo, hi, close_ms, _, _, body = row
    return PieceRow(series_id, day_number(day), lo, hi, n, first_ms, last_ms, close_ms, body)


def _chunk(row: asyncpg.Record) -> ChunkRow:
    _, series_id, day, *scalars = tuple(row)[:13]
    packed = (row["hours"], row["past"], row["body"] or b"")
    return ChunkRow(*(series_id, day_number(day), *scalars, *packed))
