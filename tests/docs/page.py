"""Reads a page of the documentation as steps a reader takes, and takes them.

Understood are fenced blocks: ``console`` (commands after ``$ ``, then what they print), ``diff``
(an edit of the file named before it), any other language after "New file `path`:" (a new file),
and ``text`` (only read). A comment just before a block says more: ``stays`` (goes on running),
``Ctrl-C`` (ends what runs), ``within N s`` (asked again until it is so), ``not run: why``.
``<!-- see /path: text -->`` is a look at a page. Every other fenced block is an error.
"""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND_S = 120.0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and where the page says so."""

    kind: str  # run | stays | stop | edit | create | see | skip | read
    where: str
    text: str
    path: str = ""
    within_s: float = 0.0


@dataclass(slots=True)
class Commands:
    """Runs commands in a folder; ``swap`` replaces what differs from a reader's own machine."""

    folder: Path
    environment: dict[str, str]
    swap: dict[str, str] = field(default_factory=dict)

    def localised(self, text: str) -> str:
        for told, real in self.swap.items():
            text = text.replace(told, real)
        return text

    def run(self, step: Step) -> None:
        """Each command, and what it prints; with ``within_s`` until it prints that."""
        for command, expected in dialogue(step):
            deadline = time.monotonic() + step.within_s
            while True:
                said = self._said(step, command)
                if matches(self.localised(expected), said):
                    break
                told = f"{step.where}: $ {command}\nprinted:\n{said}\nexpected:\n{expected}"
                assert time.monotonic() < deadline, told
                time.sleep(0.5)

    def _said(self, step: Step, command: str) -> str:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", self.localised(command)], cwd=self.folder,
            env=self.environment, capture_output=True, text=True, timeout=COMMAND_S, check=False,
        )  # fmt: skip
        said = (done.stdout + done.stderr).strip()
        if not step.within_s:
            failed = "exit status" in step.text
            assert (done.returncode != 0) == failed, f"{step.where}: $ {command}\n{said}"
        return said


def steps(page: Path) -> list[Step]:
    """Everything to do on the page, in order."""
    lines = page.read_text().splitlines()
    found: list[Step] = []
    number = 0
    while number < len(lines):
        where = f"{page.relative_to(ROOT)}:{number + 1}"
        line = lines[number]
        if see := re.fullmatch(r"<!-- see (\S+): (.+) -->", line):
            found.append(Step("see", where, see[2], see[1]))
        if fence := re.fullmatch(r"(`{3,})(\w*)", line):
            end = lines.index(fence[1], number + 1)
            body = "\n".join(lines[number + 1 : end])
            found.append(_block(where, fence[2], body, _before(lines, number)))
            number = end
        number += 1
    return found


def _before(lines: list[str], number: int) -> str:
    """What stands just above a block: a comment, else the last sentence."""
    above = number - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    return lines[above] if above >= 0 else ""


def _block(where: str, language: str, body: str, before: str) -> Step:
    comment = re.fullmatch(r"<!-- (.+) -->", before)
    told = comment[1] if comment else ""
    within = re.search(r"within (\d+) s", told)
    within_s = float(within[1]) if within else 0.0
    if told.startswith("not run: "):
        return Step("skip", where, body)
    if language == "console":
        kind = "stays" if "stays" in told else "stop" if "Ctrl-C" in told else "run"
        return Step(kind, where, body, within_s=within_s)
    if language in {"text", "mermaid"}:
        return Step("read", where, body)
    named = re.findall(r"`([\w./-]+)`", before)
    if language == "diff" and named:
        return Step("edit", where, body, named[-1])
    if named and "New file" in before:
        return Step("create", where, body + "\n", named[-1])
    raise AssertionError(f"{where}: a block of {language!r} that no test follows; see tests/docs")


def dialogue(step: Step) -> list[tuple[str, str]]:
    """Commands with what each prints."""
    found: list[tuple[str, list[str]]] = []
    for line in step.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            assert found, f"{step.where}: output before any command"
            found[-1][1].append(line)
    return [(command, "\n".join(said)) for command, said in found]


def matches(expected: str, said: str) -> bool:
    """``…`` in a line stands for any text, alone for any lines, at the end for whatever follows.

    A command that prints nothing on the page may print anything.
    """
    if not expected.strip():
        return True
    rows = expected.splitlines()
    pattern = "".join(r"(?:[^\n]*\n)*" if row.strip() == "…" else _any(row) + r"\n" for row in rows)
    return re.fullmatch(pattern, said.rstrip("\n") + "\n") is not None


def _any(row: str) -> str:
    return r"[^\n]*".join(map(re.escape, row.split("…")))


def edit(step: Step, folder: Path) -> None:
    """Apply a diff: its lines must stand in the file exactly once, in this order.

    ``…`` stands for any text in a line, and alone for any lines; a ``+`` line takes over what the
    ``-`` lines had there.
    """
    path = folder / step.path
    assert path.is_file(), f"{step.where}: {step.path} does not exist"
    rows = [row or " " for row in step.text.splitlines()]
    assert all(row[0] in "+- " for row in rows), f"{step.where}: not a diff"
    pattern = "".join(_pattern(row[1:]) for row in rows if row[0] in "- ")
    found = list(re.finditer(pattern, path.read_text(), re.MULTILINE))
    assert len(found) == 1, f"{step.where}: stands {len(found)} times in {step.path}:\n{step.text}"
    path.write_text(_replaced(path.read_text(), found[0], rows))


def _pattern(line: str) -> str:
    """A line of a diff as a pattern; each ``…`` is a group."""
    if line.strip() == "…":
        return r"((?:.*\n)*?)"
    return "^" + r"([^\n]*)".join(map(re.escape, line.split("…"))) + r"\n"


def _replaced(text: str, found: re.Match[str], rows: list[str]) -> str:
    had = list(found.groups())
    removed: list[str] = []
    new: list[str] = []
    for row in rows:
        line = row[1:]
        holes = line.count("…")
        taken, had = (removed, had) if row[0] == "+" else (had[:holes], had[holes:])
        if row[0] == "-":
            removed += taken
        elif line.strip() == "…":
            new.append(taken[0])
        else:
            parts = line.split("…")
            filled = [part + hole for part, hole in zip(parts, [*taken[:holes], ""], strict=True)]
            removed = removed[holes:] if row[0] == "+" else removed
            new.append("".join(filled) + "\n")
    return text[: found.start()] + "".join(new) + text[found.end() :]


def create(step: Step, folder: Path) -> None:
    """Write a new file; one that is there already would not be new."""
    path = folder / step.path
    assert not path.exists(), f"{step.where}: {step.path} is there already"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(step.text)


def follow(page: Path, place: Commands) -> list[Step]:
    """Take every step of a how-to in a copy of the clone."""
    taken = steps(page)
    assert taken, f"{page} tells nothing to do"
    for step in taken:
        if step.kind == "run":
            place.run(step)
        elif step.kind == "edit":
            edit(step, place.folder)
        elif step.kind == "create":
            create(step, place.folder)
        else:
            assert step.kind in {"skip", "read"}, f"{step.where}: {step.kind} in a how-to"
    return taken
