"""docs/how-to/change-*.md, followed to the letter in a copy: what they promise changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain.profile import Profile
from app.profile import load_profile
from tests.docs.page import ROOT, Commands, Step, edit, follow, steps

HOW_TO = ROOT / "docs/how-to"


def _profile(folder: Path) -> Profile:
    return load_profile(folder / "app/profiles/laocai")


def _target(profile: Profile) -> object:
    return profile.indicators["ps.on_time"].targets[0].value


def _thresholds(profile: Profile) -> object:
    indicator, source = profile.indicators["ps.on_time"], profile.sources["einvoice"]
    assert indicator.alert is not None
    target = indicator.targets[0]
    return target.near, target.critical, indicator.alert.for_s, source.late_after_s


def _interval(profile: Profile) -> object:
    return profile.sources["einvoice"].every_s


def _label(profile: Profile) -> object:
    return profile.indicators["ps.on_time"].label_wall_vi


EFFECTS: dict[str, tuple[Callable[[Profile], object], object]] = {
    "change-target": (_target, 0.97),
    "change-threshold": (_thresholds, (0.01, 0.04, 3 * 86400, 600)),
    "change-poll-interval": (_interval, 120),
    "change-text": (_label, "Giải quyết đúng hạn"),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_the_page_changes_what_it_says(name: str, clone: Commands):
    ask, wanted = EFFECTS[name]
    assert ask(_profile(clone.folder)) != wanted
    follow(HOW_TO / f"{name}.md", clone)
    assert ask(_profile(clone.folder)) == wanted


def test_a_colour_is_one_line(clone: Commands):
    path = clone.folder / "frontend/src/tokens.css"
    before = path.read_text().splitlines()
    follow(HOW_TO / "change-colour.md", clone)
    after = path.read_text().splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed == ["  --crit-line: oklch(0.66 0.215 27);"]
    assert after.index(changed[0]) < after.index(":root[data-theme='light'] {")


def test_a_word_of_the_screens_is_one_line(clone: Commands):
    path = clone.folder / "frontend/src/data/words.svelte.ts"
    before = path.read_text()
    follow(HOW_TO / "change-text.md", clone)
    assert path.read_text() == before.replace("'Thống kê'", "'Chỉ thống kê'", 1)


def test_every_page_of_change_is_followed():
    pages = {p.stem for p in HOW_TO.glob("change-*.md")}
    assert pages == {*EFFECTS, "change-colour"}


def test_an_edit_that_does_not_fit_is_caught(clone: Commands):
    [first, *_] = steps(HOW_TO / "change-target.md")
    edit(first, clone.folder)
    with pytest.raises(AssertionError, match="stands 0 times"):
        edit(first, clone.folder)
    twice = Step("edit", "x", "-[[target]]", "app/profiles/laocai/scene.toml")
    with pytest.raises(AssertionError, match="stands 0 times"):
        edit(twice, clone.folder)
