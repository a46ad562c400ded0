"""One seal in Postgres: the source's mark is locked, everything is written in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import asyncpg

from app.store.series.rows import ChunkRow, JournalRow, Mark, PieceRow, Work

_EPOCH = date(1970, 1, 1).toordinal()
_PIECE = "series_id, day, seq_lo, seq_hi, n, first_ms, last_ms, close_ms, body"
SCALARS = (
    "series_id, day, n, first_ms, last_ms, v_first, v_last, v_min, v_max, v_sum, seq_lo, seq_hi"
)
_ALL = f"{SCALARS}, hours, past, body"
_TAKE = """
SELECT sealed_seq, known_ms, next_close_ms, latest FROM series_mark
WHERE source_id = $1 FOR UPDATE SKIP LOCKED
"""
_JOURNAL = """
SELECT seq, known_ms, first_ms, last_ms, n, body FROM (
    SELECT *, sum(n) OVER (ORDER BY seq) - n AS earlier FROM series_journal
    WHERE source_id = $1 AND seq > $2
) j WHERE earlier = 0 OR earlier + n <= $3 ORDER BY seq
"""
_MARK = """
UPDATE series_mark SET sealed_seq = $2, known_ms = $3, latest = $4,
    next_close_ms = (SELECT min(close_ms) FROM series_piece WHERE source_id = $1)
WHERE source_id = $1
"""
_NO_LONGER_OPEN = """
DELETE FROM series_piece p USING unnest($2::int[], $3::date[]) AS k(series_id, day)
WHERE p.source_id = $1 AND p.series_id = k.series_id AND p.day = k.day
"""


class PgSealing:
    """A source held by one sealer until the end of the transaction."""

    def __init__(
        self, db: asyncpg.Connection, source_id: int, mark: Mark, latest: bytes | None
    ) -> None:
        self._db, self._source_id, self.mark, self._latest = db, source_id, mark, latest

    @classmethod
    async def take(cls, db: asyncpg.Connection, source_id: int) -> PgSealing | None:
        row = await db.fetchrow(_TAKE, source_id)
        return None if row is None else cls(db, source_id, Mark(*tuple(row)[:3]), row["latest"])

    async def journal(self, most_points: int) -> list[JournalRow]:
        rows = await self._db.fetch(_JOURNAL, self._source_id, self.mark.sealed_seq, most_points)
        return [JournalRow(*r) for r in rows]

    async def due(self, close_ms: int) -> list[PieceRow]:
        rows = await self._db.fetch(
            f"SELECT {_PIECE} FROM series_piece WHERE source_id = $1 AND close_ms <= $2"
            " ORDER BY series_id, day, seq_lo",
            self._source_id,
            close_ms,
        )
        return [_piece(r) for r in rows]

    async def chunks(self, keys: Sequence[tuple[int, int]]) -> list[ChunkRow]:
        if not keys:
            return []
        wanted, days = set(keys), [day for _, day in keys]
        rows = await self._db.fetch(
            "SELECT series_id, day FROM series_chunk WHERE source_id = $1"
            " AND series_id = ANY($2) AND day BETWEEN $3 AND $4",
            self._source_id,
            sorted({s for s, _ in keys}),
            date_of(min(days)),
            date_of(max(days)),
        )
        there = [(r[0], r[1]) for r in rows if (r[0], day_number(r[1])) in wanted]
        found = await self._db.fetch(
            f"SELECT {_ALL} FROM series_chunk c JOIN unnest($2::int[], $3::date[]) AS k(s, d)"
            " ON c.series_id = k.s AND c.day = k.d WHERE c.source_id = $1",
            self._source_id,
            [s for s, _ in there],
            [d for _, d in there],
        )
        return [_chunk(r) for r in found]

    async def latest(self) -> bytes | None:
        return self._latest

    async def write(self, work: Work) -> None:
        db, source_id = self._db, self._source_id
        for keys, statement in (
            (work.closed, _NO_LONGER_OPEN),
            (work.replaced, _NO_LONGER_OPEN.replace("series_piece", "series_chunk")),
        ):
            if keys:
                await db.execute(
                    statement, source_id, [s for s, _ in keys], [date_of(d) for _, d in keys]
                )
        await self._copy(
            "series_piece",
            _PIECE,
            [
                (source_id, p.series_id, date_of(p.day), p.seq_lo, p.seq_hi, p.n, p.first_ms,
                 p.last_ms, p.close_ms, p.body)
                for p in work.pieces
            ],
        )  # fmt: skip
        await self._copy(
            "series_chunk",
            _ALL,
            [
                (source_id, c.series_id, date_of(c.day), c.n, c.first_ms, c.last_ms, c.v_first,
                 c.v_last, c.v_min, c.v_max, c.v_sum, c.seq_lo, c.seq_hi, c.hours, c.past, c.body)
                for c in work.chunks
            ],
        )  # fmt: skip
        if work.ledger is not None:
            one = work.ledger
            await db.execute(
                "INSERT INTO series_ledger VALUES ($1, $2, $3, $4)",
                source_id, one.seq_first, one.seq_last, one.body,
            )  # fmt: skip
            await db.execute(
                "DELETE FROM series_journal WHERE source_id = $1 AND seq <= $2",
                source_id,
                work.mark.sealed_seq,
            )
        await db.execute(_MARK, source_id, work.mark.sealed_seq, work.mark.known_ms, work.latest)

    async def _copy(self, table: str, columns: str, records: list[tuple[object, ...]]) -> None:
        if records:
            await self._db.copy_records_to_table(
                table, records=records, columns=["source_id", *columns.split(", ")]
            )


def day_number(day: date) -> int:
    return day.toordinal() - _EPOCH


def date_of(number: int) -> date:
    """The date of a number of days since 1970, within what a date can be."""
    return date.fromordinal(max(1, min(number + _EPOCH, date.max.toordinal())))


def _piece(row: asyncpg.Record) -> PieceRow:
    series_id, day, *rest = row
    return PieceRow(series_id, day_number(day), *rest)


def _chunk(row: asyncpg.Record) -> ChunkRow:
    series_id, day, *rest = row
    return ChunkRow(series_id, day_number(day), *rest)
