"""Clauses: which flags a record must have, and must not have, to be counted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache


def holds(clauses: Sequence[str], flags: frozenset[str] | set[str]) -> bool:
    """Whether every clause (flags joined by ``|``, ``!`` negates) holds."""
    for wanted, unwanted in map(_alternatives, clauses):
        if wanted.isdisjoint(flags) and unwanted <= flags:
            return False
    return True


@cache
def _alternatives(clause: str) -> tuple[frozenset[str], frozenset[str]]:
    """Flags of which one must be there, and flags of which one must not."""
    parts = [part.strip() for part in clause.split("|")]
    return (
        frozenset(p for p in parts if p[0] != "!"),
        frozenset(p[1:] for p in parts if p[0] == "!"),
    )
