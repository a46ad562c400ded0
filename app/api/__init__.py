"""API: reads over HTTP, the pages, and where the live hub is mounted."""

from __future__ import annotations

from app.api.bare import BareLive
from app.api.create import create_api
from app.api.parts import ApiParts
from app.api.snapshot import Snapshots

__all__ = ["ApiParts", "BareLive", "Snapshots", "create_api"]
