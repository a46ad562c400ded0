"""Readings: what evaluation writes in one transaction, and what screens read back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import asyncpg

from app.domain.access import Visible
from app.domain.judged import Judged, Revised
from app.domain.period import day_of
from app.domain.ports import Series
from app.domain.reading import Reading
from app.store import pace as kept_pace
from app.store.changes import in_a_bell
from app.store.past.closes import correct_closes, write_closes
from app.store.past.parts import Framed
from app.store.past.readings import Asked, PastReadings
from app.store.series.engine import SeriesLimits
from app.store.still import reader

_LATEST = """
SELECT l.*, h.period_s, h.at_s, h.watermark_s FROM reading_latest l
JOIN reading_head h USING (source, indicator, period)
WHERE ($1::text[] IS NULL OR l.indicator = ANY($1)) AND ($2::text[] IS NULL OR l.subject = ANY($2))
  AND ($3::text IS NULL OR l.period = $3)
ORDER BY l.indicator, l.period, l.subject
"""
_TRENDS = """
SELECT k.indicator, k.subject, k.period, f.at_s,
       (coalesce(f.now_value, f.value))[
           array_position(coalesce(f.now_subject, f.subject), k.subject)] AS value
FROM unnest($1::text[], $2::text[], $3::text[]) AS k(indicator, subject, period)
JOIN reading_frame f ON f.indicator = k.indicator AND f.period = k.period AND f.closes_day
WHERE f.at_s >= (SELECT max(at_s) FROM reading_head) - $4::bigint
"""
# Of an edited measure, earlier closes are those its steps make; what was judged stays beside.
_CLOSES = """
SELECT at_s, subject, value FROM way_close
WHERE source = $1 AND indicator = $2 AND period = $3 AND at_s >= $4
UNION ALL
SELECT at_s, subject, value FROM reading_frame
WHERE source = $1 AND indicator = $2 AND period = $3 AND at_s >= $4 AND closes_day
  AND at_s > coalesce((SELECT walked_s FROM measure_kept WHERE source = $1 AND indicator = $2), 0)
ORDER BY at_s
"""
_FORGET = """
DELETE FROM reading_latest
WHERE source = $1 AND indicator = $2 AND period = $3 AND subject <> ALL($4::text[])
"""
# One judgement in one statement, so in one way there and back: what screens show, the news of it,
# the place in the log and the doorbell. The log has one order, kept by a lock of its trigger.
_JUDGED = """
WITH latest AS (
    INSERT INTO reading_latest
        (source, indicator, period, subject, value, num, den, target, state, reason, pace)
    SELECT $1, * FROM unnest($7::text[], $8::text[], $9::text[], $10::float8[], $11::bigint[],
                             $12::bigint[], $13::float8[], $14::text[], $15::text[], $16::jsonb[])
    ON CONFLICT (source, indicator, period, subject) DO UPDATE SET value = EXCLUDED.value,
        num = EXCLUDED.num, den = EXCLUDED.den, target = EXCLUDED.target, state = EXCLUDED.state,
        reason = EXCLUDED.reason, pace = EXCLUDED.pace
), head AS (
    INSERT INTO reading_head (source, indicator, period, period_s, at_s, watermark_s, definition)
    SELECT $1, h.indicator, h.period, h.period_s, $2, $3, h.definition
    FROM unnest($17::text[], $18::text[], $19::bigint[], $20::text[])
        AS h(indicator, period, period_s, definition)
    ON CONFLICT (source, indicator, period) DO UPDATE SET period_s = EXCLUDED.period_s,
        at_s = EXCLUDED.at_s, watermark_s = EXCLUDED.watermark_s, definition = EXCLUDED.definition
), news AS (
    INSERT INTO change (kind, source, at_s, watermark_s, filling, payload)
    VALUES ('readings', $1, $2, $3, $4, $5::jsonb) RETURNING "offset"
), place AS (
    UPDATE source_state SET evaluated_seq = $6, evaluated_s = $2 WHERE source = $1
)
SELECT pg_notify('ioc_change', CASE WHEN $21 = '' THEN ''
                               ELSE (SELECT id FROM epoch) || ' ' || "offset" || ' ' || $21 END)
FROM news
"""
KEPT_CHANGES = 20_000


class PgReadings:
    """Reading store and the evaluation's own place in the log."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        stands: Callable[[str, int], bool] = lambda _, __: True,
        limits: SeriesLimits | None = None,
    ) -> None:
        """``stands``: whether a subject can have figures at an instant; an area may have ended."""
        self._pool = pool
        self._stands = stands
        self.series_past = PastReadings(pool, limits)

    async def place(self, source: str) -> tuple[int, int | None]:
        """The page and instant last evaluated."""
        async with self._pool.acquire() as db:
            row = await db.fetchrow(
                "SELECT evaluated_seq, evaluated_s FROM source_state WHERE source = $1", source
            )
        return (row["evaluated_seq"], row["evaluated_s"]) if row else (0, None)

    async def commit(self, batch: Sequence[Judged]) -> None:
        """History, latest readings, change rows and the place in the log, in one transaction."""
        last = batch[-1]
        past = await self.series_past.pack(last.source, [f for j in batch for f in framed(j)])
        if past is None and len(batch) == 1 and not last.closes_day and not last.listed:
            # One statement is a transaction of its own: this is how a change comes to a screen.
            await self._pool.execute(_JUDGED, *_judged(last))
            return
        async with self._pool.acquire() as db, db.transaction():
            if past is not None:
                await self.series_past.write(db, past, str(last.seq))
            for judged in batch:
                if judged.closes_day:
                    await write_closes(db, judged.source, framed(judged))
                if judged.latest and judged.listed:
                    here = [(last.source, h.indicator, h.period, h.subjects) for h in judged.listed]
                    await db.executemany(_FORGET, here)
                await db.execute(_JUDGED, *_judged(judged))

    async def commit_history(self, judged: Judged) -> None:
        """Frames of the past alone: neither the place nor what screens show moves."""
        past = await self.series_past.pack(judged.source, framed(judged))
        async with self._pool.acquire() as db, db.transaction():
            if past is not None:
                await self.series_past.write(db, past, str(judged.seq))
            await write_closes(db, judged.source, framed(judged))

    async def revised_place(self, source: str) -> int:
        """Up to which page the past is as its pages tell it."""
        seq: int | None = await self._pool.fetchval(
            "SELECT revised_seq FROM source_state WHERE source = $1", source
        )
        return seq or 0

    async def past(
        self,
        source: str,
        indicator: str,
        period: str,
        subjects: Sequence[str],
        from_s: int,
        to_s: int,
    ) -> tuple[Mapping[int, str], Sequence[Reading]]:
        """The definition that judged each instant, and the readings of these subjects."""
        asked = Asked(indicator, period, subjects, from_s, to_s)
        told = await self.series_past.definitions(source, asked)
        found = await self.series_past.history(asked) if told else []
        return told, [r for r in found if r.source == source]

    async def revise(
        self, source: str, seq: int, watermark_s: int, found: Sequence[Revised]
    ) -> None:
        """Corrections of the past, and that they reach up to a page, in one transaction."""
        frames = [Framed(r.at_s, watermark_s, r.frame) for r in found]
        packed = await self.series_past.pack(source, frames)
        async with self._pool.acquire() as db, db.transaction():
            if packed is not None:
                await self.series_past.write(db, packed, str(seq))
                await correct_closes(db, source, watermark_s, found)
            await db.execute(
                "UPDATE source_state SET revised_seq = $2 WHERE source = $1", source, seq
            )

    async def framed(self, source: str) -> set[str]:
        """Indicators of which at least one day close is kept."""
        async with self._pool.acquire() as db:
            rows = await db.fetch(
                "SELECT DISTINCT indicator FROM reading_frame WHERE source = $1 AND closes_day",
                source,
            )
        return {r["indicator"] for r in rows}

    async def closes(
        self, source: str, indicator: str, period: str, from_s: int
    ) -> list[tuple[int, list[str], list[float | None]]]:
        """What each day ended with, oldest first: instant, subjects, their values."""
        async with self._pool.acquire() as db:
            rows = await db.fetch(_CLOSES, source, indicator, period, from_s)
        return [(r["at_s"], r["subject"], r["value"]) for r in rows]

    async def unwalked(self, source: str) -> set[str]:
        """Indicators whose kept closes are of another measure than their steps."""
        rows = await self._pool.fetch(
            "SELECT indicator FROM measure_kept WHERE source = $1 AND walked_s IS NULL", source
        )
        return {r["indicator"] for r in rows}

    async def forget_ways(self, source: str, indicators: Sequence[str]) -> None:
        """They are about to be walked again."""
        async with self._pool.acquire() as db:
            await db.execute(
                "DELETE FROM way_close WHERE source = $1 AND indicator = ANY($2)",
                source, indicators,
            )  # fmt: skip

    async def keep_ways(
        self,
        source: str,
        closes: Sequence[tuple[str, str, int, Sequence[str], Sequence[float | None]]],
    ) -> None:
        """What days end with as their steps tell it today; for the ways alone."""
        async with self._pool.acquire() as db:
            await db.executemany(
                "INSERT INTO way_close VALUES ($1, $2, $3, $4, $5, $6)",
                [(source, *close) for close in closes],
            )

    async def walked(self, source: str, indicators: Sequence[str], until_s: int) -> None:
        """From here on these ways follow the closes that are judged after an instant."""
        async with self._pool.acquire() as db:
            await db.execute(
                "UPDATE measure_kept SET walked_s = $3 WHERE source = $1 AND indicator = ANY($2)",
                source, indicators, until_s,
            )  # fmt: skip

    async def forget_others(self, source: str, indicators: Sequence[str]) -> None:
        """Drop the newest readings of indicators the profile no longer has; history stays."""
        async with self._pool.acquire() as db, db.transaction():
            for table in ("reading_latest", "reading_head"):
                await db.execute(
                    f"DELETE FROM {table} WHERE source = $1 AND indicator <> ALL($2)",
                    source,
                    indicators,
                )

    async def trim_changes(self) -> None:
        async with self._pool.acquire() as db:
            await db.execute(
                'DELETE FROM change WHERE "offset" <'
                ' (SELECT max("offset") FROM change) - $1::bigint',
                KEPT_CHANGES,
            )

    async def latest(
        self,
        visible: Visible,
        *,
        indicators: Sequence[str] | None = None,
        subjects: Sequence[str] | None = None,
        period: str | None = None,
    ) -> list[Reading]:
        async with reader(self._pool) as db:
            rows = await db.fetch(_LATEST, indicators, subjects, period)
        return [
            Reading(
                r["indicator"], r["subject"], r["period"], r["period_s"], r["at_s"],
                r["watermark_s"], r["source"], r["value"], r["num"], r["den"], r["target"],
                r["state"], r["reason"], kept_pace.read(r["pace"]),
            )
            for r in rows
            if visible.allows(r["subject"]) and self._stands(r["subject"], r["at_s"])
        ]  # fmt: skip

    async def history(
        self,
        visible: Visible,
        *,
        indicator: str,
        subjects: Sequence[str] | None,
        period: str,
        from_s: int,
        to_s: int,
        as_of_s: int | None = None,
    ) -> list[Reading]:
        """``as_of_s``: as it was when the source had come that far (None: as it is known now)."""
        found = await self.series_past.history(
            Asked(indicator, period, subjects, from_s, to_s, as_of_s)
        )
        return [r for r in found if visible.allows(r.subject)]

    async def trends(
        self, visible: Visible, keys: Sequence[tuple[str, str, str]], days: int
    ) -> list[Series]:
        wanted = [k for k in keys if visible.allows(k[1])]
        async with reader(self._pool) as db:
            rows = await db.fetch(
                _TRENDS, *([k[part] for k in wanted] for part in range(3)), (days + 1) * 86400
            )
        found: dict[tuple[str, str, str], dict[int, float | None]] = {k: {} for k in keys}
        for r in rows:
            found[(r["indicator"], r["subject"], r["period"])][day_of(r["at_s"])] = r["value"]
        last = max((d for closes in found.values() for d in closes), default=0)
        return [Series(*key, by_day(closes, last, days)) for key, closes in found.items()]


def by_day(closes: Mapping[int, float | None], last: int, days: int) -> tuple[float | None, ...]:
    """One value a day up to day ``last``; a day without a close is a gap, not a shorter line."""
    if not closes:
        return ()
    first = max(last - days + 1, min(closes))
    return tuple(closes.get(d) for d in range(first, last + 1))


def _row(reading: Reading) -> list[object]:
    """Fields in the order of the dataclass."""
    return [
        reading.indicator, reading.subject, reading.period, reading.period_s, reading.at_s,
        reading.watermark_s, reading.source, reading.value, reading.num, reading.den,
        reading.target, reading.state, reading.reason, kept_pace.told(reading.pace),
    ]  # fmt: skip


def framed(judged: Judged) -> list[Framed]:
    """Its frames, each with its instant."""
    return [Framed(judged.at_s, judged.watermark_s, f) for f in judged.frames]


def _judged(judged: Judged) -> tuple[object, ...]:
    """What ``_JUDGED`` asks for; of a judgement of the past the news alone."""
    rows, heads = (judged.changed, judged.heads) if judged.latest else ((), ())
    payload = json.dumps({"readings": [_row(r) for r in judged.announced]})
    seen = judged.source, judged.at_s, judged.watermark_s
    return (
        *seen,
        judged.filling,
        payload,
        judged.seq,
        [r.indicator for r in rows],
        [r.period for r in rows],
        [r.subject for r in rows],
        [r.value for r in rows],
        [r.num for r in rows],
        [r.den for r in rows],
        [r.target for r in rows],
        [r.state for r in rows],
        [r.reason for r in rows],
        [kept_pace.column(r.pace) for r in rows],
        [h.indicator for h in heads],
        [h.period for h in heads],
        [h.period_s for h in heads],
        [h.definition or None for h in heads],
        "" if judged.filling else in_a_bell(*seen, payload),
    )
