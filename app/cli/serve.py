"""``ioc serve``: production; one process a role, or all of them under a supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from enum import StrEnum

import typer

from app.cli._allocator import give_memory_back, give_memory_back_of_answers
from app.cli._words import lose_words_rather_than_work
from app.settings import Settings, load_settings
from app.supervisor.run import StartFailed, run
from app.supervisor.web import run_web, shared_socket

_END_WITHIN_S = 1.5
_NOT_STARTED = 3  # as uvicorn's own command ends
_REPLACED = 4


class Role(StrEnum):
    """What a process does."""

    all = "all"
    web = "web"
    worker = "worker"


def command(
    role: Role = typer.Option(Role.all, help="all supervises all of them."),
    workers: int | None = typer.Option(
        None, min=1, max=32, help="Web processes on the one port (setting web_processes)."
    ),
    name: str = typer.Option("", hidden=True, help="Which of several web processes this is."),
) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    settings = load_settings(**({} if workers is None else {"web_processes": workers}))
    if role is Role.all:
        run(settings, demo=False)
        return
    if not settings.database_url:
        raise StartFailed(
            f"The role {role.value} alone needs a database: set IOC_DATABASE_URL to"
            " postgresql://user:password@host:port/database, or use --role all."
        )
    lose_words_rather_than_work()
    if role is Role.worker:
        _work(settings)
    elif not name and (workers is not None or settings.web_processes > 1):
        run_web(settings)
    else:
        _web(settings, name)


def _web(settings: Settings, name: str) -> None:
    import uvicorn

    from app.wiring import CONNECTIONS, web

    give_memory_back_of_answers()
    # Ten thousand connections are a million objects that stay: not to be looked through for cycles
    # with every few that come.
    gc.set_threshold(10_000, 20, 50)
    config = uvicorn.Config(
        web(settings, name),
        host=settings.host,
        port=settings.port,
        # "auto" would go on serving errors when the parts could not be opened.
        lifespan="on",
        **CONNECTIONS,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    server.run([shared_socket(settings.host, settings.port)] if name else None)
    if not server.started:
        raise typer.Exit(_NOT_STARTED)


def _work(settings: Settings) -> None:
    import uvloop

    from app.store.lease import Replaced

    give_memory_back()
    # A page of records is tens of thousands of objects without a cycle among them: by the usual
    # thresholds a sixth of a fill goes into looking for some.
    gc.set_threshold(20_000, 10, 50)
    # A fill is thousands of round trips a second: this loop does them with a third less CPU.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_worker(settings))
        except Replaced as replaced:
            typer.echo(f"ioc: {replaced}", err=True)
            raise typer.Exit(_REPLACED) from None


async def _worker(settings: Settings) -> None:
    from app.wiring import worker

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    work = asyncio.ensure_future(worker(settings, stop))
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait([work, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not work.done():
        # Whatever is under way is a transaction: cutting it loses nothing.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(work), _END_WITHIN_S)
        work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
