"""Export and import: the same rows in either form, once, and damage is told."""

from __future__ import annotations

import asyncio
import importlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from app.cli import build
from app.domain.feed import Page
from app.domain.judged import Frame, Head, Judged
from app.domain.record import Event, RecordUpdate, Version, Wait
from app.settings import load_settings
from app.store.archive.manifest import read_manifest
from app.store.archive.parquet import ParquetWriter, read_parquet
from app.store.archive.shape import TABLES, Damaged, Table, empty
from app.store.archive.text import CsvWriter, read_csv
from app.store.archive.thrift import Long, Reader, dump
from app.store.pages import PgPages
from app.store.readings import PgReadings
from app.wiring import _judge, _profile
from tests.unit.store_stage import SERVERS, new_database, store_migrated

__all__ = ["store_migrated"]

S = "public_service"
NOW_S = 1_664_757_000  # 2022-10-03 07:30
DAY = 86400
FORMS = {"parquet": (ParquetWriter, read_parquet), "csv": (CsvWriter, read_csv)}
ANY = Table(
    "any",
    {"t": "text", "i": "int", "f": "float", "b": "bool", "at": "instant"},
    ("t",),
)
ROW = st.tuples(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=9),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.booleans(),
    st.none() | st.integers(-(2**35) * 1000, 2**37 * 1000),
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with SERVERS["embedded"]() as address:
        yield address


def write(path: Path, form: str, table: Table, blocks: list) -> None:
    writer = FORMS[form][0](path, table)
    for block in blocks:
        writer.write(block)
    writer.close()


def read(path: Path, form: str, table: Table) -> list[tuple]:
    blocks = list(FORMS[form][1](path, table))
    return [row for b in blocks for row in zip(*(b[c] for c in table.columns), strict=True)]


@pytest.mark.parametrize("form", FORMS)
@given(blocks=st.lists(st.lists(ROW, max_size=20), max_size=3))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(tmp_path_factory, form: str, blocks: list):
    path = tmp_path_factory.mktemp("archive") / "any"
    write(path, form, ANY, list(map(columns, blocks)))
    rows = [row for b in blocks for row in b]
    # Bit for bit: -0.0 is not 0.0.
    assert list(map(_bits, read(path, form, ANY))) == list(map(_bits, rows))


def _bits(row: tuple) -> tuple:
    return tuple(struct.pack("<d", c) if isinstance(c, float) else c for c in row)


@given(
    numbers=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=20),
    long=st.integers(-(2**63), 2**63 - 1),
    text=st.text(max_size=200),
)
def test_thrift_gives_back_what_it_was_given(numbers: list[int], long: int, text: str):
    told = Reader(dump({1: numbers, 3: Long(long), 18: {1: text, 2: [{1: 7}]}})).struct()
    assert told == {1: numbers, 3: long, 18: {1: text.encode(), 2: [{1: 7}]}}


def columns(rows: list[tuple]) -> dict:
    return {n: [r[i] for r in rows] for i, n in enumerate(ANY.columns)} if rows else empty(ANY)


def test_a_parquet_file_is_what_other_programs_read(tmp_path: Path):
    """Read once by pyarrow 26; whoever has it installed has it read again."""
    path = tmp_path / "any.parquet"
    rows = [("ế", 1, 0.5, True, 1500), ("ế", None, None, None, None), ("", -1, -0.0, False, -1)]
    write(path, "parquet", ANY, [columns(rows)])
    data = path.read_bytes()
    assert (data[:4], data[-4:]) == (b"PAR1", b"PAR1")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is no dependency")
    found = parquet.read_table(path)
    assert found.column("f").to_pylist() == [r[2] for r in rows]
    assert [str(f.type) for f in found.schema] == [
        "string", "int64", "double", "bool", "timestamp[ms, tz=UTC]",
    ]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_another_shape_is_refused_with_a_remedy(tmp_path: Path, form: str):
    path = tmp_path / "any"
    write(path, form, ANY, [])
    with pytest.raises(Damaged, match="expected"):
        read(path, form, TABLES["cases"])
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(Damaged, match=r"again"):
        read(path, form, ANY)


def test_a_line_that_cannot_be_read_is_named(tmp_path: Path):
    path = tmp_path / "any.csv"
    path.write_text("t,i,f,b,at\na,1,1.0,true,2022-10-03T07:30:00+07:00\nb,1,1.0,yes,\n")
    with pytest.raises(Damaged, match=r"any.csv:3: expected true or false, not 'yes'"):
        read(path, "csv", ANY)


async def _fill(address: str) -> None:
    """Three dossiers, one of them of the year before, and two frames."""
    pool = await asyncpg.create_pool(address, min_size=1, max_size=2)
    judge = _judge(_profile(load_settings()), S)
    pages = PgPages(pool, {S: judge})
    await pages.open_source(S)
    updates = [_dossier("a", NOW_S), _dossier("b", NOW_S - 5 * DAY), _dossier("old", 1_600_000_000)]
    await pages.commit(S, 1, Page(tuple(updates), (), "c1", False, NOW_S, 3, "x"), NOW_S)
    readings = PgReadings(pool)
    for at_s in (NOW_S, NOW_S - 400 * DAY):
        frame = Frame(
            Head("ps.on_time", "day", at_s - 9), ["area:10", "agency:H38.12"], [0.5, None],
            [1, None], [2, 0], [0.9, None], ["lagging", "none"],
        )  # fmt: skip
        judged = Judged(S, 1, at_s, at_s, True, (), (), (), (frame,), True, False)
        await readings.commit_history(judged)
    await pool.close()


def _dossier(code: str, received_s: int) -> RecordUpdate:
    wait = Wait("w", received_s + 5, None)
    version = Version(
        received_s, received_s, received_s + 3 * DAY, flags=frozenset({"online", "fee"}),
        amounts={"n": 2}, waits=(wait,), events=(Event(received_s, "1"),),
    )  # fmt: skip
    ended = (Event(received_s + DAY, "9"), Event(received_s + DAY, "10"))
    return RecordUpdate("dossier", code, "H38.12", "LV01", version, ended)


def ioc(monkeypatch, address: str, *command: str):
    monkeypatch.setenv("IOC_DATABASE_URL", address)
    return CliRunner().invoke(build(), command)


def rows_of(folder: Path, table: str) -> list[tuple]:
    form = json.loads((folder / "manifest.json").read_text())["form"]
    return read(folder / f"{table}.{form}", form, TABLES[table])


@pytest.fixture
def filled(postgres: str, migrated: str, monkeypatch, tmp_path: Path) -> str:
    monkeypatch.setenv("IOC_DATA_DIR", str(tmp_path / "data"))
    address = asyncio.run(new_database(postgres, migrated))
    asyncio.run(_fill(address))
    return address


@pytest.mark.parametrize("form", FORMS)
def test_an_archive_makes_the_same_installation_once(
    filled: str, postgres: str, migrated: str, monkeypatch, tmp_path: Path, form: str
):
    one, two = tmp_path / "one", tmp_path / "two"
    assert ioc(monkeypatch, filled, "export", str(one), "--format", form).exit_code == 0
    assert (len(rows_of(one, "readings")), len(rows_of(one, "cases"))) == (4, 3)
    other = asyncio.run(new_database(postgres, migrated))
    for expected in ("readings: 2 frames", "cases: 0 cases"):
        told = ioc(monkeypatch, other, "import", str(one))
        assert told.exit_code == 0, told.output
        assert f"{expected} were not there before" in told.output
    assert ioc(monkeypatch, other, "export", str(two), "--format", form).exit_code == 0
    for table in ("readings", "cases"):
        assert (two / f"{table}.{form}").read_bytes() == (one / f"{table}.{form}").read_bytes()
    assert asyncio.run(_steps(other)) == asyncio.run(_steps(filled))


async def _steps(address: str) -> list:
    """What evaluation sums up."""
    pool = await asyncpg.create_pool(address, min_size=1, max_size=1)
    found = await PgPages(pool).pages_since(S, 0, 10)
    await pool.close()
    return sorted(step for page in found for step in page.steps)


def test_a_year_holds_what_was_alive_in_it(filled: str, monkeypatch, tmp_path: Path):
    folder = tmp_path / "y"
    assert ioc(monkeypatch, filled, "export", str(folder), "--year", "2022").exit_code == 0
    assert [row[2] for row in rows_of(folder, "cases")] == ["a", "b"]
    assert {row[3] for row in rows_of(folder, "readings")} == {NOW_S * 1000}
    only = tmp_path / "o"
    assert ioc(monkeypatch, filled, "export", str(only), "--only", "cases").exit_code == 0
    assert sorted(p.name for p in only.iterdir()) == ["cases.parquet", "manifest.json"]


def test_nothing_is_written_over_and_nothing_damaged_is_taken(
    filled: str, monkeypatch, tmp_path: Path
):
    folder = tmp_path / "a"
    assert ioc(monkeypatch, filled, "export", str(folder)).exit_code == 0
    again = ioc(monkeypatch, filled, "export", str(folder))
    assert (again.exit_code, "is not an empty folder" in again.output) == (2, True)
    path = folder / "cases.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(Damaged, match="copy it again"):
        read_manifest(folder)
    told = ioc(monkeypatch, filled, "import", str(folder))
    assert (told.exit_code, "copy it again" in told.output) == (2, True)
    (folder / "manifest.json").unlink()
    told = ioc(monkeypatch, filled, "import", str(folder))
    assert (told.exit_code, "did not come to its end" in told.output) == (2, True)
    assert importlib.import_module("app.cli.import").command.__doc__
