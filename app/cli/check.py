"""``ioc check``: is the configuration right? Every mistake with its file, line and remedy."""

from __future__ import annotations

import re
from pathlib import Path

import typer

from app.domain.source import SourceConfig
from app.evaluation.example import prove
from app.ingest.samples import SampleWrong, SettingWrong, replay
from app.notify.channel import open_receivers
from app.profile import profile_folder
from app.profile.check import Checked, check_profile
from app.profile.document import Document
from app.profile.finding import Finding
from app.settings import Settings, SettingsError, config_file, load_settings


def command(
    profile: str = typer.Option("", help="A profile or its folder; else the setting profile."),
) -> None:
    """Check settings, profile, definitions with their examples, sources with their samples."""
    named, findings = _settings()
    checked = check(profile_folder(profile or named))
    findings += checked.findings
    for finding in findings:
        typer.echo(finding.told(Path.cwd()), err=True)
    if findings:
        many = "mistake" if len(findings) == 1 else "mistakes"
        typer.echo(f"ioc: {len(findings)} {many}; nothing was changed", err=True)
        raise typer.Exit(1)
    typer.echo(
        f"ioc: nothing wrong: {checked.indicators} indicators, {checked.examples} examples,"
        f" {checked.sources} sources, {checked.samples} samples"
    )


def check(folder: Path) -> Checked:
    """A profile's folder, with the product's own measures and collectors."""
    return check_profile(folder, prove, _replay)


def _replay(source: SourceConfig, file: Path) -> tuple[int, list[Finding]]:
    try:
        return replay(source), []
    except SettingWrong as wrong:
        line = Document(file).lines.of(("settings", wrong.name))
        found = Finding(file, line, wrong.found, wrong.expected, wrong.remedy)
    except SampleWrong as wrong:
        found = Finding(wrong.file, wrong.line, wrong.found, wrong.expected, wrong.remedy)
    except Exception as error:  # a plug-in's own code may raise anything
        expected = f"collectors/{source.collector}/collector.py that can be imported and run"
        found = Finding(
            file, Document(file).lines.of(("collector",)), f"{type(error).__name__}: {error}"[:300],
            expected, "correct the name, or the collector",
        )  # fmt: skip
    return 0, [found]


def _receivers(settings: Settings) -> list[Finding]:
    """Every ``[receivers.<id>]`` must open: its channel is there and its fields are known."""
    found = []
    for name, table in settings.receiver_tables().items():
        try:
            open_receivers({name: table})
        except (LookupError, ValueError) as wrong:
            line = Document(config_file()).lines.of(("receivers", name))
            expected = "channel and the fields of its Config in app/notify/channels/<channel>.py"
            found.append(Finding(config_file(), line, str(wrong), expected, "correct the table"))
    return found


def _settings() -> tuple[str, list[Finding]]:
    """The profile's name, and what is wrong with ``ioc.toml`` and the environment."""
    try:
        settings = load_settings()
        return settings.profile, _receivers(settings)
    except SettingsError as wrong:
        doc = Document(config_file())
        said = str(wrong)
        named = re.search(r"(?:sets|setting) (\w+)", said)
        line = doc.lines.of((named[1],)) if named else max([1, *(f.line for f in doc.findings)])
        expected = "a setting of docs/reference/settings.md"
        found = Finding(config_file(), line, said, expected, "correct it there or in IOC_*")
        return str(doc.told.get("profile", "laocai")), [found]
