"""Tokens in PostgreSQL: made, listed, rescoped and revoked; the secret is kept nowhere."""

from __future__ import annotations

import asyncio
from datetime import date

import asyncpg
import pytest
from typer.testing import CliRunner

from app.cli import build
from app.domain.access import Grant, Visible
from app.domain.tokens import id_of, make, opens
from app.store.cases import PgCases, PgSources
from app.store.tokens import PgTokens
from tests.unit.store_stage import store_migrated, store_pool, store_postgres

__all__ = ["store_migrated", "store_pool", "store_postgres"]


async def kept(tokens, *grants, days=30, kind="centre"):
    fresh = make(kind)
    await tokens.add(fresh, kind=kind, name="Bát Xát", rights=["figures"], grants=grants, days=days)
    return fresh


async def test_a_token_lives_until_it_is_revoked(pool: asyncpg.Pool):
    tokens = PgTokens(pool)
    days = Grant("area:082", date(2022, 1, 1), date(2022, 12, 31))
    fresh = await kept(tokens, days, Grant("area:083"))
    (known,) = await tokens.alive()
    assert (known.id, known.rights) == (fresh.id, frozenset({"figures"}))
    assert set(known.grants) == {days, Grant("area:083")}
    assert opens(fresh.text, known.digest)
    assert 29 * 86400 < known.left_s <= 30 * 86400
    await tokens.note_used([fresh.id])
    assert await tokens.rescope(fresh.id, [Grant("*")])
    assert (await tokens.alive())[0].grants == (Grant("*"),)
    assert await tokens.revoke(fresh.id)
    assert not await tokens.revoke(fresh.id)
    assert not await tokens.rescope(fresh.id, [Grant("*")])
    assert await tokens.alive() == []
    (row,) = await tokens.listed()
    assert (row.alive, row.subjects, row.used is not None) == (False, ("*",), True)


async def test_one_that_expired_or_sees_nothing(pool: asyncpg.Pool):
    tokens = PgTokens(pool)
    fresh = await kept(tokens)
    assert (await tokens.alive())[0].grants == ()
    await pool.execute("UPDATE token SET made = made - interval '40 days',"
                       " expires = now() - interval '1 s'")  # fmt: skip
    assert await tokens.alive() == []
    assert not (await tokens.listed())[0].alive
    assert fresh.id == (await tokens.listed())[0].id
    with pytest.raises(asyncpg.CheckViolationError):
        await kept(tokens, days=400)


async def test_cases_and_quarantine_of_others_are_not_read(pool: asyncpg.Pool):
    await pool.execute(
        "INSERT INTO record (source, kind, code, owner, sector, received, late, seq, body)"
        " SELECT 'ps', 'dossier', o || s, o, s, now(), now() - interval '1 day', 1, ''"
        " FROM unnest(ARRAY['H38.32', 'H38.33', '1103']) o, unnest(ARRAY['LV01', 'LV02']) s"
    )

    async def seen(*subjects):
        total, rows = await PgCases(pool).overdue(
            Visible(frozenset(subjects)), kind="dossier", owners=None, sector=None,
            at_s=4_000_000_000, limit=100, after=None,
        )  # fmt: skip
        assert total == len(rows)
        return {(r.agency, r.sector) for r in rows}

    assert await seen("agency:H38.32", "area:082") == {("H38.32", "LV01"), ("H38.32", "LV02")}
    assert await seen("group:1103") == {("1103", "LV01"), ("1103", "LV02")}
    assert await seen("sector:LV01") == {(o, "LV01") for o in ("H38.32", "H38.33", "1103")}
    assert await seen("area:082") == set()
    nobody = PgSources(pool, 0).quarantine(Visible(frozenset({"area:082"})), None, 10)
    assert await nobody == []


async def test_the_command_makes_a_token_once_and_keeps_no_secret(pool, postgres, monkeypatch):
    name = await pool.fetchval("SELECT current_database()")
    address = f"{postgres.rsplit('/', 1)[0]}/{name}"

    monkeypatch.setenv("IOC_DATABASE_URL", address)

    async def ioc(*words, status=0):
        # In a thread: the command runs a loop of its own.
        done = await asyncio.to_thread(CliRunner().invoke, build(), ["token", *words])
        assert done.exit_code == status, done.output
        return done

    made = await ioc("add", "Bát Xát", "--subject", "area:082", "--valid-to", "2025-06-30")
    secret = made.stdout.strip()
    token = id_of(secret)
    assert token is not None
    assert secret not in made.stderr
    (known,) = await PgTokens(pool).alive()
    assert known.grants == (Grant("area:082", None, date(2025, 6, 30)),)
    said = (await ioc("list")).stdout
    assert token in said
    assert "Bát Xát" in said
    everything = str([tuple(r) for r in await pool.fetch("SELECT * FROM token")])
    assert secret.rsplit("_", 1)[1] not in everything + said
    assert known.digest.hex() not in said
    await ioc("revoke", token)
    assert await PgTokens(pool).alive() == []
    assert "revoked" in (await ioc("list")).stdout
    for words, says in (
        (("revoke", token), "no living token"), (("add", "x"), "no subject"),
        (("add", "x", "--subject", "area:99"), "area:99"),
        (("add", "x", "--subject", "*", "--right", "all"), "expected one of figures"),
        (("add", "x", "--subject", "*", "--days", "999"), "expected 1 to 366"),
    ):  # fmt: skip
        assert says in (await ioc(*words, status=2)).stderr
