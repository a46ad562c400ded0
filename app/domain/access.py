"""Visible: which subjects a reader may see; the first argument of every read port."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visible:
    """Unrestricted until access is built; then made only from a token."""

    subjects: frozenset[str] | None = None

    def allows(self, subject: str) -> bool:
        return self.subjects is None or subject in self.subjects


EVERYTHING = Visible()
