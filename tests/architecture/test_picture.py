"""The picture in docs/explanation/architecture.md is the code: its boxes, imports and joins."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/explanation/architecture.md"
Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Picture:
    """A mermaid flowchart: square boxes are ours, round ones are not."""

    boxes: frozenset[str]
    outside: frozenset[str]
    groups: dict[str, tuple[str, ...]]
    flows: frozenset[Edge]
    imports: frozenset[Edge]
    loud: frozenset[int]  # imports not drawn pale, by number: the flow must stand out

    def members(self, name: str) -> tuple[str, ...]:
        return self.groups.get(name, (name,))


def read_picture(text: str) -> Picture:
    """Every line of the block is understood, or the picture is refused."""
    found = re.search(r"```mermaid\nflowchart \w+\n(.*?)```", text, re.DOTALL)
    assert found, f"{PAGE.name} holds no mermaid flowchart"
    boxes, outside, flows, imports = set[str](), set[str](), set[Edge](), set[Edge]()
    groups: dict[str, list[str]] = {}
    inside: str | None = None
    dotted, arrows, pale = set[int](), 0, set[int]()
    for line in map(str.strip, found[1].splitlines()):
        if not line:
            continue
        if group := re.fullmatch(r'subgraph (\w+) \["[^"]+"\]', line):
            inside = group[1]
            groups[inside] = []
        elif line == "end":
            inside = None
        elif box := re.fullmatch(r'(\w+)(\(\[)?\[?"[^"]+"\]?(\]\))?', line):
            (outside if box[2] else boxes).add(box[1])
            if inside:
                groups[inside].append(box[1])
        elif flow := re.fullmatch(r"(\w+) -->\|[^|]+\| (\w+)", line):
            flows.add((flow[1], flow[2]))
            arrows += 1
        elif edge := re.fullmatch(r"(\w+) -\.-> (\w+)", line):
            imports.add((edge[1], edge[2]))
            dotted.add(arrows)
            arrows += 1
        elif style := re.fullmatch(r"linkStyle ([\d,]+) stroke:#\w+", line):
            pale = {int(number) for number in style[1].split(",")}
        else:
            raise AssertionError(f"the picture's line {line!r} is not understood")
    assert pale <= dotted, f"arrows {sorted(pale - dotted)} are drawn pale and are no imports"
    told = {name: tuple(members) for name, members in groups.items()}
    return Picture(
        frozenset(boxes), frozenset(outside), told, frozenset(flows), frozenset(imports),
        frozenset(dotted - pale),
    )  # fmt: skip


def imported(picture: Picture) -> set[Edge]:
    """The dotted arrows with groups spelt out: one from a group is one from each of its boxes."""
    return {
        (one, other)
        for begin, end in picture.imports
        for one in picture.members(begin)
        for other in picture.members(end)
    }


def box_of(module: str) -> str | None:
    """The box a module belongs to; None for what is nobody's (app's version, helpers of feeds)."""
    parts = module.split(".")
    if parts[0] == "app":
        return parts[1] if len(parts) > 1 and parts[1] != "profiles" else None
    if len(parts) > 2 and parts[2] == "collector":
        return "collector"
    return "simulator" if len(parts) > 1 else None


@pytest.fixture(scope="module")
def picture() -> Picture:
    return read_picture(PAGE.read_text())


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("app", "collectors", cache_dir=None)


def test_every_room_is_a_box_and_every_box_is_there(picture, graph):
    assert len(graph.modules) > 60, "the import graph is all but empty"
    assert picture.boxes == {box for m in graph.modules if (box := box_of(m)) is not None}


def test_the_dotted_arrows_are_the_imports(picture, graph):
    real = {
        (box, other)
        for module in graph.modules
        for target in graph.find_modules_directly_imported_by(module)
        if (box := box_of(module)) and (other := box_of(target)) and box != other
    }
    assert len(real) > 20
    assert imported(picture) - real == set(), "the picture has arrows the code has not"
    assert real - imported(picture) == set(), "the code has imports the picture has not"


def test_rooms_are_joined_as_the_solid_arrows_say(picture):
    """Between two rooms there is an arrow exactly where wiring hands one a part of the other."""
    rooms = set(picture.groups["rooms"])
    drawn = {frozenset(e) for e in picture.flows if set(e) <= rooms}
    joined = joins(ast.parse((ROOT / "app/wiring.py").read_text()), rooms)
    assert len(joined) >= 6
    assert drawn == joined


def test_arrows_end_at_boxes_and_nothing_stands_alone(picture):
    ends = {end for edge in picture.flows | picture.imports for end in edge}
    assert ends <= picture.boxes | picture.outside | set(picture.groups)
    in_imports = {end for edge in imported(picture) for end in edge}
    lonely = picture.boxes - in_imports - {end for edge in picture.flows for end in edge}
    assert lonely == set()
    assert picture.loud == frozenset(), "add the new arrow's number to linkStyle"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  wiring -.-> settings\n", ""),
        ("  cli -.-> store\n", "  cli -.-> store\n  live -.-> store\n"),
        ('    live["live"]\n', ""),
        ('    live["live"]\n', '    live["live"]\n    forecast["forecast"]\n'),
    ],
    ids=["arrow missing", "arrow too many", "room missing", "room too many"],
)
def test_a_wrong_picture_is_caught(graph, old: str, new: str):
    text = re.sub(r"  linkStyle .*\n", "", PAGE.read_text())
    assert old in text
    with pytest.raises(AssertionError):
        wrong = read_picture(text.replace(old, new))
        test_every_room_is_a_box_and_every_box_is_there(wrong, graph)
        test_the_dotted_arrows_are_the_imports(wrong, graph)


def joins(tree: ast.Module, rooms: set[str]) -> set[frozenset[str]]:
    """Pairs of rooms of which wiring gives one something of the other, by the types it states."""
    known = _Types(tree, rooms)
    found: set[frozenset[str]] = set()
    for function in known.functions:
        local = known.locals_of(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                taker = known.rooms_in(node.func, {})
                given = [*node.args, *(k.value for k in node.keywords)]
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
                taker = known.rooms_in(node.targets[0].value, local)
                given = [node.value]
            else:
                continue
            for one in taker:
                for other in set().union(*(known.rooms_in(g, local) for g in given), set()):
                    if one != other:
                        found.add(frozenset((one, other)))
    return found


class _Types:
    """Which room a name of wiring comes from: by import, annotation, or what made it."""

    def __init__(self, tree: ast.Module, rooms: set[str]) -> None:
        self.names: dict[str, set[str]] = {}
        self.returns: dict[str, set[str]] = {}
        self.fields: dict[str, set[str]] = {}
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("app."):
                room = (node.module or "").split(".")[1]
                for alias in node.names:
                    self.names[alias.asname or alias.name] = {room} & rooms
        nodes = list(ast.walk(tree))
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        self.functions = [n for n in nodes if isinstance(n, kinds)]
        self.returns = {f.name: self.rooms_in(f.returns, {}) for f in self.functions if f.returns}
        # Fields of wiring's own classes, whatever object they are asked of.
        self.fields = {
            field.target.id: self.rooms_in(field.annotation, {})
            for node in nodes
            if isinstance(node, ast.ClassDef)
            for field in node.body
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        }

    def locals_of(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, set[str]]:
        local = {
            a.arg: self.rooms_in(a.annotation, {})
            for a in function.args.args
            if a.annotation is not None
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                local[node.targets[0].id] = self.rooms_in(node.value, local)
            elif isinstance(node, ast.comprehension) and isinstance(node.target, ast.Name):
                local.setdefault(node.target.id, self.rooms_in(node.iter, local))
        return local

    def rooms_in(self, node: ast.expr | None, local: dict[str, set[str]]) -> set[str]:
        """A call makes what the called is of; a builtin passes on what it is given."""
        if node is None:
            return set()
        if isinstance(node, ast.Call):
            return self.rooms_in(node.func, local) or set().union(
                *(self.rooms_in(a, local) for a in node.args), set()
            )
        if isinstance(node, ast.Attribute):
            own = self.fields.get(node.attr) if isinstance(node.value, ast.Name) else None
            return own or self.rooms_in(node.value, local)
        if isinstance(node, ast.Name):
            return local.get(node.id) or self.names.get(node.id) or self._returned(node.id)
        found: set[str] = set()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                found |= self.rooms_in(child, local)
            elif isinstance(child, ast.comprehension):
                found |= self.rooms_in(child.iter, local)
        return found

    def _returned(self, name: str) -> set[str]:
        return self.returns.get(name, set())
