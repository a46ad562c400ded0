"""``ioc evaluate``: judges everything again from the first page, and compares with what is kept."""

from __future__ import annotations

import asyncio
import time

import typer

from app.cli._database import database
from app.settings import load_settings
from app.wiring import evaluate


def command(
    *,
    rebuild: bool = typer.Option(False, "--rebuild", help="Replay every stored page in order."),
    compare: bool = typer.Option(False, "--compare", help="Exit with 1 at a difference."),
) -> None:
    """Replay all pages in order and judge every day close and what screens show; writes nothing."""
    if not rebuild:
        typer.echo("ioc: nothing to do; expected --rebuild, and --compare with it", err=True)
        raise typer.Exit(2)
    began = time.perf_counter()
    with database(load_settings()) as settings:
        reports = asyncio.run(evaluate(settings))
    took = time.perf_counter() - began
    judged = sum(r.judged for r in reports.values())
    for source, report in reports.items():
        typer.echo(
            f"ioc: {source}: {report.judged} readings rebuilt, {report.compared} compared,"
            f" {report.passed_over} of another definition or a later look,"
            f" {report.differences} different"
        )
        for line in report.told if compare else ():
            typer.echo(f"  {line}")
    typer.echo(f"ioc: {judged} readings in {took:.1f} s")
    if compare and any(r.differences for r in reports.values()):
        raise typer.Exit(1)
