"""The embedded server with the real programs: made once, kept, recovered, refused in words."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import asyncpg
import pytest

from app.store import embedded_account
from app.store.embedded import (
    EmbeddedPostgres,
    ServerFailed,
    ServerKilled,
    UnusableDataDir,
)
from app.store.embedded_account import Account, account, binaries, open_home
from app.store.processes import born, living_in, parse

ROOT = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends an account")


@pytest.fixture
def data_dir():
    # Not tmp_path: its parents are closed to the account that root lends.
    folder = Path(tempfile.mkdtemp(prefix="ioc-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


async def ask(address: str, question: str):
    connection = await asyncpg.connect(address, timeout=10)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_what_is_stored_outlives_a_restart(data_dir: Path):
    server = EmbeddedPostgres(data_dir)
    address = server.start()
    try:
        await ask(address, "CREATE TABLE kept AS SELECT 7 AS n")
    finally:
        server.stop()
    assert living_in(data_dir / "postgres" / "data") == []
    address = server.start()
    try:
        assert await ask(address, "SELECT n FROM kept") == 7
        for name, value in {
            "data_checksums": "on", "fsync": "on", "synchronous_commit": "on",
            "server_encoding": "UTF8", "lc_collate": None, "shared_buffers": "128MB",
            "listen_addresses": "127.0.0.1",
        }.items():  # fmt: skip
            if value is not None:
                assert await ask(address, f"SELECT current_setting('{name}')") == value
        locale = "SELECT datcollate FROM pg_database WHERE datname = current_database()"
        assert await ask(address, locale) == "C"
    finally:
        server.stop()


async def test_no_one_enters_without_the_password(data_dir: Path):
    server = EmbeddedPostgres(data_dir)
    address = server.start()
    try:
        password = (data_dir / "postgres.password").read_text()
        assert stat.S_IMODE((data_dir / "postgres.password").stat().st_mode) == 0o600
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(address.replace(password, "guess"), "SELECT 1")
        hba = "SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules"
        assert await ask(address, hba) == "scram-sha-256"
        assert password not in Path(f"/proc/{server.pid}/cmdline").read_text()
    finally:
        server.stop()


def test_a_data_directory_has_one_server(data_dir: Path):
    server = EmbeddedPostgres(data_dir)
    server.start()
    try:
        with pytest.raises(UnusableDataDir, match=r"in use by another.*IOC_DATA_DIR"):
            EmbeddedPostgres(data_dir).start()
        assert server.pid is not None
    finally:
        server.stop()


async def test_two_data_directories_run_side_by_side(data_dir: Path):
    one, other = EmbeddedPostgres(data_dir / "a"), EmbeddedPostgres(data_dir / "b")
    try:
        assert await ask(one.start(), "SELECT 1") == await ask(other.start(), "SELECT 1") == 1
    finally:
        one.stop()
        other.stop()


KEEPER = """
import sys, threading, time
from pathlib import Path
from app.store.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
if sys.argv[2] == "leashed":
    print(server.start(), flush=True)
else:
    begin = lambda: (print(server.start(), flush=True), time.sleep(600))
    threading.Thread(target=begin, daemon=True).start()
time.sleep(600)
"""


def keeper(data_dir: Path, leash: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", KEEPER, data_dir, leash], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


async def test_the_server_ends_with_a_killed_parent(data_dir: Path):
    process, address = keeper(data_dir, "leashed")
    assert await ask(address, "SELECT 1") == 1
    kill(process)
    until = time.monotonic() + 10
    while living_in(data_dir / "postgres" / "data"):
        assert time.monotonic() < until, "the server outlived its parent by ten seconds"
        time.sleep(0.05)


async def test_an_orphan_of_a_killed_parent_is_ended_by_the_next_start(data_dir: Path):
    process, address = keeper(data_dir, "free")
    await ask(address, "CREATE TABLE kept AS SELECT 7 AS n")
    orphan = parse((data_dir / "postgres.pid").read_text())[0]
    kill(process)
    assert orphan.alive()
    server = EmbeddedPostgres(data_dir)
    address = server.start()
    try:
        assert not orphan.alive()
        assert await ask(address, "SELECT n FROM kept") == 7
    finally:
        server.stop()


async def test_a_killed_postmaster_is_recovered(data_dir: Path):
    server = EmbeddedPostgres(data_dir)
    address = server.start()
    await ask(address, "CREATE TABLE kept AS SELECT 7 AS n")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    assert (data_dir / "postgres" / "data" / "postmaster.pid").exists()
    address = server.start()
    try:
        assert await ask(address, "SELECT n FROM kept") == 7
    finally:
        server.stop()


def test_a_server_killed_while_it_starts_is_named_so_and_starts_again(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    server = EmbeddedPostgres(data_dir)
    answers = server._answers

    def killed(process: subprocess.Popen[bytes], home: Path, port: int) -> bool:
        process.kill()
        return answers(process, home, port)

    monkeypatch.setattr(server, "_answers", killed)
    with pytest.raises(ServerKilled):
        server.start()
    assert living_in(data_dir / "postgres" / "data") == []
    monkeypatch.undo()
    server.start()
    server.stop()


def test_a_stop_while_another_thread_starts_leaves_nothing(data_dir: Path):
    server = EmbeddedPostgres(data_dir, stays=True)
    ended: list[BaseException | None] = []

    def begin() -> None:
        try:
            server.start()
            ended.append(None)
        except ServerFailed as error:
            ended.append(error)

    starting = threading.Thread(target=begin)
    starting.start()
    until = time.monotonic() + 20
    while not (data_dir / "postgres.pid").exists() and time.monotonic() < until:
        time.sleep(0.001)
    server.stop()
    starting.join(20)
    assert len(ended) == 1
    assert server.pid is None
    assert living_in(data_dir / "postgres" / "data") == []
    assert not (data_dir / "postgres.pid").exists()


async def test_a_stale_pid_of_an_innocent_process_is_left_alone(data_dir: Path):
    server = EmbeddedPostgres(data_dir)
    server.start()
    server.stop()
    innocent = subprocess.Popen(["/bin/sleep", "60"])
    try:
        told = born(innocent.pid)
        assert told is not None
        (data_dir / "postgres.pid").write_text(told.line())
        stale = data_dir / "postgres" / "data" / "postmaster.pid"
        stale.write_text(f"{innocent.pid}\n{stale.parent}\n0\n5432\n\n127.0.0.1\n\nready\n")
        address = server.start()
        assert await ask(address, "SELECT 1") == 1
        server.stop()
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


async def test_an_initdb_cut_short_is_made_again(data_dir: Path):
    server = EmbeddedPostgres(data_dir)
    server.start()
    server.stop()
    (data_dir / "postgres" / "data" / "made").unlink()
    (data_dir / "postgres" / "data" / "global" / "pg_control").unlink()
    try:
        assert await ask(server.start(), "SELECT 1") == 1
    finally:
        server.stop()


def test_a_lost_password_is_named_with_the_remedy(data_dir: Path):
    server = EmbeddedPostgres(data_dir)
    server.start()
    server.stop()
    (data_dir / "postgres.password").unlink()
    with pytest.raises(UnusableDataDir, match=r"postgres\.password is gone.*Restore"):
        server.start()


async def test_a_path_too_long_for_a_socket_still_serves(data_dir: Path):
    server = EmbeddedPostgres(data_dir / ("long" * 30))
    try:
        assert await ask(server.start(), "SELECT 1") == 1
    finally:
        server.stop()


@as_root
def test_root_lends_an_account_and_changes_nothing_that_is_not_ours(data_dir: Path):
    parents = [data_dir.parent, *data_dir.parent.parents]
    before = [(p.stat().st_mode, p.stat().st_uid) for p in parents]
    accounts = Path("/etc/passwd").read_bytes()
    server = EmbeddedPostgres(data_dir)
    server.start()
    try:
        assert Path(f"/proc/{server.pid}").stat().st_uid == account().uid != 0
        groups = Path(f"/proc/{server.pid}/status").read_text().split("Groups:")[1]
        assert groups.splitlines()[0].strip() == ""
    finally:
        server.stop()
    assert [(p.stat().st_mode, p.stat().st_uid) for p in parents] == before
    assert Path("/etc/passwd").read_bytes() == accounts


@as_root
def test_an_unreachable_data_directory_is_refused_with_the_remedy(data_dir: Path):
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(UnusableDataDir, match=rf"{closed} is closed to it\. Set IOC_DATA_DIR"):
        EmbeddedPostgres(closed / "ioc").start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
def test_a_foreign_directory_is_not_opened(data_dir: Path):
    closed = data_dir / "home"
    closed.mkdir(mode=0o700)
    (closed / "letters").touch()
    with pytest.raises(UnusableDataDir, match="IOC_DATA_DIR"):
        EmbeddedPostgres(closed).start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
def test_a_closed_directory_that_is_empty_or_ours_is_opened_for_the_one_account(data_dir: Path):
    given = data_dir / "given"
    given.mkdir(mode=0o700)
    for name in ("ioc.toml", "log", "lease.new"):
        (given / name).touch()
    server = EmbeddedPostgres(given)
    server.start()
    server.stop()
    assert stat.S_IMODE(given.stat().st_mode) == 0o710
    assert given.stat().st_gid == account().gid


@as_root
def test_programs_out_of_reach_are_copied_once(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    who = account()
    home = open_home(data_dir, who)
    reachable = embedded_account._runs
    copy = home / "binaries"
    monkeypatch.setattr(embedded_account, "_runs", lambda folder, by: folder.is_relative_to(copy))
    bin_dir = binaries(home, who)
    assert bin_dir.is_relative_to(copy)
    assert reachable(bin_dir, who)
    (bin_dir / "mark").touch()
    assert (binaries(home, who) / "mark").exists()


def test_a_plain_user_is_not_demoted():
    assert Account(1000, 1000, "me", lent=False).identity() == {}
