"""Finding: one mistake in a file, where it stands, what was expected and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """``line`` counts from 1; ``found``, ``expected`` and ``remedy`` are read by a person."""

    file: Path
    line: int
    found: str
    expected: str
    remedy: str

    def told(self, below: Path) -> str:
        """As the command line prints it."""
        file = self.file.relative_to(below) if self.file.is_relative_to(below) else self.file
        return (
            f"{file}:{self.line}: {self.found}\n  expected: {self.expected}\n  next: {self.remedy}"
        )
