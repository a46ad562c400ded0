"""The stage of the store's tests: every PostgreSQL the product promises to run on that is here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from app.store.embedded import EmbeddedPostgres
from app.store.embedded_account import account
from app.store.migrate import upgrade

DEBIAN_BIN = Path("/usr/lib/postgresql/15/bin")
_NUMBERS = count(1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    # Not tmp_path: its parents are closed to the account that root lends.
    folder = Path(tempfile.mkdtemp(prefix="ioc-store-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _embedded() -> Iterator[str]:
    with _folder() as folder:
        server = EmbeddedPostgres(folder)
        try:
            yield server.start()
        finally:
            server.stop()


@contextlib.contextmanager
def _programs(programs: Path) -> Iterator[str]:
    """Somebody else's, by a plain account, on a free port, in a directory of its own."""
    if not (programs / "postgres").is_file():
        pytest.skip(
            f"no PostgreSQL in {programs}: for Debian's, `apt-get install postgresql-15`;"
            " IOC_TEST_POSTGRES names folders of others"
        )
    with _folder() as folder:
        who, home = account(), folder / "home"
        home.mkdir()
        who.give(home, 0o700)
        subprocess.run(
            [programs / "initdb", "-D", home / "data", "-U", "ioc", "--auth", "trust",
             "--encoding", "UTF8", "--locale", "C"],
            **who.identity(), cwd=home, capture_output=True, check=True,
        )  # fmt: skip
        port = _free_port()
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", home / "data", "-p", str(port),
                 "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
                **who.identity(), cwd=home, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            _wait_until_ready(server, home / "data", folder / "log")
            yield f"postgresql://ioc@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)


def _wait_until_ready(server: subprocess.Popen[bytes], data: Path, log: Path) -> None:
    until = time.monotonic() + 30
    pid_file = data / "postmaster.pid"
    while True:
        lines = pid_file.read_text().splitlines() if pid_file.exists() else []
        if len(lines) >= 8 and lines[7].strip() == "ready":
            return
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.02)


def _others() -> Iterator[tuple[str, Path]]:
    """Of every folder in IOC_TEST_POSTGRES (as in PATH), named by the version it holds."""
    for folder in filter(None, os.environ.get("IOC_TEST_POSTGRES", "").split(os.pathsep)):
        told = subprocess.run(
            [Path(folder) / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        yield f"version-{told.stdout.split()[-1].partition('.')[0]}", Path(folder)


Started = Callable[[], contextlib.AbstractContextManager[str]]
SERVERS: dict[str, Started] = {
    "embedded": _embedded,
    "debian-15": partial(_programs, DEBIAN_BIN),
    **{name: partial(_programs, folder) for name, folder in _others()},
}


@pytest.fixture(scope="module", params=SERVERS, name="postgres")
def store_postgres(request) -> Iterator[str]:
    """The address of a running server, one after the other."""
    with SERVERS[request.param]() as address:
        yield address


async def new_database(postgres: str, template: str = "template0") -> str:
    """An empty one, or a copy; returns its address."""
    name = f"t{next(_NUMBERS)}"
    made = await asyncpg.connect(postgres)
    await made.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    await made.close()
    return f"{postgres.rsplit('/', 1)[0]}/{name}"


@pytest.fixture(scope="module", name="migrated")
def store_migrated(postgres: str) -> str:
    """The name of a database that is at the newest schema; tests work on copies of it."""
    address = asyncio.run(new_database(postgres))
    upgrade(address)
    return address.rsplit("/", 1)[1]


@pytest.fixture(name="pool")
async def store_pool(postgres: str, migrated: str) -> AsyncIterator[asyncpg.Pool]:
    address = await new_database(postgres, migrated)
    pool = await asyncpg.create_pool(address, min_size=1, max_size=8)
    yield pool
    await pool.close()
