"""Remote write: batches as the bytes Prometheus and VictoriaMetrics take, made outside the timer.

Snappy's block format allows literals alone: the peer then copies where it would decompress, which
costs it less than packed bytes would, and this benchmark needs no library for it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.store.dataset import Batch

METRIC = "bench"


def encode(batch: Batch) -> bytes:
    """One WriteRequest in a snappy block."""
    order = np.argsort(batch.series, kind="stable")
    series = batch.series[order]
    samples = _samples(batch.at_ms[order], batch.value[order])
    starts = np.flatnonzero(np.diff(series, prepend=-1))
    ends = np.append(starts[1:], len(series))
    parts = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        body = _labels(batch.source.code, int(series[start])) + samples[start:end].tobytes()
        parts.append(_field(1, body))
    return _snappy(b"".join(parts))


def _samples(at_ms: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Each row one Sample field: 18 bytes, as a stamp of our time always takes six of them."""
    rows = np.empty((len(value), 18), np.uint8)
    rows[:, :3] = (0x12, 16, 0x09)
    rows[:, 3:11] = value.astype("<f8").view(np.uint8).reshape(-1, 8)
    rows[:, 11] = 0x10
    for byte in range(6):
        bits = (at_ms >> (7 * byte)) & 0x7F
        rows[:, 12 + byte] = bits | (0x80 if byte < 5 else 0)
    return rows


def _labels(source: str, series: int) -> bytes:
    pairs = (("__name__", METRIC), ("series", str(series)), ("source", source))
    return b"".join(
        _field(1, _field(1, name.encode()) + _field(2, text.encode())) for name, text in pairs
    )


def _field(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(body)) + body


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _snappy(body: bytes) -> bytes:
    """The length, then one literal whose own length takes four bytes."""
    return _varint(len(body)) + bytes([63 << 2]) + (len(body) - 1).to_bytes(4, "little") + body
