"""Access: who is let in, what they may see, and how soon they are shown the door."""

from __future__ import annotations

from app.access.door import Door

__all__ = ["Door"]
