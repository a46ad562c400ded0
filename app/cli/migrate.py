"""``ioc migrate``: the newest schema, by hand."""

from __future__ import annotations

import typer

from app.settings import load_settings
from app.store.embedded import EmbeddedPostgres
from app.store.migrate import upgrade


def command(to: str = typer.Option("head", help="The revision to reach.")) -> None:
    """Bring the database to the newest schema: database_url, or the embedded one."""
    settings = load_settings()
    if settings.database_url:
        upgrade(settings.database_url, to)
    else:
        server = EmbeddedPostgres(settings.data_dir)
        try:
            upgrade(server.start(), to)
        finally:
            server.stop()
    typer.echo(f"ioc: the schema is at {to}")
