"""A copy of the clone to follow pages in, and a small demo to follow the tutorial on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.docs.page import ROOT, Commands

COPIED = (
    "app", "collectors", "docs", "tests", "frontend/src", "pyproject.toml", ".ci", "Makefile",
    "alembic", "alembic.ini", "README.md",
)  # fmt: skip


def clean_environment(data_dir: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("IOC_", "PYTEST"))}
    return kept | {"IOC_DATA_DIR": str(data_dir), "PYTHONDONTWRITEBYTECODE": "1"}


def copy_clone(folder: Path) -> Path:
    """What a reader has after cloning, with the environment of this clone."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "static", "node_modules")
            shutil.copytree(source, target, ignore=ignored)
        else:
            shutil.copy2(source, target)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Commands:
    """A clone to be changed at will."""
    folder = copy_clone(tmp_path / "clone")
    return Commands(folder, clean_environment(tmp_path / "data"))
