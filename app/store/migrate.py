"""Brings a database to the newest schema; safe to run from several processes at once."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def script_folder() -> Path:
    """Beside the code in a checkout, inside the package in an installed wheel."""
    checkout = _PACKAGE.parent / "alembic"
    return checkout if (checkout / "env.py").is_file() else _PACKAGE / "alembic"


def upgrade(url: str, to: str = "head") -> None:
    """Run what is missing, under a lock of the database; blocks, and makes its own event loop."""
    # Half a second of imports that only a start and `ioc migrate` need.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(script_folder()).replace("%", "%%"))
    config.attributes["url"] = url
    command.upgrade(config, to)
