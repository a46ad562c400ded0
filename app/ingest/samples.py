"""Samples: a collector reads the answers its upstream once gave, kept in its ``samples`` folder.

``samples/replay.toml`` names the answer of each address and how many updates and rejected records
the page holds; nothing is sent anywhere. Its ``[settings]``, if any, say by a pattern each what a
source may set.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.domain.feed import FeedBroken, FeedDown, Page
from app.domain.source import SourceConfig
from app.ingest.discover import find_collector
from app.ingest.runner import Collect
from app.ingest.upstream import HttpReply

WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class SampleWrong(Exception):
    """A sample does not read as stated; ``line`` counts from 1."""

    file: Path
    line: int
    found: str
    expected: str
    remedy: str


@dataclass(frozen=True, slots=True)
class SettingWrong(Exception):
    """A source sets what its collector does not know, or not so."""

    name: str
    found: str
    expected: str
    remedy: str


@dataclass(slots=True)
class Recorded:
    """A feed that answers from files."""

    folder: Path
    replies: dict[str, str]
    settings: dict[str, str] = field(default_factory=dict)
    memory: dict[str, str] = field(default_factory=dict)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> HttpReply:
        name = self.replies.get(path.lstrip("/"))
        if name is None:
            raise FeedDown(f"{method} {path}: replay.toml names no answer to it")
        return HttpReply(200, (self.folder / name).read_bytes(), {})


def samples_of(collect: Collect) -> Path:
    """The folder of samples beside a collector."""
    module = sys.modules[collect.__module__]
    return Path(module.__file__ or ".").parent / "samples"


def replay(config: SourceConfig) -> int:
    """Read every sample; returns how many there are. LookupError: there is no such collector."""
    collect = find_collector(config.collector)
    folder = samples_of(collect)
    told, page = _told(folder), None
    _settings(config, told.get("settings"))
    replies = {str(k).lstrip("/"): str(v) for k, v in told["replies"].items()}
    for name in replies.values():
        if not (folder / name).is_file():
            raise SampleWrong(
                folder / "replay.toml", 1, f"{name} is not there", "a file beside replay.toml",
                "save an answer of the upstream under this name, without personal data",
            )  # fmt: skip
    feed = Recorded(folder, replies, dict(config.settings))
    shown = folder / next(reversed(replies.values()))
    try:
        page = asyncio.run(asyncio.wait_for(collect(feed, ""), WITHIN_S))
    except (FeedBroken, FeedDown, TimeoutError) as error:
        raise SampleWrong(
            shown, 1, f"{type(error).__name__}: {error}", "an answer the collector reads",
            "correct the sample, or the collector if the upstream has changed",
        ) from error  # fmt: skip
    _compare(page, told, shown)
    return len(replies)


def _settings(config: SourceConfig, known: object) -> None:
    if not isinstance(known, dict):
        return
    for name, value in config.settings.items():
        if name not in known:
            raise SettingWrong(
                name, f"{name} is no setting of the collector {config.collector}",
                f"one of {', '.join(known)}", "correct its name, or take the line out",
            )  # fmt: skip
        if not re.fullmatch(str(known[name]), str(value)):
            raise SettingWrong(
                name, f"{name} = {str(value)!r}", f"a text of the form {known[name]}",
                "write it like that",
            )  # fmt: skip


def _told(folder: Path) -> dict[str, Any]:
    path = folder / "replay.toml"
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SampleWrong(
            path, 1, "no samples", 'replay.toml: updates, rejected, [replies] "/path" = "file"',
            "save one answer for each address of the upstream and name them there",
        ) from None  # fmt: skip
    except tomllib.TOMLDecodeError as error:
        raise SampleWrong(path, 1, f"not TOML: {error}", "key = value", "mend it") from None
    if not isinstance(told.get("replies"), dict) or not told["replies"]:
        raise SampleWrong(
            path, 1, "no [replies]", '[replies] with "/path" = "file"', "name the answers"
        )
    return told


def _compare(page: Page, told: dict[str, Any], shown: Path) -> None:
    text = shown.read_bytes()
    if len(page.rejected) > int(told.get("rejected", 0)):
        first = page.rejected[0]
        at = text.find(first.payload[:200])
        raise SampleWrong(
            shown, text.count(b"\n", 0, max(at, 0)) + 1, f"a record is set aside: {first.reason}",
            f"{told.get('rejected', 0)} records set aside, found {len(page.rejected)}",
            "correct the record, or the collector if the upstream has changed",
        )  # fmt: skip
    for name, found in (("updates", len(page.updates)), ("rejected", len(page.rejected))):
        if name in told and told[name] != found:
            raise SampleWrong(
                shown, 1, f"{found} {name}", f"{told[name]} {name}, as replay.toml says",
                "correct the sample, or the number in replay.toml",
            )  # fmt: skip
