"""Thrift's compact protocol, as much of it as the head and foot of a Parquet file need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_TRUE, _FALSE, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 2, 5, 6, 8, 9, 12
Value = int | bytes | bool | list["Value"] | dict[int, "Value"]


@dataclass(frozen=True, slots=True)
class Long:
    """A number whose field is 64 bits wide."""

    number: int


# Fields in ascending order of their numbers; lists hold values of one type.
Given = int | Long | str | Sequence["Given"] | dict[int, "Given"]


def dump(fields: dict[int, Given]) -> bytes:
    """A struct."""
    out, last = bytearray(), 0
    for number, value in fields.items():
        out.append((number - last) << 4 | _type(value))
        out += _body(value)
        last = number
    return bytes(out) + b"\0"


def _type(value: Given) -> int:
    if isinstance(value, Long):
        return _I64
    if isinstance(value, int):
        return _I32
    if isinstance(value, str):
        return _BINARY
    return _STRUCT if isinstance(value, dict) else _LIST


def _body(value: Given) -> bytes:
    if isinstance(value, Long | int):
        number = value.number if isinstance(value, Long) else value
        return varint(number << 1 if number >= 0 else (-number << 1) - 1)
    if isinstance(value, str):
        text = value.encode()
        return varint(len(text)) + text
    if isinstance(value, dict):
        return dump(value)
    kind = _type(value[0]) if value else _I32
    short = len(value) < 15
    head = bytes([(len(value) if short else 15) << 4 | kind])
    return head + (b"" if short else varint(len(value))) + b"".join(map(_body, value))


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


class Reader:
    """Takes a struct apart, from ``at`` on; ``at`` is then behind it."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def varint(self) -> int:
        number = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def struct(self) -> dict[int, Value]:
        found: dict[int, Value] = {}
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self._zigzag()
            found[number] = self._value(kind)
        return found

    def _value(self, kind: int) -> Value:
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind in (_I32, _I64):
            return self._zigzag()
        if kind == _BINARY:
            length = self.varint()
            self.at += length
            return self.data[self.at - length : self.at]
        if kind == _STRUCT:
            return self.struct()
        if kind != _LIST:
            raise ValueError(f"a field of type {kind} is not expected here")
        head = self._byte()
        length = head >> 4 if head >> 4 < 15 else self.varint()
        return [self._value(head & 15) for _ in range(length)]

    def _zigzag(self) -> int:
        number = self.varint()
        return number >> 1 ^ -(number & 1)

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]
