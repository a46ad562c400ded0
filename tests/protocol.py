"""Protocol: writes the schema of the live channel and the browser's types made from it.

    python -m tests.protocol

Nobody edits the two files by hand: ``tests/unit/test_protocol.py`` makes them anew and compares.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.api.protocol import schema

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "docs/reference/live-protocol.schema.json"
TYPES = ROOT / "frontend/src/data/wire.ts"
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}
_HEAD = """\
// Wire: the messages of the live channel. Made from docs/reference/live-protocol.schema.json by
// `make protocol`; do not edit.
"""


def schema_text(made: dict[str, Any]) -> str:
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def types_text(made: dict[str, Any]) -> str:
    """TypeScript of every definition, and the numbers of the disconnects."""
    parts = [_HEAD, f"export const SCHEMA = {made['version']};"]
    parts.append(f"export const SUBPROTOCOL = '{made['subprotocol']}';\n")
    for name, told in sorted(made["$defs"].items()):
        if told.get("type") == "object":
            parts.append(_interface(name, told))
        else:
            parts.append(f"export type {name} = {_type(told)};\n")
    thens = sorted({d["then"] for d in made["disconnects"]})
    parts.append(f"export type Then = {' | '.join(map(repr, thens))};\n")
    parts.append("/** What a client does when it is closed with a number. */")
    rows = "".join(
        f"  {d['code']}: {d['then']!r}, // {d['meaning']}\n" for d in made["disconnects"]
    )
    parts.append(f"export const THEN: Readonly<Record<number, Then>> = {{\n{rows}}};")
    return "\n".join(parts) + "\n"


def _interface(name: str, told: dict[str, Any]) -> str:
    required = set(told.get("required", ()))
    lines = []
    for field, kind in told["properties"].items():
        if note := kind.get("description"):
            lines.append(f"  /** {note} */")
        lines.append(f"  {field}{'' if field in required else '?'}: {_type(kind)};")
    return f"export interface {name} {{\n" + "\n".join(lines) + "\n}\n"


def _type(told: dict[str, Any]) -> str:
    if "$ref" in told:
        return str(told["$ref"].rsplit("/", 1)[1])
    if "const" in told:
        return repr(told["const"])
    if "enum" in told:
        return " | ".join(map(repr, told["enum"]))
    for union in ("anyOf", "oneOf"):
        if union in told:
            return " | ".join(dict.fromkeys(_type(one) for one in told[union]))
    if told["type"] == "array":
        inner = _type(told["items"])
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    if told["type"] == "null":
        return "null"
    return _PLAIN[told["type"]]


def main() -> None:
    made = schema()
    SCHEMA.write_text(schema_text(made))
    TYPES.write_text(types_text(made))
    print(
        f"{SCHEMA.relative_to(ROOT)}, {TYPES.relative_to(ROOT)}: {len(made['$defs'])} definitions"
    )


if __name__ == "__main__":
    main()
