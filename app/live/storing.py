"""Storing: whether what is shown can be current at all, by the signs the database gives."""

from __future__ import annotations

from dataclasses import replace

from app.domain.source import Pulse, SourceHealth

AWAY_AFTER_S = 5.0
NO_PULSE_AFTER_S = 8.0


class Storing:
    """Remembers when the database last answered and the worker last wrote; real seconds."""

    def __init__(self) -> None:
        self._pulse = Pulse(-1, None)
        self._answered_at = self._pulsed_at = 0.0

    def begin(self, now: float) -> None:
        self._answered_at = self._pulsed_at = now

    def heard(self, pulse: Pulse, now: float) -> None:
        """The database answered with this."""
        self._answered_at = now
        if pulse.beats != self._pulse.beats:
            self._pulsed_at = now
        self._pulse = pulse

    def current(self, now: float) -> bool:
        return (
            now - self._answered_at <= AWAY_AFTER_S
            and now - self._pulsed_at <= NO_PULSE_AFTER_S
            and self._pulse.refusal is None
        )


def later_of(known: SourceHealth | None, read: SourceHealth) -> SourceHealth:
    """A change may have told a later watermark than the row that was read before it."""
    if known is None or (known.watermark_s or 0) <= (read.watermark_s or 0):
        return read
    return replace(read, watermark_s=known.watermark_s)
