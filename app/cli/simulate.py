"""``ioc simulate``: the simulated upstream systems alone, as one HTTP program."""

from __future__ import annotations

import os
import sys

from app.settings import load_settings
from app.supervisor.run import ROOT, simulator_arguments


def command() -> None:
    """Serve the simulated upstream systems on IOC_SIM_PORT until stopped."""
    settings = load_settings()
    # Theirs alone: they share no code with this program, only the interpreter.
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    arguments = [sys.executable, *simulator_arguments(settings)]
    os.execve(sys.executable, arguments, os.environ | {"PYTHONPATH": path})
