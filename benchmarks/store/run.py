"""Run: one data set into every system, a slice at a time in turns, then the same four questions.

    python -m benchmarks.store.run --share 1

Each has the machine for itself in its turn: the servers of the others stand still, and what they do
in the background they do in time that counts for nobody (``turns``). Requests to the peers are
encoded outside the timer, ours inside. Ours is durable when a batch
returns (fsync on). Figures beside each other come from the same run on the same machine; the last
line is JSON, null where a peer cannot be had.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import uvloop

from app.cli._allocator import give_memory_back_of_answers
from app.settings import Settings
from app.store.embedded import EmbeddedPostgres
from app.store.migrate import upgrade
from app.store.pool import open_pool
from app.store.series.engine import SeriesLimits, bounded
from benchmarks.store import peers
from benchmarks.store.dataset import SEED, Batch, batches, sources
from benchmarks.store.ours import Ours
from benchmarks.store.plain import PlainRows
from benchmarks.store.questions import Kind, Question, questions
from benchmarks.store.report import print_report, verdict
from benchmarks.store.stage import (
    BESIDE,
    LAST_SEAL,
    OURS,
    PLAIN,
    POSTGRES,
    SEALING,
    VM,
    Clocked,
    Contender,
    Seen,
    of_bare,
    of_kept,
    of_ours,
    of_peer,
    of_plain,
)
from benchmarks.store.turns import Turns

SLICE = 1_000_000
# So many questions of a kind to one system before the next has its turn.
IN_A_ROW = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="of every series' span")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--alone", action="store_true", help="without peers and plain rows")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # As the product's own process that answers; see app/cli/serve.py.
    give_memory_back_of_answers()
    gc.set_threshold(10_000, 20, 50)
    folder = Path(tempfile.mkdtemp(prefix="ioc-bench-store-"))
    folder.chmod(0o755)  # as root, PostgreSQL runs under another account
    server = EmbeddedPostgres(folder)
    try:
        seen = Seen()
        with ExitStack() as running:
            found = [] if chosen.alone else list(_peers(running, folder))
            url = server.start()
            upgrade(url)
            seen.tops = {POSTGRES: server.pid or 0, **{p.name: p.process.pid for p in found}}
            # The loop of the product's processes.
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(measure(url, found, seen, chosen))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print_report(seen)
    print(json.dumps(verdict(seen)))
    return 0


def _peers(running: ExitStack, folder: Path) -> Iterator[peers.Peer]:
    for package, start in peers.STARTS.items():
        program = peers.fetch(package)
        if program is None:
            peers.missing(package)
        else:
            yield running.enter_context(start(program, folder / package))


async def measure(
    url: str, found: Sequence[peers.Peer], seen: Seen, chosen: argparse.Namespace
) -> None:
    """Fill, let what must be there be there, ask, and weigh."""
    pool = await open_pool(url, 4)
    db = await asyncpg.connect(url)
    every, clocked = sources(), Clocked(db, seen)
    share, seed, alone = chosen.share, chosen.seed, chosen.alone
    ours, plain = Ours(pool, limits()), PlainRows(db)
    await ours.make(every)
    await plain.make()
    contenders = [of_ours(ours), *map(of_peer, found), *([] if alone else [of_plain(plain)])]
    turns = Turns(seen.tops)
    try:
        with turns.apart():
            await fill(contenders, ours, clocked, turns, slices(share, seed))
            if not alone:
                async with turns.of(PLAIN, rests=True):
                    await plain.fill(batches(share, seed=seed), every)
                    seen.size[PLAIN] = await plain.bytes_per_point()
            for peer in found:
                async with turns.of(peer.name, rests=True):
                    peer.settle()
            kept = [of_kept(peer) for peer in found if peer.name == VM]
            await ask([*contenders, of_bare(ours), *kept], seen, turns, seed)
        for peer in found:
            seen.size[peer.name] = peer.bytes_on_disk() / seen.points
        seen.memory["head MB"], seen.memory["head MB at most"] = ours.head_mb()
        seen.memory["shelf MB"], seen.memory["shelf MB at most"] = ours.shelf_mb()
        await _weigh(ours, clocked, seen)
    finally:
        await db.close()
        await pool.close()
    # Linux tells it in kB.
    seen.memory["process MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def limits() -> SeriesLimits:
    """What the product is installed with."""
    told = {name: field.default for name, field in Settings.model_fields.items()}
    return bounded(told["series_head_mb"], told["series_seal_points"], told["series_shelf_mb"])


def slices(share: float, seed: int) -> Iterator[list[Batch]]:
    """Some million points each; the last one holds every source's newest batch."""
    held: dict[int, Batch] = {}
    part: list[Batch] = []
    for batch in batches(share, seed=seed):
        before = held.pop(batch.source.source_id, None)
        held[batch.source.source_id] = batch
        part += [before] if before is not None else []
        if sum(map(len, part)) >= SLICE:
            yield part
            part = []
    if part:
        yield part
    yield list(held.values())


async def fill(
    contenders: Sequence[Contender],
    ours: Ours,
    clocked: Clocked,
    turns: Turns,
    parts: Iterator[list[Batch]],
) -> None:
    """Each slice into each system; who is first changes. The last slice stays unsealed.

    Every other slice ours is written alone: that is the commit path. The slices between are written
    while everything before is sealed, as the product does it, and take until both are done.
    """
    seen, part, after, number = clocked.seen, next(parts), next(parts, []), 0
    while part:
        later = next(parts, [])
        first = number % len(contenders)
        for one in [*contenders[first:], *contenders[:first]]:
            beside = ours.seal_full if one.name == OURS and number % 2 else None
            async with turns.of(one.name, rests=True):
                await _write(one, part[:: one.nth], clocked, beside)
                if one.name == OURS and after and not later:
                    # Before the last slice all that is there: nothing but that one is tail.
                    await clocked.run(SEALING, 0, ours.seal)
        seen.points += sum(map(len, part))
        print(f"  {seen.points:>12,} points", file=sys.stderr)
        part, after, number = after, later, number + 1


async def _write(
    one: Contender,
    part: Sequence[Batch],
    clocked: Clocked,
    beside: Callable[[], Awaitable[None]] | None,
) -> None:
    prepared = [one.prepare(batch) for batch in part]

    async def write() -> None:
        for each in prepared:
            await one.write(each)

    async def both() -> None:
        await asyncio.gather(write(), beside() if beside else asyncio.sleep(0))

    points = sum(map(len, part))
    await (clocked.run(BESIDE, points, both) if beside else clocked.run(one.name, points, write))


async def ask(contenders: Sequence[Contender], seen: Seen, turns: Turns, seed: int) -> None:
    """Every question to every system, a few of a kind in a row, behind an old one for warmth.

    In an order drawn anew for each few: who always came after the same one would be measured with
    what that one leaves behind in the machine.
    """
    dice = random.Random(seed)
    of: dict[Kind, list[Question]] = {}
    for question in questions(sources()):
        of.setdefault(question.kind, []).append(question)
    rows = max(map(len, of.values()))
    for begin in range(0, rows, IN_A_ROW):
        for asked in [a for a in of.values() if begin < len(a)]:
            for one in dice.sample(contenders, len(contenders)):
                async with turns.of(one.server or one.name):
                    await one.ask(asked[begin - 1])
                    for question in asked[begin : begin + IN_A_ROW]:
                        await _ask(one, question, seen)


async def _ask(one: Contender, question: Question, seen: Seen) -> None:
    began = time.perf_counter()
    values = await one.ask(question)
    seen.ms[one.name, question.kind].append((time.perf_counter() - began) * 1000)
    seen.values[one.name, question.kind] += values


async def _weigh(ours: Ours, clocked: Clocked, seen: Seen) -> None:
    """What is left to seal is sealed, so that every point is where it stays.

    Kept are the chunks with their rollups and indexes, and the ledger that ``as_of`` needs; the
    journal and the pieces are empty by then, their files room for what comes next.
    """
    await clocked.run(LAST_SEAL, 0, lambda: ours.seal(everything=True))
    await ours.vacuum()
    for name, size in (await ours.sizes()).items():
        seen.parts[name] = size / seen.points
    seen.size[OURS] = sum(seen.parts[name] for name in ("series_chunk", "series_ledger"))


if __name__ == "__main__":
    sys.exit(main())
