"""The shape of the code: sizes, docstrings, names, and who may ask the machine for the time."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES, FUNCTION_LINES = 350, 45
VAGUE = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
# The only homes of the machine's clock: the product's own, and the simulators' own.
CLOCKS = {"app/domain/clock.py", "collectors/_world/clock.py", "collectors/_world/sink.py"}


def modules() -> list[Path]:
    found = [*(ROOT / "app").rglob("*.py"), *(ROOT / "collectors").rglob("*.py")]
    return sorted(p.relative_to(ROOT) for p in found)


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text())


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{module} imports relatively"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_there_is_something_to_look_at():
    assert len(modules()) > 30


@pytest.mark.parametrize("module", modules(), ids=str)
def test_a_module_is_small_and_says_what_it_is_for(module: Path):
    lines = len((ROOT / module).read_text().splitlines())
    assert lines <= FILE_LINES, f"{module} has {lines} lines; split it by noun"
    if lines:
        assert ast.get_docstring(tree(module)), f"{module} has no docstring"
    assert not VAGUE & set(module.with_suffix("").parts), f"{module} has a name that says nothing"
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= FUNCTION_LINES, f"{module}:{node.name} has {length} lines"


@pytest.mark.parametrize("module", modules(), ids=str)
def test_time_is_an_argument(module: Path):
    if str(module) in CLOCKS:
        return
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asked = ast.unparse(node.func)
            assert not asked.endswith(("datetime.now", "datetime.utcnow", "date.today")), (
                f"{module}:{node.lineno} asks the machine for the time; take a Clock or an instant"
            )
            assert asked != "time.time", f"{module}:{node.lineno} asks the machine for the time"


def feeds() -> list[str]:
    return sorted(p.parent.name for p in (ROOT / "collectors").glob("*/collector.py"))


def test_feeds_do_not_know_each_other():
    assert feeds()
    for module in modules():
        if module.parts[0] == "collectors" and module.parts[1] in feeds():
            for name in imports(module):
                parts = name.split(".")
                if parts[0] == "collectors" and len(parts) > 1:
                    assert parts[1] in {module.parts[1], "_world"}, f"{module} imports {name}"


def test_a_collector_and_its_simulator_share_no_code():
    """An error in reading the contract must not hide by being made on both sides."""
    for feed in feeds():
        folder = Path("collectors") / feed
        seen = set(imports(folder / "collector.py"))
        for name in seen:
            if name.split(".")[0] == "app":
                assert name == "app.plugin" or name.startswith("app.plugin."), f"{feed}: {name}"
            assert not name.startswith("collectors._world"), f"{feed}: {name}"
        for module in modules():
            if module.parts[:2] == folder.parts and module.name not in {"collector.py"}:
                for name in imports(module):
                    if module.stem in {"simulator", "truth"}:
                        assert name.split(".")[0] != "app", f"{module} imports {name}"
                    assert not name.startswith(f"collectors.{feed}.collector"), f"{module}: {name}"


def test_the_product_imports_no_feed():
    for module in modules():
        if module.parts[0] == "app":
            for name in imports(module):
                assert name.split(".")[0] != "collectors", f"{module} imports {name}"


def test_the_top_level_is_the_one_agreed():
    """What a newcomer meets first: the rooms, and what every repository needs."""
    agreed = {
        "app", "collectors", "frontend", "alembic", "alembic.ini", "pyproject.toml", "tests",
        "Dockerfile", "README.md", "CHANGELOG.md", "docs", "benchmarks", "Makefile", ".ci",
        ".gitignore", ".dockerignore", "hatch_build.py", "requirements.txt",
        "requirements-dev.txt", "requirements-node.txt", "requirements-uv.txt",
    }  # fmt: skip
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert listed
    assert {Path(name).parts[0] for name in listed} == agreed


def test_make_test_names_every_folder_of_tests():
    told = (ROOT / "Makefile").read_text()
    folders = {p.parent.relative_to(ROOT).as_posix() for p in (ROOT / "tests").rglob("test_*.py")}
    assert folders
    assert [f for f in sorted(folders) if f" {f}" not in told] == []
