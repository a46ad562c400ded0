"""Occasion: why an instant is judged, and so who is told of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why an instant is judged.

    ``filling``: history is loaded for the first time, so nobody is to be told. ``bulk``: more pages
    wait, so that only what every screen shows is announced. ``latest``: screens are to show it.
    ``day``: a day ends here. A frame is kept for ``day`` and for ``frame``.
    """

    filling: bool
    bulk: bool
    latest: bool = False
    day: bool = False
    frame: bool = False
