"""Codec: columns of integers, instants and measured values as bytes, and back to the last bit."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal

import numpy as np
from numpy.typing import NDArray
from pcodec import ChunkConfig, DeltaSpec, ModeSpec
from pcodec import standalone as pco

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Up to here a decimal and its double name each other: 15 digits survive both ways.
_SURE = 10.0**15
_DIGITS = 12
# For what is packed anew within the hour: a few per cent longer, in a third of the time.
FAST = 2
_POWERS = 10.0 ** np.arange(_DIGITS + 1)[:, None]
_RAW = 255
_PLAIN, _GRID = 0, 1
_HEAD = struct.Struct("<I")
_TWO = struct.Struct("<II")
_GRID_HEAD = struct.Struct("<BqqI")
# Room for every finite double beside every other: 309 digits before the point, 324 + 17 after.
EXACT = Context(prec=1100, traps=[])


class Damaged(Exception):
    """Stored bytes are not what was written."""


@dataclass(frozen=True, slots=True)
class Scaled:
    """Values as whole numbers of 10^-digits."""

    digits: int
    ints: Ints

    def floats(self) -> Floats:
        # Both sides of the division are exact, so its result is rounded once: to the same double.
        return self.ints / 10.0**self.digits if self.digits else self.ints.astype(np.float64)


def scaled(values: Floats) -> Scaled | None:
    """The values as decimals of at most 15 digits; None when one of them is not such a decimal."""
    if not len(values):
        return Scaled(0, np.zeros(0, np.int64))
    top = max(float(values.max()), -float(values.min()))
    if not top < _SURE:
        return None  # NaN compares as not smaller
    zeros = values == 0.0
    if bool(zeros.any()) and bool(np.signbit(values[zeros]).any()):
        return None
    sample = values[:: max(1, len(values) // 16)]
    likely = (np.rint(sample * _POWERS) / _POWERS == sample).all(axis=1)
    for digits in np.flatnonzero(likely).tolist():
        power = 10.0**digits
        if top * power >= _SURE:
            return None
        ints = np.rint(values * power)
        if bool((ints / power == values).all()):
            return Scaled(digits, ints.astype(np.int64))
    return None


def scaled_as(values: Floats, digits: int) -> Scaled | None:
    """With so many digits, which is likely enough to be tried first."""
    power = 10.0**digits
    ints = np.rint(values * power)
    if not len(ints) or not bool((ints / power == values).all()):
        return scaled(values)
    if float(np.abs(ints).max()) >= _SURE or bool((np.signbit(values) & (values == 0.0)).any()):
        return scaled(values)
    return Scaled(digits, ints.astype(np.int64))


def exact_sum(values: Floats) -> Decimal:
    """The sum of the values as people write them, not rounded."""
    return add(Decimal(repr(v)) for v in values.tolist())


def add(parts: Iterable[Decimal]) -> Decimal:
    """An exact total; its order does not matter."""
    total = Decimal(0)
    for part in parts:
        total = EXACT.add(total, part)
    return total


def pack_ints(ints: Ints, *, level: int = 8) -> bytes:
    """Whichever of plain and differences is shorter; in a hurry differences."""
    if level <= FAST:
        return _packed(ints, level, 1 if len(ints) > 2 else 0)
    plain = _packed(ints, level, 0)
    return plain if len(ints) < 3 else min(plain, _packed(ints, level, 1), key=len)


def unpack_ints(body: bytes) -> Ints:
    return _unpacked(body)


def pack_times(at: Ints, *, level: int = 8) -> bytes:
    """Instants: a regular grid and the scheduler's jitter beside it, or differences."""
    plain = bytes([_PLAIN]) + _packed(at, level, 1)
    if len(at) < 8 or level <= FAST:
        return plain
    gaps = np.diff(at)
    tick = _middle(gaps)
    if tick <= 0 or not gaps.any():
        return plain
    ticks = (at - at[0] + tick // 2) // tick
    steps = _packed(np.diff(ticks), level, 0)
    rest = _packed(at - at[0] - ticks * tick, level, 0)
    grid = _GRID_HEAD.pack(_GRID, tick, int(at[0]), len(steps)) + steps + rest
    return min(plain, grid, key=len)


def _middle(ints: Ints) -> int:
    """As ``int(np.median(ints))``, which takes longer than all the rest."""
    low, high = (len(ints) - 1) // 2, len(ints) // 2
    found = np.partition(ints, (low, high))
    return int((float(found[low]) + float(found[high])) / 2)


def unpack_times(body: bytes) -> Ints:
    if body[0] == _PLAIN:
        return _unpacked(body[1:])
    if body[0] != _GRID:
        raise Damaged(f"a column of instants begins with {body[:1]!r}; expected 0 or 1")
    _, tick, first, length = _GRID_HEAD.unpack_from(body)
    middle = _GRID_HEAD.size + length
    steps, rest = _unpacked(body[_GRID_HEAD.size : middle]), _unpacked(body[middle:])
    rest[1:] += np.cumsum(steps) * tick
    rest += first
    return rest


def pack_values(values: Floats, *, level: int = 8) -> bytes:
    """Decimals as whole numbers; what is no decimal as it is, bit for bit."""
    return pack_scaled(scaled(values) or values, level=level)


def pack_scaled(values: Scaled | Floats, *, level: int = 8) -> bytes:
    """The same, of what has been looked at already."""
    if isinstance(values, Scaled):
        return bytes([values.digits]) + pack_ints(values.ints, level=level)
    return bytes([_RAW]) + bytes(
        pco.simple_compress(np.ascontiguousarray(values), ChunkConfig(compression_level=level))
    )


def unpack_values(body: bytes) -> Scaled | Floats:
    if body[0] == _RAW:
        return _unpacked_floats(body[1:])
    if body[0] > _DIGITS:
        raise Damaged(f"a column of values begins with {body[0]}; expected 0 to {_DIGITS} or 255")
    return Scaled(body[0], _unpacked(body[1:]))


def floats(values: Scaled | Floats) -> Floats:
    return values.floats() if isinstance(values, Scaled) else values


def seal(*parts: bytes) -> bytes:
    """Parts in one body that knows its own check sum."""
    body = b"".join(_HEAD.pack(len(p)) + p for p in parts)
    return _HEAD.pack(zlib.crc32(body)) + body


def unseal(body: bytes) -> list[bytes]:
    """The parts; raises Damaged when a bit has changed."""
    if len(body) < _HEAD.size or _HEAD.unpack_from(body)[0] != zlib.crc32(memoryview(body)[4:]):
        raise Damaged("the check sum differs; restore this row from a backup")
    parts, at = [], _HEAD.size
    while at < len(body):
        (length,) = _HEAD.unpack_from(body, at)
        at += _HEAD.size
        parts.append(body[at : at + length])
        at += length
    return parts


def unseal_two(body: bytes) -> tuple[bytes, bytes]:
    """The first two parts: a question opens hundreds of bodies, and needs no more of them."""
    if len(body) < _TWO.size:
        raise Damaged(f"{len(body)} bytes; expected a check sum and two parts at least")
    told, length = _TWO.unpack_from(body)
    if told != zlib.crc32(memoryview(body)[4:]):
        raise Damaged("the check sum differs; restore this row from a backup")
    middle = _TWO.size + length
    (length,) = _HEAD.unpack_from(body, middle)
    return body[_TWO.size : middle], body[middle + 4 : middle + 4 + length]


def _packed(ints: Ints, level: int, differences: int) -> bytes:
    delta = DeltaSpec.try_consecutive(differences) if differences else DeltaSpec.no_op()
    how = ChunkConfig(compression_level=level, delta_spec=delta, mode_spec=ModeSpec.classic())
    return bytes(pco.simple_compress(np.ascontiguousarray(ints), how))


def _unpacked(body: bytes) -> Ints:
    try:
        found = pco.simple_decompress(body)
    except RuntimeError as error:
        raise Damaged(f"a packed column cannot be read: {error}") from error
    return np.zeros(0, np.int64) if found is None else found


def _unpacked_floats(body: bytes) -> Floats:
    found: Floats = _unpacked(body).view(np.float64)
    return found
