"""Scene: the wall as one reader may see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from app.domain.access import Visible
from app.domain.indicator import Scene, Tile
from app.domain.profile import Profile

Key = tuple[str, str, str]


def scene_on(profile: Profile, tree: int) -> Scene:
    """The scene with the areas of a tree: tiles speak of what a province became; a map of units
    that have ended is empty, for nothing may stand in for them."""
    members, scene = profile.members, profile.scene

    def tile(told: Tile) -> Tile:
        return replace(told, subject=members.heir(told.subject, tree) or told.subject)

    groups = tuple(replace(g, tiles=tuple(map(tile, g.tiles))) for g in scene.groups)
    standing = tuple(s for s in scene.map.subjects if members.stands(s, tree))
    return Scene(groups, replace(scene.map, subjects=standing))


def scene_for(profile: Profile, seen: Visible, on: date) -> Scene:
    """The province's scene; for a scope of one subtree its tiles speak of that subtree's root."""
    scene = scene_on(profile, profile.members.tree_on(on))
    if seen.subjects is None:
        return scene
    roots = [s for s in profile.subjects_on(on) if _is_root(s.id, s.parent, seen)]
    groups = []
    for group in scene.groups:
        tiles = [
            _tile(t, profile, seen, roots[0].id if len(roots) == 1 else "") for t in group.tiles
        ]
        kept = tuple(t for t in tiles if t is not None)
        if kept:
            groups.append(replace(group, tiles=kept))
    shown = tuple(s for s in scene.map.subjects if seen.allows(s))
    return Scene(tuple(groups), replace(scene.map, subjects=shown))


def _is_root(subject: str, parent: str | None, seen: Visible) -> bool:
    return seen.allows(subject) and not (parent is not None and seen.allows(parent))


def _tile(tile: Tile, profile: Profile, seen: Visible, root: str) -> Tile | None:
    if seen.allows(tile.subject):
        return tile
    found = profile.subjects.get(root)
    if found is None or found.level not in profile.indicators[tile.indicator].levels:
        return None
    return replace(tile, subject=root)


def scene_keys(profile: Profile) -> list[Key]:
    """Readings whose trend a screen draws: every tile and district of the map, in every tree."""
    found: list[Key] = []
    for tree in range(profile.members.trees):
        scene = scene_on(profile, tree)
        found += [(t.indicator, t.subject, t.period) for g in scene.groups for t in g.tiles]
        found += [(scene.map.indicator, s, scene.map.period) for s in scene.map.subjects]
    return list(dict.fromkeys(found))
