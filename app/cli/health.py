"""``ioc health``: exit status 0 while the web process answers; for a container's health check."""

from __future__ import annotations

import typer

from app.settings import load_settings
from app.supervisor.fill import get


def command(url: str = typer.Option("", help="Asked instead of this machine's own port.")) -> None:
    """Ask /healthz."""
    asked = url or f"http://127.0.0.1:{load_settings().port}/healthz"
    if get(asked) is None:
        typer.echo(f"ioc: {asked} does not answer", err=True)
        raise typer.Exit(1)
