"""Live: changes told to every screen at once; protocol: docs/reference/live-protocol.md."""

from __future__ import annotations

from app.live.hub import Hub

__all__ = ["Hub"]
