"""Child processes: started, started again after a crash, ended together, never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.store.processes import Born, born, die_with_parent, end, parse

END_WITHIN_S = 2.0
_LOG_LIMIT = 8_000_000
_LONGEST_PAUSE_S = 15.0
# A child that ran this long was well: its next crash starts the back-off anew.
_WELL_AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: arguments after the interpreter, and its whole environment."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


class Children:
    """The children of one supervisor; their pids are written down for the next life.

    Without a ``data_dir`` they speak where their parent does, and the kernel alone ends them with
    it (``die_with_parent``).
    """

    def __init__(self, data_dir: Path | None, say: Callable[[str], None]) -> None:
        self._pids = data_dir / "children.pids" if data_dir else None
        self._logs = data_dir / "log" if data_dir else None
        if self._logs is not None:
            self._logs.mkdir(exist_ok=True)
        self._say = say
        self._running: dict[str, Born] = {}
        self._kept: dict[str, tuple[asyncio.Event, asyncio.Task[None]]] = {}

    def end_orphans(self) -> None:
        """Those of an earlier life that was killed; call it while holding the lock."""
        if self._pids is not None and self._pids.exists():
            steps = [(signal.SIGTERM, 1.0), (signal.SIGKILL, 2.0)]
            end(parse(self._pids.read_text()), steps)
            self._pids.unlink()

    def start(self, program: Program) -> None:
        """Run it from now until ``stop`` or ``let_go``."""
        over = asyncio.Event()
        task = asyncio.create_task(self._keep(program, over), name=program.name)
        self._kept[program.name] = over, task

    async def let_go(self, name: str) -> None:
        """End one of them; the others do not notice."""
        over, task = self._kept.pop(name)
        over.set()
        await asyncio.gather(task, return_exceptions=True)

    def pid(self, name: str) -> int | None:
        """Who runs under this name now."""
        running = self._running.get(name)
        return running.pid if running else None

    def log(self, name: str) -> Path | None:
        """Where the child's words go; None: where those of its parent go."""
        return self._logs / f"{name}.log" if self._logs else None

    async def stop(self) -> None:
        """End them all, side by side."""
        await asyncio.gather(*(self.let_go(name) for name in tuple(self._kept)))
        if self._pids is not None:
            self._pids.unlink(missing_ok=True)

    async def _keep(self, program: Program, over: asyncio.Event) -> None:
        pause = 0.5
        while not over.is_set():
            begun = time.monotonic()
            process = await self._spawn(program)
            code = await _until_end(process, over)
            self._running.pop(program.name, None)
            self._write_down()
            if over.is_set():
                return
            if time.monotonic() - begun > _WELL_AFTER_S:
                pause = 0.5
            log = self.log(program.name)
            self._say(
                f"{program.name} ended with {code}; starting it again in {pause:g} s"
                + (f" (see {log})" if log else "")
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), pause)
            pause = min(_LONGEST_PAUSE_S, pause * 2)

    async def _spawn(self, program: Program) -> Process:
        with self._words(program.name) as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *program.arguments, env=dict(program.environment),
                stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out,
                # Ctrl-C reaches the supervisor alone, which ends its children in order.
                start_new_session=True, preexec_fn=die_with_parent(signal.SIGKILL),
            )  # fmt: skip
        told = born(process.pid)
        if told is not None:
            self._running[program.name] = told
            self._write_down()
        return process

    def _words(self, name: str) -> AbstractContextManager[IO[bytes] | None]:
        log = self.log(name)
        if log is None:
            return contextlib.nullcontext()
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        return log.open("ab")

    def _write_down(self) -> None:
        if self._pids is None:
            return
        try:
            self._pids.write_text("".join(f"{b.line()}\n" for b in self._running.values()))
        except OSError as error:
            # A full disk must not end the watch over a child: the kernel ends it with us anyway.
            self._say(f"{self._pids} cannot be written: {error.strerror}; free the disk")


async def _until_end(process: Process, over: asyncio.Event) -> int:
    """Its exit status, once it has ended by itself or was asked to."""
    ended = asyncio.ensure_future(process.wait())
    asked = asyncio.ensure_future(over.wait())
    await asyncio.wait([ended, asked], return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    for ask in (process.terminate, process.kill):
        if ended.done():
            break
        with contextlib.suppress(ProcessLookupError):
            ask()
        await asyncio.wait([ended], timeout=END_WITHIN_S)
    return await ended
