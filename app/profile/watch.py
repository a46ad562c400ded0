"""Watch: notices an edited profile, and hands it on when everything in it is right.

A file that is wrong changes nothing: the first finding is kept until the folder is right again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from app.domain.profile import Profile
from app.domain.quality_alert import Broken
from app.profile.check import Checked
from app.profile.finding import Finding

log = structlog.get_logger("profile")
LOOK_S = 0.3
_KINDS = (".toml", ".csv")
Marks = tuple[tuple[str, int, int], ...]
Check = Callable[[Path], Checked]


class Watch:
    """One folder. ``broken`` is what is wrong with it now, for whoever tells people."""

    def __init__(
        self, folder: Path, profile: Profile, check: Check, load: Callable[[], Profile]
    ) -> None:
        self._folder, self._check, self._load = folder, check, load
        self._seen = marks(folder)
        self.profile = profile
        self.broken: Broken | None = None

    async def run(self, adopt: Callable[[Profile], Awaitable[None]], stop: asyncio.Event) -> None:
        """Look until ``stop``; what fails on the way is tried again with the next look."""
        while not stop.is_set():
            try:
                await self.look(adopt)
            except Exception as error:  # a folder that is away, a database that is away
                log.warning("profile waits", error=repr(error))
            await asyncio.sleep(LOOK_S)

    async def look(self, adopt: Callable[[Profile], Awaitable[None]]) -> None:
        """Take the folder as it is now, if it has changed and is no longer being written."""
        now = marks(self._folder)
        if now == self._seen:
            return
        await asyncio.sleep(LOOK_S / 2)
        if marks(self._folder) != now:
            return
        profile, finding = await asyncio.to_thread(self._read)
        if profile is None:
            self._seen = now
            self._refuse(finding)
            return
        if profile != self.profile:
            await adopt(profile)
            log.info("profile adopted", folder=str(self._folder))
        # Only now: what could not be adopted is tried again.
        self.profile, self._seen, self.broken = profile, now, None

    def _read(self) -> tuple[Profile | None, Finding | None]:
        findings = self._check(self._folder).findings
        if findings:
            return None, findings[0]
        try:
            profile = self._load()
        except Exception as error:  # whatever it is: what runs goes on as it is
            wrong = Finding(
                self._folder / "profile.toml", 1, str(error), "a profile that loads", "mend it"
            )
            return None, wrong
        return self._fixed(profile)

    def _fixed(self, profile: Profile) -> tuple[Profile | None, Finding | None]:
        """What every room holds on to changes with a restart only."""
        for name in ("id", "began_s", "subjects", "agencies", "areas"):
            if getattr(profile, name) != getattr(self.profile, name):
                return None, self._restart("profile.toml", f"{name} changed")
        if profile.sources.keys() != self.profile.sources.keys():
            return None, self._restart("sources", "a source was added or taken away")
        return profile, None

    def _restart(self, file: str, found: str) -> Finding:
        return Finding(
            self._folder / file, 1, found, "only definitions, rules and texts change while it runs",
            "restart the worker and the web process",
        )  # fmt: skip

    def _refuse(self, finding: Finding | None) -> None:
        if finding is None:
            return
        log.warning("profile is wrong; nothing was changed", finding=finding.told(self._folder))
        file = finding.file
        if file.is_relative_to(self._folder):
            file = file.relative_to(self._folder)
        self.broken = Broken(
            str(file), finding.line, finding.found, finding.expected, finding.remedy
        )


def marks(folder: Path) -> Marks:
    """What tells one state of the folder from another, without reading it."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix in _KINDS):
        try:
            at = path.stat()
        except FileNotFoundError:  # an editor has just replaced it
            continue
        found.append((str(path), at.st_mtime_ns, at.st_size))
    return tuple(found)
