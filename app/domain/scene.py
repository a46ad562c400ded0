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
    return _scene_of(profile, seen, profile.members.tree_on(on))


def _scene_of(profile: Profile, seen: Visible, tree: int) -> Scene:
    scene, stands = scene_on(profile, tree), profile.members.stands
    if seen.subjects is None:
        return scene
    roots = [
        s
        for s in profile.subjects.values()
        if stands(s.id, tree) and _is_root(s.id, s.parent, seen)
    ]
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


WALL, MAP = "wall", "map"


def scene_names(profile: Profile) -> tuple[str, ...]:
    """What may be asked for: the whole wall, its map, or one row of tiles."""
    return WALL, MAP, *(g.id for g in profile.scene.groups)


def scene_pairs(profile: Profile, seen: Visible, name: str) -> frozenset[tuple[str, str]]:
    """Indicator and subject of all that a scene shows this reader, whichever tree holds."""
    found: set[tuple[str, str]] = set()
    for tree in range(profile.members.trees):
        scene = _scene_of(profile, seen, tree)
        for group in scene.groups:
            if name in (WALL, group.id):
                found |= {(t.indicator, t.subject) for t in group.tiles}
        if name in (WALL, MAP):
            found |= {(scene.map.indicator, s) for s in scene.map.subjects}
    return frozenset(found)


def scene_keys(profile: Profile) -> list[Key]:
    """Readings whose trend a screen draws: every tile and district of the map, in every tree."""
    found: list[Key] = []
    for tree in range(profile.members.trees):
        scene = scene_on(profile, tree)
        found += [(t.indicator, t.subject, t.period) for g in scene.groups for t in g.tiles]
        found += [(scene.map.indicator, s, scene.map.period) for s in scene.map.subjects]
    return list(dict.fromkeys(found))
