"""The C library's allocator: what was freed goes back to the system."""

from __future__ import annotations

import contextlib
import ctypes

# malloc.h of the GNU C library; mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MIB = 1 << 20


def give_memory_back(mmap_bytes: int = _MIB // 4, trim_bytes: int = _MIB) -> None:
    """Call before the first thread starts; does nothing where the C library is another one.

    Columns of readings are packed beside the loop. Each thread would keep an arena of its own with
    the holes they left, and by habit the library keeps larger and larger ones: 200 MB of a worker
    that holds 270. What is larger than ``mmap_bytes`` is the system's as soon as it is freed; no
    more than ``trim_bytes`` stay free at the end of the heap.
    """
    with contextlib.suppress(AttributeError, OSError):
        tune = ctypes.CDLL(None).mallopt
        tune(_M_ARENA_MAX, 1)
        tune(_M_MMAP_THRESHOLD, mmap_bytes)
        tune(_M_TRIM_THRESHOLD, trim_bytes)


def give_memory_back_of_answers() -> None:
    """The same for who answers questions: a column of a chart is asked for again soon.

    With the tighter bounds a sixth of a question about a hundred series is the system finding empty
    pages for the same columns as before.
    """
    give_memory_back(4 * _MIB, 16 * _MIB)
