"""Scaffold: the files of a new collector that works, made from the templates beside this module."""

from __future__ import annotations

import re
from pathlib import Path

TEMPLATES = Path(__file__).parent / "template"
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")


class CannotScaffold(Exception):
    """Why nothing was written."""


def files_of(name: str, profile: str) -> dict[str, str]:
    """Where each file of a collector goes, relative to the clone, by its template."""
    folder = f"collectors/{name}"
    return {
        f"{folder}/__init__.py": "",
        f"{folder}/collector.py": "collector.py.txt",
        f"{folder}/simulator.py": "simulator.py.txt",
        f"{folder}/truth.py": "truth.py.txt",
        f"{folder}/README.md": "README.md.txt",
        f"{folder}/samples/login.json": "login.json.txt",
        f"{folder}/samples/page.json": "page.json.txt",
        f"{folder}/samples/replay.toml": "replay.toml.txt",
        f"app/profiles/{profile}/sources/{name}.toml": "source.toml.txt",
        f"docs/reference/feeds/{name}.md": "feed.md.txt",
        f"tests/unit/test_collector_{name}.py": "test_collector.py.txt",
    }


def scaffold(root: Path, name: str, title: str, profile: str) -> list[str]:
    """Write the files; returns their names. All or nothing, and nothing is written over."""
    if not _NAME.match(name):
        raise CannotScaffold(
            f"the name {name!r}; expected small letters, digits and single underscores, such as"
            " land_registry: it becomes a folder and a Python package"
        )
    if not (root / "collectors").is_dir() or not (root / f"app/profiles/{profile}").is_dir():
        raise CannotScaffold(
            f"{root} holds no collectors/ and app/profiles/{profile}/; run this in a clone, or"
            " write a package of your own with an entry point of group ioc.collectors"
        )
    files = files_of(name, profile)
    for path in files:
        if (root / path).exists():
            raise CannotScaffold(f"{path} is there already; choose another name, or remove it")
    for path, template in files.items():
        text = (TEMPLATES / template).read_text(encoding="utf-8") if template else ""
        words = {"@name@": name, "@NAME@": name.upper(), "@title@": title or name}
        for word, told in words.items():
            text = text.replace(word, told)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return list(files)
