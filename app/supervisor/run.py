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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.settings import Settings, as_environment
from app.store.embedded import EmbeddedPostgres, ServerFailed, ServerKilled, UnusableDataDir
from app.store.migrate import upgrade
from app.supervisor.children import Children, Program
from app.supervisor.data_time import LEASE_EVERY_S, DataTime
from app.supervisor.fill import follow_fill, healthy

ROOT = Path(__file__).parents[2]
_HEALTHY_WITHIN_S = 60.0
_DATABASE_ENDS_WITHIN_S = 1.5
# A server killed from outside again and again while it starts: then somebody does not want it.
_DATABASE_STARTS = 4
_LONGEST_PAUSE_S = 10.0
_SMTP_OFFSET = 25


class _Stopped(Exception):
    """Ctrl-C or SIGTERM came while it was starting."""


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


# These have named what a person must put right.
_LASTING = (ServerFailed, UnusableDataDir)


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
        # One thread that outlives every server it starts: this one must stay free for the lease
        # and for signals while a crashed server recovers.
        self._keeper = ThreadPoolExecutor(1, "database")

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
            for name in web_names(settings.web_processes):
                children.start(web_program(name, settings))
            children.start(_role("worker", settings))
            self._take_on(self._tell(settings, children))
            await self._stop.wait()
            say("stopping")
        except _Stopped:
            say("stopping before it had started")
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
        if url:
            await asyncio.to_thread(upgrade, url)
            return settings
        database = self._database = EmbeddedPostgres(settings.data_dir, stays=True)
        for left in reversed(range(_DATABASE_STARTS)):
            try:
                url = await self._start(database)
                await asyncio.to_thread(upgrade, url)
                break
            except _Stopped:
                raise
            except Exception as error:
                # Whatever failed in between failed because the server had ended.
                crashed = database.pid is None and not isinstance(error, _LASTING)
                if not left or not (crashed or isinstance(error, ServerKilled)):
                    raise
                say("the database was killed while it was made ready; starting it again")
                database.stop()
        return settings.model_copy(update={"database_url": url})

    async def _start(self, database: EmbeddedPostgres) -> str:
        loop = asyncio.get_running_loop()
        started = loop.run_in_executor(self._keeper, database.start)
        stopped = asyncio.ensure_future(self._stop.wait())
        either: list[asyncio.Future[Any]] = [started, stopped]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            started.add_done_callback(lambda done: done.cancelled() or done.exception())
        if not started.done():
            raise _Stopped
        return started.result()

    async def _lease(self) -> None:
        while self._time is not None:
            self._time.mark()
            await asyncio.sleep(LEASE_EVERY_S)

    async def _watch_database(self) -> None:
        """A crashed server comes back on its old port; the processes connect again.

        One that cannot start now (its disk is full, say) is tried again, the later the longer.
        """
        pause = 0.5
        while self._database is not None:
            await asyncio.sleep(pause)
            if self._database.pid is not None:
                pause = 0.5
                continue
            say("the database ended unasked; starting it again")
            try:
                await asyncio.to_thread(self._database.stop)
                await self._start(self._database)
            except (ServerFailed, OSError) as error:
                pause = min(_LONGEST_PAUSE_S, pause * 2)
                say(f"{error}\nioc: trying again in {pause:g} s")
            except _Stopped:
                return

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


def web_names(number: int) -> list[str]:
    """web, web-2, web-3: the first is called what the only one is."""
    return ["web", *(f"web-{n}" for n in range(2, number + 1))]


def web_program(name: str, settings: Settings, *, shared: bool | None = None) -> Program:
    """One of the web processes; of several each knows its name, and that it shares the port."""
    program = _role("web", settings)
    if not (settings.web_processes > 1 if shared is None else shared):
        return program
    return replace(program, name=name, arguments=[*program.arguments, "--name", name])


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
