"""``ioc export``: what is kept as files any other program reads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress

from app import VERSION
from app.cli._database import database
from app.domain.period import midnight_s
from app.settings import Settings, load_settings
from app.store.archive.give import Given, Window, giving
from app.store.archive.manifest import FORMAT, WRITERS, File, Manifest, sha256_of
from app.store.archive.shape import TABLES, height
from app.store.pool import open_pool


class Form(StrEnum):
    """Of the files."""

    PARQUET = "parquet"
    CSV = "csv"


def command(
    folder: Path = typer.Argument(help="A new or empty folder."),
    form: Form = typer.Option(Form.PARQUET, "--format", help="Of the files."),
    year: int = typer.Option(0, min=0, max=2999, help="Only this year; 0 = everything kept."),
    only: list[str] = typer.Option([], help="One table of them; may be repeated."),
) -> None:
    """Write what is kept, all as of one instant; the installation may run on. No personal data."""
    unknown = sorted(set(only) - set(TABLES))
    if unknown:
        _refuse(f"no table {unknown[0]!r}; expected one of {', '.join(TABLES)}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        _refuse(f"{folder} is not an empty folder; name a new one, nothing is written over")
    folder.mkdir(parents=True, exist_ok=True)
    tables = [name for name in TABLES if not only or name in only]
    with database(load_settings()) as settings:
        made = asyncio.run(_export(settings, folder, form, year, tables))
    for file in made.files:
        typer.echo(f"ioc: {folder / file.name}: {file.rows} rows")


def _refuse(why: str) -> None:
    typer.echo(f"ioc: {why}", err=True)
    raise typer.Exit(2)


async def _export(
    settings: Settings, folder: Path, form: Form, year: int, tables: Sequence[str]
) -> Manifest:
    window = _window(year)
    pool = await open_pool(settings.database_url, 1)
    try:
        async with giving(pool, window) as given:
            with Progress(console=Console(stderr=True)) as bar:
                files = [await _table(given, folder, form, t, bar) for t in tables]
            watermarks = await given.watermarks()
    finally:
        await pool.close()
    made = Manifest(
        FORMAT, f"ioc {VERSION}", settings.profile, form.value,
        window.from_s if year else None, window.to_s if year else None, watermarks, files,
    )  # fmt: skip
    made.write(folder)
    return made


def _window(year: int) -> Window:
    if not year:
        return Window()
    return Window(midnight_s(date(year, 1, 1)), midnight_s(date(year + 1, 1, 1)))


async def _table(given: Given, folder: Path, form: Form, table: str, bar: Progress) -> File:
    task = bar.add_task(table, total=await given.count(table))
    path = folder / f"{table}.{form.value}"
    writer = WRITERS[form.value](path, TABLES[table])
    rows = 0
    try:
        async for block in given.blocks(table):
            writer.write(block)
            rows += height(block)
            bar.advance(task, height(block))
    finally:
        writer.close()
    bar.update(task, total=rows, completed=rows)
    return File(table, path.name, rows, sha256_of(path))
