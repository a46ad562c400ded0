"""Runs an installation: the database, the web and worker processes, in a demo the simulators."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path

from app.settings import Settings, as_environment
from app.store.embedded import EmbeddedPostgres, UnusableDataDir
from app.store.migrate import upgrade
from app.supervisor.children import Children, Program
from app.supervisor.data_time import LEASE_EVERY_S, DataTime
from app.supervisor.fill import follow_fill, healthy

ROOT = Path(__file__).parents[2]
_HEALTHY_WITHIN_S = 60.0
_DATABASE_ENDS_WITHIN_S = 1.5
_SMTP_OFFSET = 25


class StartFailed(Exception):
    """Something the installation needs is not to be had; the message says what to do."""


def say(line: str) -> None:
    """To the person who started it."""
    print(f"ioc: {line}", flush=True)


def run(settings: Settings, *, demo: bool) -> None:
    """Until Ctrl-C or SIGTERM; then nothing of it is left."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with _only_one(settings.data_dir):
        asyncio.run(_Installation(settings, demo=demo).live())


class _Installation:
    """One life of the supervisor."""

    def __init__(self, settings: Settings, *, demo: bool) -> None:
        self._settings = settings
        self._demo = demo
        self._stop = asyncio.Event()
        self._database: EmbeddedPostgres | None = None
        self._time: DataTime | None = None
        self._duties: list[asyncio.Task[None]] = []
        self._failed: Exception | None = None

    async def live(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        children = Children(self._settings.data_dir, say)
        children.end_orphans()
        self._check_ports()
        try:
            settings = self._open_world(children)
            self._take_on(self._lease())
            settings = await self._open_database(settings)
            self._take_on(self._watch_database())
            for role in ("web", "worker"):
                children.start(_role(role, settings))
            self._take_on(self._tell(settings, children))
            await self._stop.wait()
            say("stopping")
        finally:
            for duty in self._duties:
                duty.cancel()
            await children.stop()
            if self._time is not None:
                self._time.close()
            if self._database is not None:
                self._database.stop(_DATABASE_ENDS_WITHIN_S)
        if self._failed is not None:
            raise self._failed

    def _take_on(self, duty: Coroutine[None, None, None]) -> None:
        """A duty that fails ends the installation: without it, it would only seem to run."""

        async def watched() -> None:
            try:
                await duty
            except Exception as error:
                self._failed = error
                self._stop.set()

        self._duties.append(asyncio.create_task(watched()))

    def _check_ports(self) -> None:
        wanted = [("IOC_PORT", self._settings.host, self._settings.port)]
        if self._demo:
            wanted.append(("IOC_SIM_PORT", "127.0.0.1", self._settings.sim_port))
        for name, host, port in wanted:
            if not _free(host, port):
                raise StartFailed(f"{host}:{port} is in use. Set {name} to a free port.")

    def _open_world(self, children: Children) -> Settings:
        """In a demo: data time, the simulators, and where alerts are told."""
        if not self._demo:
            return self._settings
        told = self._settings
        self._time = DataTime(told.data_dir, told.speed)
        smtp = told.sim_smtp_port or _smtp_port(told.sim_port)
        settings = told.model_copy(
            update={
                "clock_file": self._time.clock_file,
                "sim_smtp_port": smtp,
                "webhook_url": told.webhook_url or f"http://127.0.0.1:{told.sim_port}/sink/webhook",
                "smtp_host": told.smtp_host or "127.0.0.1",
                "smtp_port": told.smtp_port if told.smtp_host else smtp,
                "mail_to": told.mail_to or ("truc-ioc@laocai.example",),
            }
        )
        children.start(Program("simulators", simulator_arguments(settings), _environment(settings)))
        return settings

    async def _open_database(self, settings: Settings) -> Settings:
        url = settings.database_url
        if not url:
            self._database = EmbeddedPostgres(settings.data_dir)
            # On this thread, the main one: the server is tied to its life.
            url = self._database.start()
        await asyncio.to_thread(upgrade, url)
        return settings.model_copy(update={"database_url": url})

    async def _lease(self) -> None:
        while self._time is not None:
            self._time.mark()
            await asyncio.sleep(LEASE_EVERY_S)

    async def _watch_database(self) -> None:
        """A crashed server comes back on its old port; the processes connect again."""
        while self._database is not None:
            await asyncio.sleep(0.5)
            if self._database.pid is None:
                say("the database ended unasked; starting it again")
                self._database.stop()
                self._database.start()

    async def _tell(self, settings: Settings, children: Children) -> None:
        base = f"http://{settings.host}:{settings.port}"
        begun = time.monotonic()
        if not await healthy(f"{base}/healthz", _HEALTHY_WITHIN_S, self._stop):
            if not self._stop.is_set():
                say(f"the web process does not answer yet; see {children.log('web')}")
            return
        say(f"ready after {time.monotonic() - begun:.1f} s")
        pages = [("wall", f"{base}/wall"), ("desk", f"{base}/"), ("API", f"{base}/api/v1/docs")]
        if self._demo:
            pages.append(("simulators", f"http://127.0.0.1:{settings.sim_port}/"))
        for name, url in pages:
            say(f"  {name:<11}{url}")
        say(f"  {'data':<11}{settings.data_dir}   (Ctrl-C stops, starting again goes on)")
        await follow_fill(f"{base}/api/v1/sources", say, self._stop)


def simulator_arguments(settings: Settings) -> list[str]:
    """The simulators as a program of their own, on the clock file where there is one."""
    arguments = [
        "-m", "collectors", "--host", "127.0.0.1", "--port", str(settings.sim_port),
        "--smtp-port", str(settings.sim_smtp_port or _smtp_port(settings.sim_port)),
        "--seed", str(settings.seed), "--scale", str(settings.scale),
        "--data-dir", str(settings.data_dir / "simulators"),
    ]  # fmt: skip
    if settings.clock_file is None:
        return [*arguments, "--speed", str(settings.speed)]
    return [*arguments, "--clock-file", str(settings.clock_file)]


def _role(role: str, settings: Settings) -> Program:
    return Program(role, ["-m", "app.cli", "serve", "--role", role], _environment(settings))


def _environment(settings: Settings) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | as_environment(settings) | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


@contextlib.contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    with (data_dir / "demo.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnusableDataDir(
                f"Another installation runs in {data_dir}."
                " Stop it, or set IOC_DATA_DIR, IOC_PORT and IOC_SIM_PORT for a second one."
            ) from None
        yield


def _free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _smtp_port(sim_port: int) -> int:
    """Beside the simulators' own port, so that two demos do not meet there."""
    beside = sim_port + _SMTP_OFFSET
    if beside < 65536 and _free("127.0.0.1", beside):
        return beside
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
