"""``ioc demo``: a simulated province, loaded and live on a wall, in one command."""

from __future__ import annotations

from app.settings import load_settings
from app.supervisor.run import run


def command() -> None:
    """Start everything with a simulated province; Ctrl-C stops it, a next start goes on."""
    run(load_settings(), demo=True)
