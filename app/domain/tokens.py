"""Tokens: what a programme or a wall shows to be let in; only the hash of its secret is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Protocol

from app.domain.access import Grant

KINDS = ("centre", "wall", "metrics")
# A leaked one can be searched for by its first four characters, and named without its secret.
_FORM = re.compile(r"ioc_(centre|wall|metrics)_([0-9a-f]{12})_([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Fresh:
    """A token just made: ``text`` is shown once and kept nowhere."""

    id: str
    text: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """A token that is alive. ``left_s``: real seconds until it expires, from when it was read."""

    id: str
    digest: bytes
    rights: frozenset[str]
    grants: tuple[Grant, ...]
    left_s: float


class TokenStore(Protocol):
    async def alive(self) -> list[Known]:
        """Every token that is neither revoked nor expired."""
        ...

    async def note_used(self, ids: list[str]) -> None: ...


def make(kind: str) -> Fresh:
    """A token of 256 random bits: so long a secret needs no slow hash."""
    found, secret = secrets.token_hex(6), secrets.token_hex(32)
    return Fresh(found, f"ioc_{kind}_{found}_{secret}", _digest(secret))


def id_of(text: str) -> str | None:
    """The id a token names; None when this is not the form of one."""
    found = _FORM.fullmatch(text)
    return found[2] if found else None


def opens(text: str, digest: bytes) -> bool:
    """Whether the secret is the one kept, compared in a time that tells nothing."""
    return hmac.compare_digest(_digest(text.rsplit("_", 1)[-1]), digest)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
