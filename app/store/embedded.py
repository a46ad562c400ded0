"""The default database: PostgreSQL's own programs from a wheel, started and recovered by us."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from app.store.embedded_account import Account, UnusableDataDir, account, binaries, open_home
from app.store.processes import Born, born, die_with_parent, end, living_in, parse

__all__ = ["EmbeddedPostgres", "ServerFailed", "ServerKilled", "UnusableDataDir"]

USER = DATABASE = "ioc"
# A Unix socket's path has 108 bytes, and the server appends "/.s.PGSQL.65535".
_SOCKET_DIR_LIMIT = 90
_START_LIMIT_S = 60.0
# After a crash of a server with a lot of WAL to replay, answering takes this long at most.
_RECOVERY_LIMIT_S = 600.0

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_compression": "pglz",
    # After a crash every file of the data directory is made durable before the log is replayed: one
    # call for the file system instead of one for each of a thousand files, seconds on a busy disk.
    **({"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}),
    "max_wal_size": "2GB",
    "checkpoint_timeout": "10min",
    "random_page_cost": "1.1",
    "jit": "off",
    "autovacuum_naptime": "20s",
    "timezone": "Asia/Ho_Chi_Minh",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
    "logging_collector": "off",
    "log_min_messages": "warning",
}


class ServerFailed(Exception):
    """PostgreSQL did not start; the message ends with the last lines of its log."""


class ServerKilled(ServerFailed):
    """PostgreSQL was killed from outside while it started: to start again is all it takes."""


class EmbeddedPostgres:
    """One server in one data directory; ``start`` and ``stop`` may be repeated.

    ``stays``: the thread that starts it lives as long as the process, and so does the server.
    """

    def __init__(self, data_dir: Path, *, stays: bool = False) -> None:
        self._data_dir = data_dir.absolute()
        self._stays = stays
        # Another thread may stop it while one starts it: nothing is begun after a stop.
        self._turn = threading.Lock()
        self._wanted = False
        self._server: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        # Kept over a restart after a crash: whoever holds the address need not learn a new one.
        self._port: int | None = None

    @property
    def pid(self) -> int | None:
        """The postmaster, for whoever watches it; None when it does not run."""
        server = self._server
        return server.pid if server is not None and server.poll() is None else None

    def start(self) -> str:
        """Make the server once, end what an earlier life left, start; returns the address."""
        self._wanted = True
        who = account()
        home = open_home(self._data_dir, who)
        # PostgreSQL tells its folder by the real path; so must whoever looks for its processes.
        home = home.resolve()
        self._lock = _lock(self._data_dir)
        try:
            bin_dir = binaries(home, who)
            _end_orphans(self._data_dir, home / "data")
            password = self._make(home, bin_dir, who)
            port = self._run(home, bin_dir, who)
            address = f"postgresql://{USER}:{password}@127.0.0.1:{port}"
            _create_database(bin_dir, who, port, password)
        except BaseException as error:
            killed = self._server is not None and self._server.poll() == -signal.SIGKILL
            self.stop()
            if killed:
                raise ServerKilled("PostgreSQL was killed while it started") from error
            raise
        return f"{address}/{DATABASE}"

    def running(self) -> str | None:
        """The address of the server another process runs here; None when none runs."""
        try:
            secret = (self._data_dir / "postgres.password").read_text().strip()
            lines = (self._data_dir / "postgres/data/postmaster.pid").read_text().splitlines()
            pid, port = int(lines[0]), int(lines[3])
        except (OSError, ValueError, IndexError):
            return None
        alive = Path(f"/proc/{pid}").exists()
        return f"postgresql://{USER}:{secret}@127.0.0.1:{port}/{DATABASE}" if alive else None

    def stop(self, within_s: float = 4.0) -> None:
        """Fast shutdown; when that takes too long an immediate one, recovered at the next start."""
        with self._turn:
            self._wanted = False
            server, self._server = self._server, None
        if server is not None:
            steps = [(signal.SIGINT, within_s), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 2.0)]
            for number, seconds in steps:
                if server.poll() is not None:
                    break
                server.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    server.wait(seconds)
            _pid_file(self._data_dir).unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _make(self, home: Path, bin_dir: Path, who: Account) -> str:
        """initdb once; a half-made one, left by a kill, is made again."""
        secret = self._data_dir / "postgres.password"
        data, done = home / "data", home / "data" / "made"
        if done.exists() and secret.exists():
            return secret.read_text().strip()
        if done.exists():
            raise UnusableDataDir(
                f"{secret} is gone, and with it the password of the database in {data}."
                " Restore that file, or move the data directory away to begin anew."
            )
        password = secrets.token_urlsafe(24)
        _write_private(secret, password)
        _initdb(home, data, bin_dir, who, password)
        done.touch()
        return password

    def _run(self, home: Path, bin_dir: Path, who: Account) -> int:
        """Start on a free port; another program may take it first, so try a few times."""
        sockets = home / "run"
        if not sockets.exists():
            sockets.mkdir(mode=0o700)
            who.give(sockets, 0o700)
        reachable = str(sockets) if len(os.fsencode(sockets)) <= _SOCKET_DIR_LIMIT else ""
        log = self._data_dir / "postgres.log"
        for _ in range(4):
            port = self._port or _free_port()
            options = SETTINGS | {"port": str(port), "unix_socket_directories": reachable}
            arguments = [f"--{key}={value}" for key, value in options.items()]
            command = [str(bin_dir / "postgres"), "-D", str(home / "data"), *arguments]
            server = self._spawn(command, home, who, log)
            if self._answers(server, home, port):
                self._port = port
                return port
            said = log.read_text(errors="replace")
            if server.wait() == -signal.SIGKILL or "Address already in use" not in said:
                break
            self._port = None
        raise ServerFailed(f"PostgreSQL did not start; {log} ends:\n{_tail(log)}")

    def _spawn(
        self, command: list[str], home: Path, who: Account, log: Path
    ) -> subprocess.Popen[bytes]:
        with self._turn, log.open("wb") as out:
            if not self._wanted:
                raise ServerFailed("PostgreSQL was stopped before it had started")
            self._server = subprocess.Popen(
                command, **who.identity(), cwd=home, stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, env=_environment(), start_new_session=True,
                preexec_fn=_leash(stays=self._stays),
            )  # fmt: skip
            _write_private(_pid_file(self._data_dir), _line(born(self._server.pid)))
            return self._server

    def _answers(self, server: subprocess.Popen[bytes], home: Path, port: int) -> bool:
        """True once it takes connections; False when it ended; a recovery may take its time."""
        begun = time.monotonic()
        pid_file = home / "data" / "postmaster.pid"
        while server.poll() is None:
            # Line 8 of this very postmaster's file turns from "starting" to "ready".
            lines = _read_lines(pid_file)
            state = lines[7].strip() if len(lines) >= 8 else ""
            if state == "ready" and lines[0] == str(server.pid):
                return True
            waited = time.monotonic() - begun
            if waited > (_RECOVERY_LIMIT_S if state == "starting" else _START_LIMIT_S):
                log = self._data_dir / "postgres.log"
                raise ServerFailed(
                    f"PostgreSQL did not answer on port {port} within {waited:.0f} s;"
                    f" {log} ends:\n{_tail(log)}"
                )
            time.sleep(0.02)
        return False


def _initdb(home: Path, data: Path, bin_dir: Path, who: Account, password: str) -> None:
    if data.exists():
        shutil.rmtree(data)
    handed = home / "password"
    _write_private(handed, password)
    who.give(handed, 0o600)
    try:
        made = subprocess.run(
            [bin_dir / "initdb", "-D", data, "-U", USER, "--pwfile", handed,
             "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--data-checksums"],
            **who.identity(), cwd=home, env=_environment(), capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    finally:
        handed.unlink()
    if made.returncode:
        raise ServerFailed(f"initdb could not make {data}: {made.stderr.strip()}")


def _create_database(bin_dir: Path, who: Account, port: int, password: str) -> None:
    """Through ``psql``: the password goes by the environment, which other users cannot read."""
    connection = {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(port),
        "PGUSER": USER,
        "PGPASSWORD": password,
    }

    def ask(statement: str) -> str:
        done = subprocess.run(
            [bin_dir / "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", statement],
            **who.identity(), cwd="/", env=_environment() | connection, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise ServerFailed(f"PostgreSQL refused `{statement}`: {done.stderr.strip()}")
        return str(done.stdout).strip()

    if not ask(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):
        ask(f"CREATE DATABASE {DATABASE}")


def _end_orphans(data_dir: Path, data: Path) -> None:
    """We hold the lock, so whoever still works in this folder is left from a killed life."""
    recorded = parse(_pid_file(data_dir).read_text()) if _pid_file(data_dir).exists() else []
    present = living_in(data)
    # The recorded pid counts only while that very process works here.
    postmasters = [p for p in recorded if p in present]
    end(postmasters, [(signal.SIGINT, 5.0), (signal.SIGQUIT, 3.0)])
    # Backends without a postmaster leave by themselves; they hold the shared memory until then.
    steps = [(signal.SIGTERM, 2.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0)]
    left = end(living_in(data), steps)
    if left:
        raise ServerFailed(f"process {left[0].pid} keeps working in {data}; end it by hand")
    # Nobody works here: the file is stale, and its pid may meanwhile be another program's.
    (data / "postmaster.pid").unlink(missing_ok=True)
    _pid_file(data_dir).unlink(missing_ok=True)


def _lock(data_dir: Path) -> IO[str]:
    path = data_dir / "postgres.lock"
    handle = path.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise UnusableDataDir(
            f"The data directory {data_dir} is in use by another running server."
            " Stop that one, or set IOC_DATA_DIR to another directory."
        ) from None
    return handle


def _leash(*, stays: bool) -> Callable[[], None] | None:
    """Tie the server to this thread's life, unless the thread may end before the process does."""
    stays = stays or threading.current_thread() is threading.main_thread()
    return die_with_parent(signal.SIGINT) if stays else None


def _environment() -> dict[str, str]:
    """Nothing of ours: PGDATA, PGPORT or a home folder would lead the programs astray."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _pid_file(data_dir: Path) -> Path:
    return data_dir / "postgres.pid"


def _line(process: Born | None) -> str:
    return process.line() if process else ""


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except (FileNotFoundError, PermissionError):
        return []


def _tail(log: Path, lines: int = 12) -> str:
    return "\n".join(_read_lines(log)[-lines:])


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
