"""Words: what a process says, without ending it when the disk its words go to is full."""

from __future__ import annotations

import sys
from typing import TextIO


class _Patient:
    """A stream whose words are lost where they cannot be kept."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        try:
            return self._out.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        try:
            self._out.flush()
        except OSError:
            return

    def __getattr__(self, name: str) -> object:
        return getattr(self._out, name)


def lose_words_rather_than_work() -> None:
    """Call it before the first word: a poll whose warning fails must still be polled again."""
    sys.stdout = _Patient(sys.stdout)
    sys.stderr = _Patient(sys.stderr)
