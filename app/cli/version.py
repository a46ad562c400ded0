"""``ioc version``."""

from __future__ import annotations

import typer

from app import VERSION


def command() -> None:
    """Print the version."""
    typer.echo(VERSION)
