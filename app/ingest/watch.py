"""Watch: finds a collector that blocks the event loop, and cuts it short there and then.

Collectors share the worker's loop, because a thread each would cost a quarter more CPU in a fill.
A thread watches the loop's beat; when it is late, a signal interrupts the main thread, and if a
collector's code is what runs there, ``Blocks`` is raised inside it. This ends Python loops,
``time.sleep`` and blocking sockets alike; only C code that never looks at signals gets away.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from types import CodeType, FrameType, TracebackType

BEAT_S = 0.1
LATE_S = 0.6
_SIGNAL = signal.SIGUSR2


class Blocks(BaseException):
    """Raised inside a collector that holds the loop; no ``except Exception`` of its stops it."""


class Watch:
    """While open, ``LATE_S`` is the longest the watched code may hold the loop at a time.

    ``watched`` is the code object whose frame, anywhere in the stack, marks a collector at work.
    Opened from the running loop of the main thread; elsewhere it watches nothing.
    """

    def __init__(self, watched: CodeType) -> None:
        self._watched = watched
        self._beat = time.monotonic()
        self._ended = threading.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._before: object = None

    def __enter__(self) -> Watch:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(_SIGNAL, self._interrupt)
            self._tick()
            threading.Thread(target=self._look, name="loop watch", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._timer is not None:
            self._timer.cancel()
            # The handler stays: a signal on its way must not end the process.

    def _tick(self) -> None:
        self._beat = time.monotonic()
        self._timer = asyncio.get_running_loop().call_later(BEAT_S, self._tick)

    def _look(self) -> None:
        main = threading.main_thread().ident
        while not self._ended.wait(BEAT_S):
            if time.monotonic() - self._beat > LATE_S and main is not None:
                signal.pthread_kill(main, _SIGNAL)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._ended.is_set() or time.monotonic() - self._beat <= LATE_S:
            return
        while frame is not None:
            if frame.f_code is self._watched:
                # Whoever is cut short starts the count anew: what cleans up after it may run.
                self._beat = time.monotonic()
                raise Blocks
            frame = frame.f_back
