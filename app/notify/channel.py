"""Channel: what a module under ``channels`` offers, and how receivers are made of settings."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from app.domain.alerting import Notice

_PACKAGE = "app.notify.channels"


class RetryLater(Exception):
    """The receiver cannot take it now (``after_s`` if it said when): try the same key again."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


class Refused(Exception):
    """The receiver will never take this message: a person must look."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """One configured address of one channel; ``send`` raises RetryLater or Refused."""

    id: str
    send: Callable[[Notice, str], Awaitable[None]]


def channel_names() -> list[str]:
    """Every channel there is, by module name."""
    package = importlib.import_module(_PACKAGE)
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__))


def open_receivers(tables: Mapping[str, Mapping[str, Any]]) -> list[Receiver]:
    """Receivers from ``{id: {"channel": name, …its Config}}``; LookupError or ValueError says
    what is wrong with which of them.
    """
    return [_open(name, table) for name, table in tables.items()]


def _open(name: str, table: Mapping[str, Any]) -> Receiver:
    channel = table.get("channel")
    if channel not in channel_names():
        raise LookupError(
            f"receiver {name!r} states channel {channel!r}; expected one of"
            f" {', '.join(channel_names())}"
        )
    module = importlib.import_module(f"{_PACKAGE}.{channel}")
    told = {k: v for k, v in table.items() if k != "channel"}
    known = module.Config.__dataclass_fields__
    unknown = sorted(set(told) - set(known))
    if unknown:
        raise ValueError(
            f"receiver {name!r}: {', '.join(unknown)} unknown to channel {channel!r};"
            f" expected {', '.join(known)}"
        )
    try:
        config = msgspec.convert(told, module.Config, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"receiver {name!r} of channel {channel!r}: {error}") from error

    async def send(notice: Notice, key: str) -> None:
        await module.send(config, notice, key)

    return Receiver(name, send)
