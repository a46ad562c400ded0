"""Tokens: who may read and what, as hashes; revoking one is a row, so that it stays listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from app.domain.access import Grant
from app.domain.tokens import Fresh, Known

_ALIVE = """
SELECT t.id, t.sha256, t.rights, extract(epoch FROM t.expires - now())::float8 AS left_s,
       g.subject, g.valid_from, g.valid_to
FROM token t LEFT JOIN token_grant g ON g.token = t.id
WHERE t.revoked IS NULL AND t.expires > now()
ORDER BY t.id, g.subject, g.valid_from
"""
_LIST = """
SELECT t.id, t.kind, t.name, t.rights, t.made, t.expires, t.revoked, t.used,
       t.revoked IS NULL AND t.expires > now() AS alive,
       array_remove(array_agg(g.subject ORDER BY g.subject), NULL) AS subjects
FROM token t LEFT JOIN token_grant g ON g.token = t.id
GROUP BY t.id ORDER BY t.made, t.id
"""
_ADD = """
INSERT INTO token (id, kind, name, sha256, rights, expires)
VALUES ($1, $2, $3, $4, $5, now() + make_interval(days => $6))
"""
_GRANT = "INSERT INTO token_grant (token, subject, valid_from, valid_to) VALUES ($1, $2, $3, $4)"


@dataclass(frozen=True, slots=True)
class Listed:
    """A token as an operator sees it: never its secret, nor its hash."""

    id: str
    kind: str
    name: str
    rights: tuple[str, ...]
    subjects: tuple[str, ...]
    made: datetime
    expires: datetime
    revoked: datetime | None
    used: datetime | None
    alive: bool


class PgTokens:
    """The token table. All instants are real ones, of the database's own clock."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def alive(self) -> list[Known]:
        async with self._pool.acquire() as db:
            rows = await db.fetch(_ALIVE)
        grants: dict[str, list[Grant]] = {}
        for r in rows:
            held = grants.setdefault(r["id"], [])
            if r["subject"] is not None:
                held.append(Grant(r["subject"], r["valid_from"], r["valid_to"]))
        last = {r["id"]: r for r in rows}
        return [
            Known(i, bytes(r["sha256"]), frozenset(r["rights"]), tuple(grants[i]), r["left_s"])
            for i, r in last.items()
        ]

    async def note_used(self, ids: list[str]) -> None:
        async with self._pool.acquire() as db:
            await db.execute("UPDATE token SET used = now() WHERE id = ANY($1)", ids)

    async def add(
        self,
        fresh: Fresh,
        *,
        kind: str,
        name: str,
        rights: Sequence[str],
        grants: Iterable[Grant],
        days: int,
    ) -> None:
        async with self._pool.acquire() as db, db.transaction():
            await db.execute(_ADD, fresh.id, kind, name, fresh.digest, list(rights), days)
            rows = [(fresh.id, g.subject, g.valid_from, g.valid_to) for g in grants]
            await db.executemany(_GRANT, rows)

    async def rescope(self, token: str, grants: Iterable[Grant]) -> bool:
        """Other subjects for a token that lives; False when there is none."""
        async with self._pool.acquire() as db, db.transaction():
            alive = "SELECT true FROM token WHERE id = $1 AND revoked IS NULL FOR UPDATE"
            if not await db.fetchval(alive, token):
                return False
            await db.execute("DELETE FROM token_grant WHERE token = $1", token)
            rows = [(token, g.subject, g.valid_from, g.valid_to) for g in grants]
            await db.executemany(_GRANT, rows)
        return True

    async def revoke(self, token: str) -> bool:
        """False when there is no such token, or it was revoked before."""
        async with self._pool.acquire() as db:
            done: str = await db.execute(
                "UPDATE token SET revoked = now() WHERE id = $1 AND revoked IS NULL", token
            )
        return done == "UPDATE 1"

    async def listed(self) -> list[Listed]:
        async with self._pool.acquire() as db:
            rows = await db.fetch(_LIST)
        return [
            Listed(
                r["id"], r["kind"], r["name"], tuple(r["rights"]), tuple(r["subjects"]),
                r["made"], r["expires"], r["revoked"], r["used"], r["alive"],
            )
            for r in rows
        ]  # fmt: skip
