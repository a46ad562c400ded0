"""The gates: each says how much it looked at, and looking at nothing is a failure."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "frontend"
_BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Gate:
    """One tool: how it is run and how it tells what it looked at."""

    name: str
    command: tuple[str, ...]
    counted: str
    folder: Path = ROOT


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate found."""

    looked_at: int
    passed: bool
    said: str


GATES = (
    Gate("ruff", (str(_BIN / "ruff"), "check", "--no-cache"), r"(\d+) files"),
    Gate("mypy", (str(_BIN / "mypy"),), r"(?:in|checked) (\d+) source files?"),
    Gate("imports", (str(_BIN / "lint-imports"), "--no-cache"), r"Analyzed (\d+) files"),
    Gate("eslint", ("npm", "run", "--silent", "lint", "--", "--format", "json"),
         r"(\d+) files", FRONTEND),
    Gate("svelte-check", ("npm", "run", "--silent", "check", "--", "--output", "machine"),
         r"COMPLETED (\d+) FILES", FRONTEND),
)  # fmt: skip


def run(gate: Gate) -> Verdict:
    """Run one gate; a tool that cannot be started has looked at nothing."""
    try:
        done = subprocess.run(
            gate.command, cwd=gate.folder, env=_environment(), capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
    except OSError as error:
        return Verdict(0, False, f"{gate.command[0]} cannot be run: {error}. Run `make check`.")
    said = done.stdout + done.stderr
    if gate.name == "ruff":
        said += _ruff_files()
    elif gate.name == "eslint":
        said = _eslint_lines(said)
    numbers = re.findall(gate.counted, said)
    looked_at = int(numbers[-1]) if numbers else 0
    return Verdict(looked_at, done.returncode == 0 and looked_at > 0, said.strip())


def _ruff_files() -> str:
    """Ruff does not count: it lists."""
    listed = subprocess.run(
        [str(_BIN / "ruff"), "check", "--show-files"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return f"{sum(line.endswith('.py') for line in listed.stdout.splitlines())} files"


def _eslint_lines(said: str) -> str:
    """ESLint says nothing when all is well: its JSON lists every file it looked at."""
    found = re.search(r"^\[.*\]$", said, re.MULTILINE | re.DOTALL)
    files = json.loads(found[0]) if found else []
    lines = [
        f"{Path(file['filePath']).relative_to(FRONTEND)}:{m.get('line')}: {m['message']}"
        f" ({m.get('ruleId')})"
        for file in files
        for m in file["messages"]
    ]
    return "\n".join([*lines, f"{len(files)} files"]) if found else said


def _environment() -> Mapping[str, str]:
    """Node from the wheel where the machine has none."""
    path = os.environ.get("PATH", "")
    if shutil.which("npm") is None:
        path = f"{ROOT / '.node/bin'}{os.pathsep}{path}"
    return os.environ | {"PATH": path, "NO_COLOR": "1"}


def main() -> int:
    """All of them; the exit status says whether every one passed."""
    passed = True
    for gate in GATES:
        verdict = run(gate)
        passed &= verdict.passed
        word = "passed" if verdict.passed else "FAILED"
        print(f"{gate.name:<13}{verdict.looked_at:>5} files  {word}", flush=True)
        if not verdict.passed:
            print(verdict.said or "it looked at nothing", flush=True)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
