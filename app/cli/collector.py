"""``ioc collector``: make a new collector that works; grade one under faults."""

from __future__ import annotations

import asyncio
import sys
from enum import StrEnum
from pathlib import Path

import typer

from app.domain.source import SourceConfig
from app.ingest.discover import find_collector
from app.ingest.grade import GRADES, Rule, grade_of, judge, trials
from app.ingest.rehearsal import CannotRehearse, Heard, rehearse, staged
from app.ingest.runner import Collect
from app.ingest.samples import SampleWrong, replay, samples_of
from app.ingest.scaffold import CannotScaffold, scaffold
from app.profile import load_profile, profile_folder
from app.profile.load import ProfileError

group = typer.Typer(help="Make a collector, and grade one.", no_args_is_help=True)


class Grade(StrEnum):
    """What a collector may be held to."""

    bronze = "bronze"
    silver = "silver"
    gold = "gold"


@group.command("new")
def new(
    name: str = typer.Argument(help="Small letters and underscores, such as land_registry."),
    title: str = typer.Option("", help="What screens call it."),
    profile: str = typer.Option("laocai", help="The province whose source it becomes."),
) -> None:
    """Write a collector with simulator, samples, page and test; it runs as it is."""
    try:
        files = scaffold(Path.cwd(), name, title, profile)
    except CannotScaffold as wrong:
        typer.echo(f"ioc: {wrong}", err=True)
        raise typer.Exit(2) from None
    for file in files:
        typer.echo(f"wrote {file}")
    typer.echo(f"ioc: next: .ci/ioc collector check {name}")


@group.command("check")
def check(
    name: str = typer.Argument(help="A source of the profile."),
    profile: str = typer.Option("laocai", help="The province whose source it is."),
    least: Grade = typer.Option(Grade.bronze, help="Exit status 1 below this grade."),
) -> None:
    """Run a collector against its simulator under every fault; bronze, silver or gold, and why."""
    try:
        source = load_profile(profile_folder(profile)).sources[name]
        collect = find_collector(source.collector)
        heard = asyncio.run(_rehearsed(source, collect))
    except KeyError:
        typer.echo(f"ioc: sources/{name}.toml is not in the profile {profile}", err=True)
        raise typer.Exit(2) from None
    except (LookupError, ProfileError, CannotRehearse) as wrong:
        typer.echo(f"ioc: {wrong}", err=True)
        raise typer.Exit(2) from None
    rules = judge(sys.modules[collect.__module__], heard, _papers(source, collect))
    reached = _tell(name, rules, heard)
    if GRADES.index(reached) < GRADES.index(least):
        raise typer.Exit(1)


async def _rehearsed(source: SourceConfig, collect: Collect) -> Heard:
    async with staged(source, collect, _root(collect)) as stage:
        return await rehearse(stage)


def _root(collect: Collect) -> Path:
    """The folder that holds ``collectors/``: where its simulator is found."""
    return samples_of(collect).parents[2]


def _papers(source: SourceConfig, collect: Collect) -> str:
    folder = samples_of(collect).parent
    if not (folder / "README.md").is_file():
        return f"{folder.name}/README.md is missing"
    pages = _root(collect) / "docs/reference/feeds"
    if pages.is_dir() and not (pages / f"{source.id}.md").is_file():
        return f"docs/reference/feeds/{source.id}.md is missing: its wire format"
    try:
        replay(source)
    except SampleWrong as wrong:
        return f"{wrong.file.name}: {wrong.found}"
    return ""


def _tell(name: str, rules: list[Rule], heard: Heard) -> str:
    for rule in rules:
        word = "MISSED" if rule.missed else "kept"
        typer.echo(f"  {rule.grade:<7}{word:<7} {rule.says}")
        if rule.missed:
            typer.echo(f"{'':17}{rule.missed}")
    reached = grade_of(rules)
    read = sum(page.count for _, page in heard.pages)
    typer.echo(
        f"ioc: {name}: {reached} ({len(rules)} rules, {trials(heard)} faults,"
        f" {read:,} records in {len(heard.pages)} pages)"
    )
    return reached
