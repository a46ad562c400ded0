"""Elsewhere: what a client that comes from another process may not have been told there."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

# Another process that lives makes up for what it did not send within this time.
LATEST_S = 30.0
SPANS_KEPT = 100


@dataclass(slots=True)
class _Span:
    """Places at which a client may be without having been told; ``last`` None: still open."""

    first: int
    until: float
    last: int | None = None


class Elsewhere:
    """Some of the log is not sent change by change: each process tells it when it has read it anew
    (the end of a fill, a change too large) or with a snapshot (a day that closed). A process knows
    when it did so itself, not when another did: who was there at about that time gets a snapshot.
    """

    def __init__(self) -> None:
        self._spans: deque[_Span] = deque(maxlen=SPANS_KEPT)

    def begin(self) -> None:
        """The log began anew, and every client with it."""
        self._spans.clear()

    def unsent(self, offset: int, now: float) -> None:
        """A change was not sent as it is; what it says follows."""
        last = self._spans[-1] if self._spans else None
        if last is not None and last.last is None:
            last.until = now + LATEST_S
        else:
            self._spans.append(_Span(offset, now + LATEST_S))

    def reached(self, offset: int, now: float) -> None:
        """Where the log stands now."""
        last = self._spans[-1] if self._spans else None
        if last is not None and last.last is None and now >= last.until:
            last.last = offset

    def doubtful(self, offset: int) -> bool:
        """Whether a client at this place may lack something that is no change to come."""
        return any(s.first <= offset and (s.last is None or offset <= s.last) for s in self._spans)
