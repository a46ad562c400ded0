"""The command line: every module of this folder is one sub-command, its ``command`` function.

A module with several, such as ``ioc collector new``, offers them as ``group``.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

import typer

from app.settings import SettingsError
from app.store.embedded import ServerFailed, UnusableDataDir
from app.supervisor.data_time import DataTimeLost
from app.supervisor.run import StartFailed


def build() -> typer.Typer:
    """All sub-commands, found by folder: a new one is a new file."""
    commands = typer.Typer(
        help="Operations centre of a province.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        if not found.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{found.name}")
            if hasattr(module, "group"):
                commands.add_typer(module.group, name=found.name)
            else:
                commands.command(found.name)(module.command)
    return commands


def main() -> None:
    """Run; what a person can put right is said in one message, without a trace."""
    try:
        build()()
    except (SettingsError, UnusableDataDir, ServerFailed, StartFailed, DataTimeLost) as error:
        sys.stderr.write(f"ioc: {error}\n")
        sys.exit(2)
