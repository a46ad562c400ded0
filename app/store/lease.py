"""Lease: one worker at a time, and a number, its term, that shuts out one which was replaced.

The worker that works holds a lock of its database session: it is free the moment that session ends,
without any clock. Its term stands in ``pulse``; every transaction of a worker checks it (migration
0012), so one that was stopped, replaced, and goes on, can write nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

import asyncpg
import structlog

from app.store.pulse import REFUSALS

log = structlog.get_logger("lease")
LOOK_S = 1.0
# So many looks at a count that stands still, and the worker is taken for stuck. Looks, not
# seconds: who was stopped together with it has not looked meanwhile.
SILENT_LOOKS = 10
# After the database was away: who held the lease comes first.
YIELDING_LOOKS = 3
_FINISH_WITHIN_S = 5
_ANSWER_WITHIN_S = 10.0
# Two locks: who works, and that a transaction of a worker is under way.
_TRY = "SELECT pg_try_advisory_lock(766, 1)"
_NO_WRITER = "SELECT pg_advisory_xact_lock(766, 2)"
_READ = "SELECT term, kept, holder FROM pulse"
_KEEP = "UPDATE pulse SET kept = kept + 1 WHERE term = $1 RETURNING term"
_TAKE = "UPDATE pulse SET term = term + 1, holder = $1 RETURNING term"
_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND classid = 766 AND objid = ANY($1::oid[]) AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND pid <> pg_backend_pid()
"""
# The server is away, ends or starts: asked again, in another session.
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # its answer to being ended unasked
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)
# It is there and cannot do it now (a full disk): asked again.
_NOT_NOW = (*REFUSALS, asyncpg.ObjectNotInPrerequisiteStateError)


class Replaced(Exception):
    """Another worker works now; this one must end."""


class Lease:
    """``take`` waits until this process is the one; ``lasts`` ends when it no longer is."""

    def __init__(self, url: str) -> None:
        self.term = 0
        self.standing_by = False
        self._url = url.replace("postgresql+asyncpg://", "postgresql://")
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._db: asyncpg.Connection | None = None
        self._held = False
        self._yielding = 0
        self._seen: tuple[int, int] | None = None
        self._silent = 0
        self._keeping: asyncio.Task[None] | None = None

    async def take(self, stop: asyncio.Event) -> bool:
        """Wait for the lease; False when ``stop`` came first."""
        while not stop.is_set():
            try:
                if await self._try():
                    log.info("this worker works", term=self.term)
                    self.standing_by = False
                    self._keeping = asyncio.create_task(self._keep())
                    return True
            except _NOT_NOW as error:
                log.warning("the lease cannot be taken now", error=repr(error))
            except _AWAY as error:
                log.warning("the lease waits for the database", error=repr(error))
                self._drop()
                self._yielding = YIELDING_LOOKS if self.standing_by else 0
            await _pause(stop)
        return False

    async def lasts(self) -> None:
        """Replaced as soon as another one works."""
        if self._keeping is not None:
            await asyncio.shield(self._keeping)

    def close(self) -> None:
        """Give it back at once."""
        if self._keeping is not None:
            self._keeping.cancel()
        self._drop()

    async def _keep(self) -> None:
        """Say that this one lives, as long as the term is its own.

        A lost session is taken up again under the same term: what was committed meanwhile was
        committed under it, and nobody else worked.
        """
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                db = await self._session()
                self._held = self._held or await db.fetchval(_TRY)
                mine = await db.fetchval(_KEEP, self.term) == self.term
                row = None if mine else await db.fetchrow(_READ)
            except _NOT_NOW as error:
                log.warning("the lease cannot be kept now", error=repr(error))
            except _AWAY as error:
                log.warning("the lease waits for the database", error=repr(error))
                self._drop()
            else:
                if row is not None:
                    raise Replaced(
                        f"the worker {row['holder']} has taken over under term {row['term']}; the"
                        f" term {self.term} of this one is over, and nothing of it is stored since."
                        " Started again it stands by."
                    )

    async def _try(self) -> bool:
        db = await self._session()
        if self._yielding:
            self._yielding -= 1
            return False
        if await db.fetchval(_TRY):
            self._held = True
            await self._begin(db)
            return True
        row = await db.fetchrow(_READ)
        if not self.standing_by:
            self.standing_by = True
            log.info("another worker works; this one stands by", holder=row["holder"])
        seen = row["term"], row["kept"]
        self._silent = self._silent + 1 if seen == self._seen else 0
        self._seen = seen
        if self._silent >= SILENT_LOOKS:
            log.warning("taking over: the worker has said nothing", holder=row["holder"])
            self._silent = 0
            await db.execute(_END_OTHERS, [1, 2])
        return False

    async def _begin(self, db: asyncpg.Connection) -> None:
        """A new term, once nothing of the one before is under way."""
        for last in (False, True):
            try:
                async with db.transaction():
                    await db.execute(f"SET LOCAL lock_timeout = '{_FINISH_WITHIN_S}s'")
                    await db.execute(_NO_WRITER)
                    self.term = await db.fetchval(_TAKE, self._name)
                return
            except asyncpg.LockNotAvailableError:
                if last:
                    raise
                log.warning("ending what the worker before has left open")
                await db.execute(_END_OTHERS, [2])

    async def _session(self) -> asyncpg.Connection:
        if self._db is None or self._db.is_closed():
            self._held = False
            self._db = await asyncpg.connect(
                self._url,
                timeout=_ANSWER_WITHIN_S,
                command_timeout=_ANSWER_WITHIN_S,
                # The network may end without a word: then the server lets go of the lease.
                server_settings={
                    "application_name": "ioc lease",
                    "tcp_keepalives_idle": "5",
                    "tcp_keepalives_interval": "5",
                    "tcp_keepalives_count": "3",
                },
            )
        return self._db

    def _drop(self) -> None:
        self._held = False
        db, self._db = self._db, None
        if db is not None:
            with contextlib.suppress(Exception):
                db.terminate()


async def _pause(stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), LOOK_S)
