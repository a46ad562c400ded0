"""Several web processes on one port: started, started again, added and taken away while it runs."""

from __future__ import annotations

import asyncio
import signal
import socket
from itertools import count

from app.settings import Settings
from app.supervisor.children import Children
from app.supervisor.run import StartFailed, say, web_names, web_program

_ADD, _TAKE_AWAY = signal.SIGTTIN, signal.SIGTTOU  # as other servers have it


def shared_socket(host: str, port: int) -> socket.socket:
    """Bound, not listening: the kernel parts new connections among all that listen by the same way.

    Each process has a queue of its own, so none takes a whole storm; what a killed one had in its
    queue is refused at once and comes again to another.
    """
    family, _, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        made.bind(address)
    except OSError as error:
        made.close()
        raise StartFailed(
            f"{host}:{port} cannot be had ({error.strerror}). Set IOC_PORT to a free port."
        ) from None
    return made


def run_web(settings: Settings) -> None:
    """``settings.web_processes`` of them until Ctrl-C or SIGTERM; SIGTTIN adds one, SIGTTOU ends
    the last.
    """
    # Held and never listened on: between two lives of a process the port stays ours.
    with shared_socket(settings.host, settings.port):
        asyncio.run(_keep(settings))


async def _keep(settings: Settings) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    children = Children(None, say)
    names = web_names(settings.web_processes)
    numbers = count(len(names) + 1)
    leaving: set[asyncio.Task[None]] = set()

    def add(name: str) -> None:
        children.start(web_program(name, settings, shared=True))

    def more() -> None:
        # A name is not given twice: whoever reads the figures of one must not find another's.
        names.append(f"web-{next(numbers)}")
        say(f"one more web process: {names[-1]}")
        add(names[-1])

    def fewer() -> None:
        if len(names) > 1:
            name = names.pop()
            say(f"one web process less: {name}")
            leaving.add(asyncio.create_task(children.let_go(name)))

    for name in names:
        add(name)
    loop.add_signal_handler(_ADD, more)
    loop.add_signal_handler(_TAKE_AWAY, fewer)
    await stop.wait()
    await asyncio.gather(children.stop(), *leaving)
