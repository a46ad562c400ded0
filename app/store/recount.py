"""Recount: steps of edited measures are made anew from the records, those of all others stay.

Pages keep what every other measure gave them. All of it is one transaction.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import asyncpg
import msgspec
import structlog

from app.domain.measure import StepKey
from app.domain.record import Record
from app.domain.recount import Anew, Apart, StepsOf
from app.store.rebase import keep_measures, rebase
from app.store.records import Judge, PackedStep

log = structlog.get_logger("store")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode
_decode_steps = msgspec.msgpack.Decoder(list[PackedStep]).decode
_RECORDS = "SELECT seq, body FROM record WHERE source = $1 AND kind = ANY($2) ORDER BY seq"
_PAGES = "SELECT seq, steps FROM page WHERE source = $1 AND seq > $2 ORDER BY seq LIMIT $3"
_PAGES_AT_ONCE = 10  # a full one is some 2 MB of steps
_RECORDS_AT_ONCE = 2000
_TOLD_EVERY = 50_000

Bodies = dict[int, list[bytes]]


async def make_anew(pool: asyncpg.Pool, source: str, judge: Judge) -> Anew:
    """Steps follow the definitions: of those that were edited alone, where that can be told."""
    anew = await recount(pool, source, judge)
    if anew is None:
        anew = Anew(all=await rebase(pool, source, judge))
    if anew:
        log.info(
            "steps made anew: a definition, a rule or the calendar changed",
            source=source, indicators=sorted(anew.some) or "all",
        )  # fmt: skip
    return anew


async def recount(
    pool: asyncpg.Pool, source: str, judge: Judge, told: Callable[[int], None] | None = None
) -> Anew | None:
    """Whose steps were made anew; None when it takes all of the source's.

    ``told`` hears how many records are done.
    """
    async with pool.acquire() as db, db.transaction():
        state = await db.fetchrow(
            "SELECT measures, seq FROM source_state WHERE source = $1 FOR UPDATE", source
        )
        apart = judge.apart
        if apart is None or state is None or state["measures"] in ("", judge.fingerprint):
            return None
        edit = await _edit(db, source, apart)
        if edit is None:
            return None
        # What came late before was corrected; what is made anew now is late for nothing.
        await db.execute(
            "UPDATE source_state SET measures = $2, recounts = recounts + 1,"
            " revised_seq = greatest(revised_seq, evaluated_seq) WHERE source = $1",
            source,
            judge.fingerprint,
        )
        await _rewrite(db, source, apart, edit, told or _logged(source))
        names = frozenset(apart.measures[n].indicator for n in edit.numbers)
        await keep_measures(db, source, apart, names if state["seq"] else (), state["seq"])
    return Anew(edit.moves, names)


@dataclass(frozen=True, slots=True)
class _Edit:
    """``numbers``: places of measures to be counted; ``places``: of all others, by their old."""

    numbers: frozenset[int]
    places: Mapping[int, int]
    moves: bool


async def _edit(db: asyncpg.Connection, source: str, now: Apart) -> _Edit | None:
    """None where what decides all measures is another, or nobody wrote down what it was."""
    rows = await db.fetch(
        "SELECT indicator, number, common, measure FROM measure_kept WHERE source = $1", source
    )
    if not rows or any(r["common"] != now.common for r in rows):
        return None
    before = {(r["indicator"], r["measure"]): r["number"] for r in rows}
    told = [(m.indicator, m.fingerprint) for m in now.measures]
    places = {before[one]: n for n, one in enumerate(told) if one in before}
    numbers = frozenset(n for n, one in enumerate(told) if one not in before)
    same = {r["indicator"] for r in rows} == {m.indicator for m in now.measures}
    moves = not same or any(old != new for old, new in places.items())
    return _Edit(numbers, places, moves) if numbers or moves else None


async def _rewrite(
    db: asyncpg.Connection,
    source: str,
    apart: Apart,
    edit: _Edit,
    told: Callable[[int], None],
) -> None:
    kinds = sorted({apart.measures[n].records for n in edit.numbers})
    steps, records = apart.only(edit.numbers), _records(db, source, kinds)
    done = seq = 0
    ahead: tuple[int, list[bytes]] | None = await anext(records, None)
    while pages := await db.fetch(_PAGES, source, seq, _PAGES_AT_ONCE):
        seq, bodies = pages[-1]["seq"], Bodies()
        while ahead is not None and ahead[0] <= seq:
            bodies.setdefault(ahead[0], []).extend(ahead[1])
            done += len(ahead[1])
            ahead = await anext(records, None)
        packed = [(p["seq"], p["steps"]) for p in pages]
        # In a thread: meanwhile screens are answered and other sources are read.
        anew = await asyncio.to_thread(_repacked, packed, bodies, steps, edit)
        if anew:
            await db.executemany(
                "UPDATE page SET steps = $3 WHERE source = $1 AND seq = $2",
                [(source, *one) for one in anew],
            )
        told(done)


async def _records(
    db: asyncpg.Connection, source: str, kinds: Sequence[str]
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Bodies by the page that changed them last, in its order; a page may come in parts."""
    cursor = await db.cursor(_RECORDS, source, kinds)
    while rows := await cursor.fetch(_RECORDS_AT_ONCE):
        for seq, some in groupby(rows, key=lambda r: r["seq"]):
            yield seq, [r["body"] for r in some]


def _repacked(
    pages: Sequence[tuple[int, bytes]], bodies: Bodies, steps: StepsOf, edit: _Edit
) -> list[tuple[int, bytes]]:
    """The pages whose steps are others now."""
    found = []
    for seq, packed in pages:
        before = _decode_steps(zlib.decompress(packed))
        places = edit.places
        after = [s for s in before if s[2] in places]
        if edit.moves:
            after = [(s[0], s[1], places[s[2]], *s[3:]) for s in after]
        fresh = _totals(bodies.get(seq, ()), steps)
        if fresh or edit.moves or len(after) < len(before):
            found.append((seq, zlib.compress(_encode(after + fresh), 1)))
    return found


def _totals(bodies: Sequence[bytes], steps: StepsOf) -> list[PackedStep]:
    totals: dict[tuple[str, str, StepKey], list[int]] = {}
    for body in bodies:
        record = _decode(body)
        for key, (num, den) in steps(record).items():
            cell = totals.setdefault((record.owner, record.sector, key), [0, 0])
            cell[0] += num
            cell[1] += den
    return [(o, s, *key, num, den) for (o, s, key), (num, den) in totals.items() if num or den]


def _logged(source: str) -> Callable[[int], None]:
    """How far it is, now and then."""
    last = 0

    def told(done: int) -> None:
        nonlocal last
        if done - last >= _TOLD_EVERY:
            last = done
            log.info("records counted anew", source=source, records=done)

    return told
