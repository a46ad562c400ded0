"""The connection pool every part of a process shares."""

from __future__ import annotations

import asyncio

import asyncpg

# The server is away or ends. The last is the library's answer to a word it did not ask for, the
# good-bye of a server that is killed.
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


async def open_pool(url: str, size: int, term: int | None = None) -> asyncpg.Pool:
    """Open a pool, waiting for a server that is still starting (up to a minute).

    ``term``: of the worker whose pool it is; once that is over, its transactions are refused.
    """
    fence = {} if term is None else {"ioc.term": str(term)}
    dsn = url.replace("postgresql+asyncpg://", "postgresql://")
    for _ in range(120):
        try:
            return await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=size,
                command_timeout=60,
                reset=_leave_as_is,
                server_settings={"application_name": "ioc", "jit": "off"} | fence,
            )
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
            await asyncio.sleep(0.5)
    raise ConnectionError(
        "the database did not answer for a minute; check that it runs and that its URL is right"
    )


async def _leave_as_is(_: asyncpg.Connection) -> None:
    """Nothing here leaves a trace in its session, and to wipe it would double every round trip.

    What is open is still rolled back, and listeners of this side are gone, as ever.
    """
