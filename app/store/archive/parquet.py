"""Parquet: flat tables of five kinds of columns, written and read with nothing but numpy.

Every column may have gaps; texts go through a dictionary; pages are packed with gzip, which every
reader knows. What is read is what is written here: docs/decisions says why no library does it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from app.store.archive.shape import Block, Cell, Damaged, Kind, Table, height
from app.store.archive.thrift import Given, Long, Reader, dump, varint

MAKER = "ioc export"
_MAGIC = b"PAR1"
_BOOLEAN, _INT64, _DOUBLE, _BYTES = 0, 2, 5, 6
_PHYSICAL = {"text": _BYTES, "int": _INT64, "float": _DOUBLE, "bool": _BOOLEAN, "instant": _INT64}
_CONVERTED = {"text": 0, "instant": 9}
_PLAIN, _RLE, _DICTIONARY, _OPTIONAL, _GZIP = 0, 3, 8, 1, 2
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2
_NUMBERS = {"int": "<i8", "instant": "<i8", "float": "<f8"}


class ParquetWriter:
    """Each block becomes a row group."""

    def __init__(self, path: Path, table: Table) -> None:
        self._table = table
        self._out: IO[bytes] = path.open("wb")
        self._out.write(_MAGIC)
        self._groups: list[Given] = []
        self._rows = 0

    def write(self, block: Block) -> None:
        rows = height(block)
        if not rows:
            return
        chunks = [self._chunk(n, kind, block[n]) for n, kind in self._table.columns.items()]
        size = sum(cast(Long, cast(dict[int, Given], c[3])[7]).number for c in chunks)
        self._groups.append({1: chunks, 2: Long(size), 3: Long(rows)})
        self._rows += rows

    def close(self) -> None:
        root: dict[int, Given] = {4: "rows", 5: len(self._table.columns)}
        schema: list[Given] = [root]
        for name, kind in self._table.columns.items():
            element: dict[int, Given] = {1: _PHYSICAL[kind], 3: _OPTIONAL, 4: name}
            if kind in _CONVERTED:
                element[6] = _CONVERTED[kind]
            schema.append(element)
        foot = dump({1: 1, 2: schema, 3: Long(self._rows), 4: self._groups, 6: MAKER})
        self._out.write(foot + len(foot).to_bytes(4, "little") + _MAGIC)
        self._out.close()

    def _chunk(self, name: str, kind: Kind, cells: Sequence[Cell]) -> dict[int, Given]:
        began, plain = self._out.tell(), 0
        there = [c for c in cells if c is not None]
        encoding, body = _PLAIN, b""
        found: dict[int, Given] = {}
        if kind == "text":
            words = list(dict.fromkeys(there))
            plain += self._page(_DICTIONARY_PAGE, len(words), _texts(words), _PLAIN)
            number = {w: i for i, w in enumerate(words)}
            body = _packed(np.array([number[c] for c in there], np.int64), len(words))
            encoding, found[11] = _DICTIONARY, Long(began)
        elif kind == "bool":
            body = np.packbits(np.array(there, bool), bitorder="little").tobytes()
        else:
            body = np.array(there, _NUMBERS[kind]).tobytes()
        data_at = self._out.tell()
        known = np.array([c is not None for c in cells], np.int64)
        levels = _runs(known, 1)
        body = len(levels).to_bytes(4, "little") + levels + body
        plain += self._page(_DATA_PAGE, len(cells), body, encoding)
        size = self._out.tell() - began
        meta: dict[int, Given] = {
            1: _PHYSICAL[kind], 2: [_PLAIN, _RLE, encoding], 3: [name], 4: _GZIP,
            5: Long(len(cells)), 6: Long(plain), 7: Long(size), 9: Long(data_at), **found,
        }  # fmt: skip
        return {2: Long(began), 3: meta}

    def _page(self, kind: int, values: int, body: bytes, encoding: int) -> int:
        """Gives the size it would have had unpacked, head included."""
        packer = zlib.compressobj(4, zlib.DEFLATED, 31)
        packed = packer.compress(body) + packer.flush()
        data: dict[int, Given] = {1: values, 2: encoding, 3: _RLE, 4: _RLE}
        words: dict[int, Given] = {1: values, 2: _PLAIN}
        told: dict[int, Given] = {5: data} if kind == _DATA_PAGE else {7: words}
        head = dump({1: kind, 2: len(body), 3: len(packed), **told})
        self._out.write(head + packed)
        return len(head) + len(body)


def read_parquet(path: Path, table: Table) -> Iterator[Block]:
    """Row group after row group of a file written above."""
    with path.open("rb") as file:
        foot = _foot(file, path)
        names = [cast(bytes, e[4]).decode() for e in _dicts(foot[2])[1:]]
        if foot.get(6) != MAKER.encode() or names != list(table.columns):
            raise Damaged(
                f"{path} was not written by `ioc export` as {table.name}; expected its columns"
                f" {', '.join(table.columns)}. Export again, or import the CSV form."
            )
        for group in _dicts(foot[4]):
            chunks = _dicts(group[1])
            yield {
                name: _cells(file, kind, cast(dict[int, Any], chunk[3]))
                for (name, kind), chunk in zip(table.columns.items(), chunks, strict=True)
            }


def _dicts(value: object) -> list[dict[int, Any]]:
    return cast("list[dict[int, Any]]", value)


def _foot(file: IO[bytes], path: Path) -> dict[int, Any]:
    data = b""
    if file.seek(0, 2) > 12:
        file.seek(-8, 2)
        tail = file.read(8)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] == _MAGIC and length < file.tell() - 8:
            file.seek(-8 - length, 2)
            data = file.read(length)
    if not data:
        raise Damaged(f"{path} is not a whole Parquet file: copy it again from where it was made.")
    return cast("dict[int, Any]", Reader(data).struct())


def _cells(file: IO[bytes], kind: Kind, meta: dict[int, Any]) -> list[Cell]:
    words: list[str] = []
    file.seek(meta.get(11, meta[9]))
    data = file.read(meta[7])
    at = 0
    if 11 in meta:
        body, _, at = _unpack(data, at)
        words = _words(body)
    body, rows, _ = _unpack(data, at)
    length = int.from_bytes(body[:4], "little")
    known = _unrun(body[4 : 4 + length], 1, rows) == 1
    there = _decoded(body[4 + length :], kind, words, int(known.sum()))
    if known.all():
        return there
    given = iter(there)
    return [next(given) if k else None for k in known.tolist()]


def _decoded(body: bytes, kind: Kind, words: list[str], count: int) -> list[Cell]:
    if kind == "text":
        return [words[i] for i in _unrun(body[1:], body[0], count).tolist()]
    if kind == "bool":
        bits = np.unpackbits(np.frombuffer(body, np.uint8), count=count, bitorder="little")
        return cast("list[Cell]", bits.astype(bool).tolist())
    return cast("list[Cell]", np.frombuffer(body, _NUMBERS[kind], count).tolist())


def _unpack(data: bytes, at: int) -> tuple[bytes, int, int]:
    """A page's body, how many values it has, and where the next page begins."""
    reader = Reader(data, at)
    head = cast("dict[int, Any]", reader.struct())
    told = head.get(5) or head[7]
    end = reader.at + head[3]
    return zlib.decompress(data[reader.at : end], 31), told[1], end


def _texts(words: Sequence[object]) -> bytes:
    told = [cast(str, w).encode() for w in words]
    return b"".join(len(t).to_bytes(4, "little") + t for t in told)


def _words(body: bytes) -> list[str]:
    words, at = [], 0
    while at < len(body):
        length = int.from_bytes(body[at : at + 4], "little")
        words.append(body[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return words


def _packed(numbers: NDArray[np.int64], words: int) -> bytes:
    width = max(1, (words - 1).bit_length())
    return bytes([width]) + _runs(numbers, width)


def _runs(numbers: NDArray[np.int64], width: int) -> bytes:
    """One run of numbers packed bit by bit, in groups of eight."""
    groups = -(-len(numbers) // 8)
    if not groups:
        return b""
    whole = np.zeros(groups * 8, np.int64)
    whole[: len(numbers)] = numbers
    bits = (whole[:, None] >> np.arange(width)) & 1
    packed = np.packbits(bits.astype(np.uint8).ravel(), bitorder="little")
    return varint(groups << 1 | 1) + packed.tobytes()


def _unrun(body: bytes, width: int, count: int) -> NDArray[np.int64]:
    if not count:
        return np.zeros(0, np.int64)
    reader = Reader(body)
    groups = reader.varint() >> 1
    bits = np.unpackbits(
        np.frombuffer(body, np.uint8, groups * width, reader.at), bitorder="little"
    )
    weights = np.left_shift(1, np.arange(width, dtype=np.int64))
    found: NDArray[np.int64] = bits.reshape(-1, width).astype(np.int64) @ weights
    return found[:count]
