"""Readings of the past: written into the journal of series with the page they follow from."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass

import asyncpg
import numpy as np

from app.domain.reading import Reading
from app.domain.series import SeriesDef
from app.store.past.parts import Columns, Figures, Framed, columns_of, figures_of, name_of
from app.store.series.engine import SeriesLimits, SeriesStore
from app.store.series.packed import pack_batch
from app.store.series.pg import PgRows, append_all
from app.store.series.rows import JournalRow

# The name of a source of readings among the sources of series.
OF = "readings:"
# At most one reading a minute of each: buckets of eight days.
_TICK_MS = 60_000
FIGURES_AT_ONCE = 10_000  # some 80,000 points: a batch of a few hundred kB
_SUBJECTS = """
INSERT INTO reading_subject (source, number, subject)
SELECT $1, coalesce((SELECT max(number) FROM reading_subject WHERE source = $1), -1)
           + row_number() OVER (ORDER BY t.place), t.subject
FROM unnest($2::text[]) WITH ORDINALITY AS t(subject, place)
WHERE NOT EXISTS (SELECT FROM reading_subject r WHERE r.source = $1 AND r.subject = t.subject)
"""
_PLACE = "SELECT seq, known_ms FROM series_place WHERE source_id = $1 FOR UPDATE"
_SERIES = """
SELECT s.source, s.source_id, r.series_id, r.code
FROM series_source s JOIN series r USING (source_id)
WHERE starts_with(s.source, $1) AND starts_with(r.code, $2)
"""
_WHO = """
SELECT number, subject FROM reading_subject
WHERE source = $1 AND ($2::text[] IS NULL OR subject = ANY($2))
"""


@dataclass(frozen=True, slots=True)
class Packed:
    """Frames that became known together, packed but for their place in the journal."""

    source: str
    source_id: int
    batches: list[JournalRow]


@dataclass(frozen=True, slots=True)
class Asked:
    """Readings of one indicator and period between two instants, both included."""

    indicator: str
    period: str
    subjects: Sequence[str] | None
    from_s: int
    to_s: int
    as_of_s: int | None = None


class PastReadings:
    """The full history of readings; a later judgement of an instant replaces the earlier one.

    What was known is told by watermarks: as of a watermark, history is what it was when the source
    had come that far.
    """

    def __init__(self, pool: asyncpg.Pool, limits: SeriesLimits | None = None) -> None:
        self._pool = pool
        self.series = SeriesStore(PgRows(pool), limits)
        self._ids: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._source_ids: dict[str, int] = {}
        self._numbers: dict[str, dict[str, int]] = {}

    async def pack(self, source: str, framed: Sequence[Framed]) -> Packed | None:
        """Everything that can be done before the transaction; None when there is no frame."""
        if not framed:
            return None
        numbers = await self._numbered(source, {s for f in framed for s in f.frame.subjects})
        batches = []
        for some in _together(framed):
            columns = columns_of(some, numbers)
            await self._declare(source, columns.codes)
            known_ms, ids = some[0].watermark_s * 1000, self._ids[source]
            batches.append(await asyncio.to_thread(_batch, known_ms, columns, ids))
        return Packed(source, self._source_ids[source], batches)

    async def write(self, db: asyncpg.Connection, packed: Packed, cursor: str) -> None:
        """In the transaction of whoever asks; knowledge never goes back."""
        seq, known_ms = await db.fetchrow(_PLACE, packed.source_id)
        rows = []
        for number, batch in enumerate(packed.batches, seq + 1):
            known_ms = max(known_ms, batch.known_ms)
            rows.append(
                JournalRow(number, known_ms, batch.first_ms, batch.last_ms, batch.n, batch.body)
            )
        if not await append_all(db, packed.source_id, rows, cursor):
            raise RuntimeError(f"{packed.source}: its series have moved although they were held")

    async def history(self, asked: Asked) -> list[Reading]:
        """Oldest first; within an instant by subject."""
        found: list[Reading] = []
        async for source, figures, who in self.figures(asked):
            found += await asyncio.to_thread(_readings, source, asked, figures, who)
        found.sort(key=lambda r: (r.at_s, r.subject))
        return found

    async def figures(
        self, asked: Asked, source: str = ""
    ) -> AsyncIterator[tuple[str, Figures, dict[int, str]]]:
        """As columns, with the names of their subjects; of one source or of all."""
        for of, source_id, codes in await self._series_of(asked, source):
            wanted = None if asked.subjects is None else list(asked.subjects)
            who: dict[int, str] = dict(await self._pool.fetch(_WHO, of, wanted))
            if not who:
                continue
            points = await self.series.raw_of(
                source_id, list(codes), asked.from_s * 1000, (asked.to_s + 1) * 1000,
                None if asked.as_of_s is None else asked.as_of_s * 1000,
            )  # fmt: skip
            parts = {codes[series_id]: found for series_id, found in points.items()}
            numbers = None if wanted is None else np.array(sorted(who), np.int64)
            yield of, await asyncio.to_thread(figures_of, asked.period, parts, numbers), who

    async def instants(self, source: str, asked: Asked) -> set[int]:
        """The seconds at which this indicator and period was judged."""
        found: set[int] = set()
        for _, source_id, codes in await self._series_of(asked, source):
            marks = [s for s, (part, _) in codes.items() if part == "watermark"]
            points = await self.series.raw_of(
                source_id, marks, asked.from_s * 1000, (asked.to_s + 1) * 1000
            )
            found |= {at // 1000 for p in points.values() for at in p.at_ms.tolist()}
        return found

    async def definitions(self, source: str, asked: Asked) -> dict[int, str]:
        """Of each second at which this indicator and period was judged, by which definition."""
        found: dict[int, str] = {}
        for _, source_id, codes in await self._series_of(asked, source):
            marks = [s for s, (part, _) in codes.items() if part == "definition"]
            points = await self.series.raw_of(
                source_id, marks, asked.from_s * 1000, (asked.to_s + 1) * 1000
            )
            for p in points.values():
                pairs = zip(p.at_ms.tolist(), p.value.tolist(), strict=True)
                found |= {at // 1000: name_of(int(told)) for at, told in pairs}
        return found

    async def keys(self) -> list[tuple[str, int, str, str]]:
        """Source, its number, indicator and period of every frame there is."""
        rows = await self._pool.fetch(_SERIES, OF, "")
        names = {(r["source"], r["source_id"], *r["code"].split("/")[:2]) for r in rows}
        return sorted((s.removeprefix(OF), n, i, p) for s, n, i, p in names)

    async def _series_of(
        self, asked: Asked, source: str
    ) -> list[tuple[str, int, dict[int, tuple[str, int]]]]:
        """Of each source: its name and number, and by series which part of a frame it holds."""
        prefix = f"{asked.indicator}/{asked.period}/"
        of: defaultdict[tuple[str, int], dict[int, tuple[str, int]]] = defaultdict(dict)
        for row in await self._pool.fetch(_SERIES, OF + source, prefix):
            part, page = row["code"].removeprefix(prefix).split("/")
            of[row["source"].removeprefix(OF), row["source_id"]][row["series_id"]] = part, int(page)
        return [(s, n, codes) for (s, n), codes in sorted(of.items()) if source in ("", s)]

    async def _numbered(self, source: str, subjects: set[str]) -> dict[str, int]:
        known = self._numbers.setdefault(source, {})
        missing = sorted(subjects - known.keys())
        if missing:
            async with self._pool.acquire() as db, db.transaction():
                await db.execute("SELECT pg_advisory_xact_lock(4921)")
                await db.execute(_SUBJECTS, source, missing)
                rows = await db.fetch(_WHO, source, missing)
            known |= {r["subject"]: r["number"] for r in rows}
        return known

    async def _declare(self, source: str, codes: Iterable[str]) -> None:
        known = self._ids[source]
        missing = sorted(set(codes) - known.keys(), key=_by_part)
        if missing:
            declared = await self.series.declare(
                OF + source, [SeriesDef(code, _TICK_MS) for code in missing]
            )
            known |= dict(zip(missing, declared.series_ids, strict=True))
            self._source_ids[source] = declared.source_id


def _by_part(code: str) -> tuple[str, str]:
    """Numbered so that columns of a kind lie side by side in a batch: they pack better."""
    return code.split("/")[-2], code


def _together(framed: Sequence[Framed]) -> Iterator[list[Framed]]:
    """Frames of one watermark, as many as make a batch: its columns are in memory all at once."""
    some: list[Framed] = []
    figures = 0
    for one in framed:
        if some and (one.watermark_s != some[0].watermark_s or figures >= FIGURES_AT_ONCE):
            yield some
            some, figures = [], 0
        some.append(one)
        figures += len(one.frame.subjects)
    yield some


def _batch(known_ms: int, columns: Columns, ids: dict[str, int]) -> JournalRow:
    series = np.array([ids[code] for code in columns.codes], np.int64)[columns.code]
    return pack_batch(0, known_ms, series, columns.at_ms, columns.value)


def _readings(source: str, asked: Asked, f: Figures, who: dict[int, str]) -> list[Reading]:
    columns = zip(
        f.number, f.period_s, f.at_s, f.watermark_s, f.value, f.num, f.den, f.target, f.state,
        f.definition, strict=True,
    )  # fmt: skip
    return [
        Reading(
            asked.indicator, who[number], asked.period, period_s, at_s, watermark_s, source,
            value, num, den, target, state, "", definition=definition,
        )
        for number, period_s, at_s, watermark_s, value, num, den, target, state, definition
        in columns
        if number in who
    ]  # fmt: skip
