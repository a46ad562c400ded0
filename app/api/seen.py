"""Seen: what the one who asks may see, as a parameter of a route."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from app.domain.access import Visible, pass_of


def _seen(request: Request) -> Visible:
    return pass_of(request.scope).visible


Seen = Annotated[Visible, Depends(_seen)]
