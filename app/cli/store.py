"""``ioc store``: whether what is kept is sound, and what it weighs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from app.cli._database import database
from app.settings import load_settings
from app.store.pool import open_pool
from app.store.soundness import verify
from app.store.weight import weigh

group = typer.Typer(help="What the database keeps: is it sound, what does it weigh.")
T = TypeVar("T")
_SHOWN = 50


@group.command("verify")
def verify_command() -> None:
    """Check sums, rollups against points, cursors and gaps; exit status 1 when anything differs."""
    found = _asked(verify)
    for what, times in found.looked_at.items():
        typer.echo(f"ioc: looked at {times:,} {what}")
    for fault in found.faults[:_SHOWN]:
        typer.echo(f"ioc: {fault}", err=True)
    if found.faults:
        typer.echo(
            f"ioc: {len(found.faults)} faults; restore the database from a backup, or ask for the"
            " feed's pages again",
            err=True,
        )
        raise typer.Exit(1)
    if not found.looked_at:
        typer.echo("ioc: nothing is kept yet, so nothing was looked at")
        return
    typer.echo("ioc: everything is as it was written")


@group.command("stats")
def stats_command() -> None:
    """Points, bytes a point, size of each table, and how far the sealer is behind."""
    weight = _asked(weigh)
    each = "–" if weight.bytes_per_point is None else f"{weight.bytes_per_point:.3f}"
    typer.echo(f"ioc: {weight.points:,} points of {weight.series:,} series, {each} bytes a point")
    typer.echo(
        f"ioc: {weight.sealed:,} sealed, {weight.open:,} in open buckets,"
        f" {weight.unsealed:,} unsealed"
    )
    table = Table("table", "MB", title="tables with their indexes")
    for name, size in weight.tables.items():
        table.add_row(name, f"{size / 1e6:,.2f}")
    lags = Table("source", "batches", "points", "seconds", title="lag of the sealer")
    for lag in weight.lags:
        lags.add_row(lag.source, f"{lag.batches:,}", f"{lag.points:,}", f"{lag.seconds:,.1f}")
    console = Console()
    console.print(table)
    if weight.lags:
        console.print(lags)


def _asked(question: Callable[[asyncpg.Pool], Awaitable[T]]) -> T:
    async def ask(url: str) -> T:
        pool = await open_pool(url, 1)
        try:
            return await question(pool)
        finally:
            await pool.close()

    with database(load_settings()) as settings:
        return asyncio.run(ask(settings.database_url))
