"""``ioc replay``: reads quarantined records again, after the collector has been mended."""

from __future__ import annotations

import asyncio

import typer

from app.settings import load_settings
from app.store.embedded import EmbeddedPostgres
from app.wiring import replay


def command(
    source: str = typer.Argument(help="A source of the profile, such as documents."),
) -> None:
    """Store what can be read by now and say of the rest why not; the installation may run on."""
    settings = load_settings()
    server = EmbeddedPostgres(settings.data_dir)
    url = settings.database_url or server.running()
    started = url is None
    try:
        told = settings.model_copy(update={"database_url": url or server.start()})
        found = asyncio.run(replay(told, source))
    except LookupError as wrong:
        typer.echo(f"ioc: {wrong}", err=True)
        raise typer.Exit(2) from None
    finally:
        if started:
            server.stop()
    left = sum(found.refused.values())
    typer.echo(f"ioc: {source}: {len(found.ids)} records read and stored, {left} still unreadable")
    for reason, times in sorted(found.refused.items(), key=lambda r: -r[1])[:20]:
        typer.echo(f"  {times:6} x {reason}")
    if left:
        typer.echo(
            f"ioc: next: the records lie on /sources and at /api/v1/quarantine?source={source};"
            " where the source sends what was agreed, teach its collector's read_record to read"
            f" them and run `ioc replay {source}` again; else ask its operator to send them anew",
            err=True,
        )
        raise typer.Exit(1)
