"""Runs the migrations on the database the caller names, one process at a time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

import asyncpg
from alembic import context
from sqlalchemy import Connection, event, pool, text
from sqlalchemy.engine.interfaces import ExecutionContext
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.util import await_only

# Any fixed number will do: two processes that start together must agree on it.
LOCK = 4_853_202_210


def _url() -> str:
    """The caller's address, else IOC_DATABASE_URL for a person at the alembic command."""
    url = context.config.attributes.get("url") or os.environ.get("IOC_DATABASE_URL", "")
    if not url:
        raise SystemExit("No database to migrate: set IOC_DATABASE_URL or run `ioc migrate`.")
    return str(url).replace("postgresql+asyncpg://", "postgresql://")


def _upgrade(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    context.configure(connection=connection)
    context.run_migrations()


def _script(
    cursor: object, statement: str, parameters: Sequence[object], execution: ExecutionContext
) -> bool:
    """A migration is written as one SQL script; asyncpg prepares single statements only."""
    if parameters or ";" not in statement.rstrip().rstrip(";"):
        return False
    driver: Any = execution.root_connection.connection.driver_connection
    await_only(driver.execute(statement))
    return True


async def _online() -> None:
    url = _url()
    # The driver reads the address itself, as it does for the pool: `sslmode=` means the same.
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=pool.NullPool
    )
    event.listen(engine.sync_engine, "do_execute", _script)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(_online())
