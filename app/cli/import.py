"""``ioc import``: takes what ``ioc export`` wrote; a second time changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress

from app.cli._database import database
from app.settings import load_settings
from app.store.archive.manifest import read_manifest
from app.store.archive.shape import Damaged
from app.wiring import take_archive


def command(folder: Path = typer.Argument(help="A folder made by `ioc export`.")) -> None:
    """Add what is not there yet; the installation may run on. What was judged here stays."""
    try:
        manifest = read_manifest(folder)
        with database(load_settings()) as settings, Progress(console=Console(stderr=True)) as bar:
            tasks = {f.table: bar.add_task(f.table, total=f.rows) for f in manifest.files}
            taken = asyncio.run(
                take_archive(
                    settings, folder, manifest, lambda table, n: bar.advance(tasks[table], n)
                )
            )
    except (Damaged, LookupError) as wrong:
        typer.echo(f"ioc: {wrong}", err=True)
        raise typer.Exit(2) from None
    for table, (new, what) in taken.items():
        typer.echo(f"ioc: {table}: {new} {what} were not there before")
