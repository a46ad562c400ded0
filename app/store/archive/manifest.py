"""Manifest: what an archive holds; written last, so that a folder without one is not whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from app.store.archive.parquet import ParquetWriter, read_parquet
from app.store.archive.shape import TABLES, Block, Damaged, Table
from app.store.archive.text import CsvWriter, read_csv

NAME = "manifest.json"
FORMAT = 1


class Writer(Protocol):
    """A file that is being written."""

    def write(self, block: Block) -> None: ...

    def close(self) -> None: ...


WRITERS: Mapping[str, Callable[[Path, Table], Writer]] = {
    "parquet": ParquetWriter,
    "csv": CsvWriter,
}
_READERS: Mapping[str, Callable[[Path, Table], Iterator[Block]]] = {
    "parquet": read_parquet,
    "csv": read_csv,
}


class File(msgspec.Struct, frozen=True):
    """One table."""

    table: str
    name: str
    rows: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """Instants as epoch seconds; ``watermarks``: how far each source had given everything."""

    format: int
    made_by: str
    profile: str
    form: str
    from_s: int | None
    to_s: int | None
    watermarks: dict[str, int]
    files: list[File]

    def write(self, folder: Path) -> None:
        told = msgspec.json.format(msgspec.json.encode(self), indent=2)
        part = folder / f"{NAME}.part"
        part.write_bytes(told + b"\n")
        part.rename(folder / NAME)


def read_manifest(folder: Path) -> Manifest:
    """What a folder holds, its files proven to be those that were written."""
    path = folder / NAME
    if not path.is_file():
        raise Damaged(
            f"{folder} has no {NAME}: it is no archive, or its export did not come to its end."
            " Name a folder made by `ioc export`, or export again."
        )
    try:
        told = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.DecodeError as wrong:
        raise Damaged(f"{path}: {wrong}; copy the archive again.") from None
    if told.format != FORMAT:
        raise Damaged(f"{path} has format {told.format}; this ioc reads format {FORMAT}.")
    for file in told.files:
        if file.table not in TABLES or Path(file.name).name != file.name:
            raise Damaged(f"{path} names {file.name} of table {file.table}, which is unknown here.")
        if not (folder / file.name).is_file() or sha256_of(folder / file.name) != file.sha256:
            raise Damaged(f"{folder / file.name} is not as it was written: copy it again.")
    return told


def blocks_of(folder: Path, manifest: Manifest, file: File) -> Iterator[Block]:
    """The rows of one file."""
    reader = _READERS[manifest.form]
    return reader(folder / file.name, TABLES[file.table])


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
