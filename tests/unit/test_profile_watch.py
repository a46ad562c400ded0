"""An edited profile is taken when it is right, whole, and only then."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from app.domain.profile import Profile
from app.evaluation.example import prove
from app.profile import load_profile, profile_folder
from app.profile.check import check_profile
from app.profile.watch import Watch

ABOUT = "indicators/ps.on_time.toml"


class Stage:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        check = partial(check_profile, prove=prove, replay=lambda _, __: (0, []))
        self.watch = Watch(folder, load_profile(folder), check, partial(load_profile, folder))
        self.taken: list[Profile] = []

    async def look(self) -> None:
        await self.watch.look(self.adopt)

    async def adopt(self, profile: Profile) -> None:
        self.taken.append(profile)

    def edit(self, file: str, change: Callable[[str], str]) -> None:
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert change(text) != text
        path.write_text(change(text), encoding="utf-8")
        # A file system may keep times coarsely: the same second is another one here.
        at = path.stat()
        os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns + 10**9))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    shutil.copytree(profile_folder("laocai"), tmp_path / "profile")
    return Stage(tmp_path / "profile")


async def test_a_target_is_taken_once(stage: Stage) -> None:
    await stage.look()
    assert stage.taken == []
    stage.edit(ABOUT, lambda t: t.replace("value = 0.95", "value = 0.97", 1))
    await stage.look()
    await stage.look()
    [taken] = stage.taken
    assert taken.indicators["ps.on_time"].targets[0].value == 0.97


async def test_a_wrong_file_changes_nothing_and_is_named_with_its_line(stage: Stage) -> None:
    stage.edit(ABOUT, lambda t: t.replace("value = 0.95", "value = 0,95", 1))
    await stage.look()
    assert stage.taken == []
    broken = stage.watch.broken
    assert broken is not None
    text = (stage.folder / ABOUT).read_text().splitlines()
    assert (broken.file, text[broken.line - 1]) == (ABOUT, "value = 0,95")
    assert broken.subject == f"profile:{ABOUT}:{broken.line}"
    stage.edit(ABOUT, lambda t: t.replace("value = 0,95", "value = 0.95", 1))
    await stage.look()
    assert stage.watch.broken is None
    assert stage.taken == [], "as it was before"


async def test_an_example_that_no_longer_holds_is_wrong(stage: Stage) -> None:
    stage.edit(ABOUT, lambda t: t.replace('state = "', 'state = "m', 1))
    await stage.look()
    assert stage.taken == []
    assert stage.watch.broken is not None
    assert stage.watch.broken.file == ABOUT


async def test_what_every_room_holds_on_to_asks_for_a_restart(stage: Stage) -> None:
    stage.edit("agencies.csv", lambda t: t.replace("Sở", "Ban", 1))
    await stage.look()
    assert stage.taken == []
    assert stage.watch.broken is not None
    assert "restart" in stage.watch.broken.remedy


async def test_what_could_not_be_adopted_is_tried_again(stage: Stage) -> None:
    stage.edit(ABOUT, lambda t: t.replace("value = 0.95", "value = 0.97", 1))

    async def away(_: Profile) -> None:
        raise ConnectionError("the database is away")

    with pytest.raises(ConnectionError):
        await stage.watch.look(away)
    await stage.look()
    assert len(stage.taken) == 1
