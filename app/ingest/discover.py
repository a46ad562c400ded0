"""Finds collectors: one folder under ``collectors/`` each, or an entry point ``ioc.collectors``."""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from types import ModuleType

from app.domain.feed import Feed, FeedBroken, Page
from app.domain.record import RecordUpdate
from app.ingest.runner import Collect

API_VERSION = 1
Reader = Callable[[bytes, dict[str, str]], Sequence[RecordUpdate]]


def lend_collector(name: str) -> Collect:
    """The collector, or one that says at every poll why there is none: the others go on."""
    try:
        return find_collector(name)
    except Exception as error:  # importing a plug-in runs its code, which may raise anything
        reason = f"{type(error).__name__}: {error}"

    async def broken(feed: Feed, since: str) -> Page:
        raise FeedBroken(reason)

    return broken


def find_collector(name: str) -> Collect:
    """The ``collect`` function of a collector, by folder or entry-point name."""
    module = _module(name)
    told = getattr(module, "API_VERSION", None)
    if told != API_VERSION:
        raise LookupError(
            f"collector {name!r} states API_VERSION {told!r}; this product speaks {API_VERSION}:"
            " update the collector"
        )
    collect: Collect = module.collect
    return collect


def version_of(name: str) -> str:
    """The collector's name and the first digits of the SHA-256 of its source."""
    try:
        source = inspect.getsource(_module(name))
    except Exception:  # told elsewhere when it cannot be imported; a compiled one has no source
        return name
    return f"{name}@{hashlib.sha256(source.encode()).hexdigest()[:12]}"


def find_reader(name: str) -> Reader | None:
    """How a collector reads one record out of quarantine; None when it does not offer it."""
    module = _module(name)
    reread: Reader | None = getattr(module, "reread", None)
    if reread is not None:
        return reread
    one: Callable[[bytes], Sequence[RecordUpdate]] | None = getattr(module, "read_record", None)
    return None if one is None else lambda raw, settings: one(raw)


def _module(name: str) -> ModuleType:
    for point in entry_points(group="ioc.collectors"):
        if point.name == name:
            loaded = point.load()
            return (
                loaded if isinstance(loaded, ModuleType) else importlib.import_module(point.module)
            )
    try:
        return importlib.import_module(f"collectors.{name}.collector")
    except ModuleNotFoundError as missing:
        raise LookupError(
            f"no collector {name!r}: expected collectors/{name}/collector.py or an entry point"
            f" of group ioc.collectors ({missing})"
        ) from missing
