"""API: reads over HTTP, the pages, and where the live hub is mounted."""

from __future__ import annotations

from app.api.create import create_api
from app.api.parts import ApiParts
from app.api.snapshot import Snapshots

__all__ = ["ApiParts", "Snapshots", "create_api"]
