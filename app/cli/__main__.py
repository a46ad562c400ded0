"""``python -m app.cli``: the ``ioc`` command where it is not installed."""

from __future__ import annotations

from app.cli import main

main()
