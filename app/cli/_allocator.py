"""The C library's allocator: what was freed goes back to the system."""

from __future__ import annotations

import contextlib
import ctypes

# malloc.h of the GNU C library; mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MIB = 1 << 20


def give_memory_back() -> None:
    """Call before the first thread starts; does nothing where the C library is another one.

    Columns of readings are packed beside the loop. Each thread would keep an arena of its own with
    the holes they left, and by habit the library keeps larger and larger ones: 200 MB of a worker
    that holds 270.
    """
    with contextlib.suppress(AttributeError, OSError):
        tune = ctypes.CDLL(None).mallopt
        tune(_M_ARENA_MAX, 1)
        tune(_M_MMAP_THRESHOLD, _MIB // 4)
        tune(_M_TRIM_THRESHOLD, _MIB)
