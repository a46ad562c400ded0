"""The schema on every supported server: from nothing, twice, by two at once, over older data."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import asyncpg
from alembic.config import Config
from alembic.script import ScriptDirectory

from app.store.migrate import script_folder, upgrade
from tests.unit.store_stage import new_database, store_migrated, store_pool, store_postgres

__all__ = ["store_migrated", "store_pool", "store_postgres"]

ROOT = Path(__file__).parents[2]
TABLES = {
    "alembic_version", "epoch", "source_state", "page", "record", "quarantine", "reading_head",
    "reading_latest", "reading_frame", "change", "alert", "alert_cursor", "outbox",
    "token", "token_grant", "definition_version", "reading_subject",
    "measure_kept", "way_close",
    "subject_key", "area", "area_succession", "agency_area", "operation_centre", "subject_code",
}  # fmt: skip

# Tables that need not lie on several servers, and why: every other one can be distributed by its
# source, because each of its unique keys has it. A new table goes here or has its source in them.
EXEMPT = {
    "reference: small, read everywhere": {
        "agency_area", "area", "area_succession", "definition_version", "operation_centre",
        "series_source", "subject_code", "subject_key",
    },
    "of the installation, one of each": {"alembic_version", "epoch", "pulse"},
    "of people and what is sent to them": {"alert", "alert_cursor", "outbox", "token"},
    "one order over all sources": {"change"},
    "numbered for those who look at it": {"quarantine"},
}  # fmt: skip
DISTRIBUTED_BY = {"source", "source_id"}
_KEYS = """
SELECT c.relname, array_agg(a.attname::text) AS columns
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid AND NOT c.relispartition
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace
GROUP BY c.relname, i.indexrelid
"""
_REFERENCES = """
SELECT conrelid::regclass::text AS of FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'public'::regnamespace
"""


def head() -> str:
    config = Config()
    config.set_main_option("script_location", str(script_folder()))
    newest = ScriptDirectory.from_config(config).get_current_head()
    assert newest is not None
    return newest


async def fetch(address: str, question: str) -> list[object]:
    db = await asyncpg.connect(address)
    try:
        return [r[0] for r in await db.fetch(question)]
    finally:
        await db.close()


async def test_the_servers_are_the_ones_meant(postgres: str, request):
    number = int((await fetch(postgres, "SHOW server_version_num"))[0])
    name = request.node.callspec.params["postgres"]
    wanted = 18 if name == "embedded" else int(name.rpartition("-")[2])
    assert number // 10000 == wanted


async def test_from_nothing_to_the_newest_and_again(postgres: str):
    address = await new_database(postgres)
    for _ in range(2):
        await asyncio.to_thread(upgrade, address)
        assert await fetch(address, "SELECT version_num FROM alembic_version") == [head()]
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    assert set(await fetch(address, tables)) >= TABLES
    assert len(await fetch(address, "SELECT id FROM epoch")) == 1


async def test_every_table_can_be_distributed_by_its_source_or_is_exempt(pool, record_property):
    keys = await pool.fetch(_KEYS)
    by: dict[str, set[str]] = {}
    for key in keys:  # the same column in every key of a table
        by[key["relname"]] = by.get(key["relname"], DISTRIBUTED_BY) & set(key["columns"])
    without = {table for table, columns in by.items() if not columns}
    exempt = set().union(*EXEMPT.values())
    assert without == exempt, f"decide what these are, see EXEMPT: {without ^ exempt}"
    # What refers to another table lies beside it: among the exempt ones alone.
    assert {r["of"] for r in await pool.fetch(_REFERENCES)} <= exempt | {"token_grant"}
    record_property("tables with their source in every unique key", len(by) - len(without))


async def test_two_processes_that_start_at_once_migrate_once(postgres: str):
    address = await new_database(postgres)
    command = [sys.executable, "-m", "app.cli", "migrate"]
    settings = os.environ | {"IOC_DATABASE_URL": address}
    both = [await asyncio.create_subprocess_exec(*command, env=settings, cwd=ROOT) for _ in "12"]
    assert [await p.wait() for p in both] == [0, 0]
    assert await fetch(address, "SELECT version_num FROM alembic_version") == [head()]
    assert len(await fetch(address, "SELECT id FROM epoch")) == 1


async def test_rows_of_the_first_schema_are_there_after_the_newest(postgres: str):
    address = await new_database(postgres)
    await asyncio.to_thread(upgrade, address, "0001")
    db = await asyncpg.connect(address)
    await db.execute(
        "INSERT INTO reading_frame VALUES"
        " ('s', 'ps.on_time', 'month', 1664730000, 1664730000, 1664557200, true,"
        "  '{area:10}', '{0.5}', '{1}', '{2}', '{lagging}')"
    )
    await db.close()
    await asyncio.to_thread(upgrade, address)
    daily = await fetch(address, "SELECT (subject, value, num, den)::text FROM reading_daily")
    assert daily == ["(area:10,0.5,1,2)"]
    assert await fetch(address, "SELECT target FROM reading_daily") == [None]
