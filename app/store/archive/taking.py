"""Taking: a whole archive in, each of its tables through its own door."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg

from app.store.archive.manifest import Manifest, blocks_of
from app.store.archive.points import take_points
from app.store.archive.shape import Block
from app.store.archive.take import Entrance, take_cases, take_readings, updates_of
from app.store.rebase import rebase
from app.store.records import Judge


@dataclass(frozen=True, slots=True)
class Taking:
    """``judges``: how each source of the profile is judged; ``told`` hears the rows of a table."""

    pool: asyncpg.Pool
    judges: Mapping[str, Callable[[], Judge]]
    known_ms: int
    told: Callable[[str, int], None]

    async def archive(self, folder: Path, manifest: Manifest) -> dict[str, tuple[int, str]]:
        """For each table how much was new, and of what."""
        taken: dict[str, tuple[int, str]] = {}
        for file in manifest.files:
            blocks, told = blocks_of(folder, manifest, file), partial(self.told, file.table)
            if file.table == "readings":
                taken[file.table] = await take_readings(self.pool, blocks, told), "frames"
            elif file.table == "cases":
                taken[file.table] = await self._cases(manifest, blocks), "cases"
            else:
                new = await take_points(self.pool, blocks, told, self.known_ms)
                taken[file.table] = new, "points"
        return taken

    async def _cases(self, manifest: Manifest, blocks: Iterable[Block]) -> int:
        new = 0
        for source, updates in updates_of(blocks):
            if source not in self.judges:
                raise LookupError(
                    f"the archive has cases of {source!r}, which is no source of the profile;"
                    f" expected {', '.join(self.judges)}"
                )
            judge = self.judges[source]()
            # Steps must mean what this profile means before any are added to them.
            await rebase(self.pool, source, judge)
            way = Entrance(source, judge, manifest.watermarks.get(source, 0))
            new += await take_cases(self.pool, way, updates, partial(self.told, "cases"))
        return new
