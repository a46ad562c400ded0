"""Manual: the API as a page for people, made of the same description as ``openapi.json``."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.api.parts import ROOT

Told = Mapping[str, Any]
_STYLE = """
body{font:16px/1.5 "IBM Plex Sans Variable",system-ui,sans-serif;margin:0;color:#1c2227;
background:#f4f5f6}
main{max-width:70rem;margin:auto;padding:1.5rem 1rem}
section{background:#fff;border:1px solid #dde1e4;border-radius:6px;padding:0 1rem;margin:1rem 0}
h2,h3{font-size:1.1rem}h3,p,td{overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-top:1px solid #dde1e4}
a{color:#0b4f8a}:focus-visible{outline:3px solid #0b4f8a;outline-offset:2px}
"""


def manual(api: FastAPI) -> Route:
    """One page, without scripts and nothing from elsewhere; what it tells is told once."""
    text: list[str] = []

    async def page(_: Request) -> HTMLResponse:
        if not text:
            text.append(_page(api.openapi()))
        return HTMLResponse(text[0])

    return Route(f"{ROOT}/docs", page, methods=["GET"])


def _page(told: Told) -> str:
    calls = [
        _call(path, method, call)
        for path, methods in told["paths"].items()
        for method, call in methods.items()
    ]
    shapes = [_shape(name, shape) for name, shape in told["components"]["schemas"].items()]
    return (
        '<!doctype html><html lang="vi"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Giao diện lập trình · API {escape(told['info']['version'])}</title>"
        f"<style>{_STYLE}</style><main><h1>Giao diện lập trình · REST API</h1>"
        f'<p>Mô tả cho máy đọc <span lang="en">· For programs</span>: '
        f'<a href="{ROOT}/openapi.json">openapi.json</a>. Kênh trực tiếp <span lang="en">· Live'
        f" channel</span>: <code>{ROOT}/live</code> (WebSocket).</p>"
        f'<h2>Địa chỉ <span lang="en">· Addresses</span></h2><div lang="en">{"".join(calls)}</div>'
        f'<h2>Kiểu dữ liệu <span lang="en">· Shapes</span></h2><div lang="en">{"".join(shapes)}'
        "</div></main></html>"
    )


def _call(path: str, method: str, call: Told) -> str:
    rows = [
        (
            p["name"] + ("" if p.get("required") else " (optional)"),
            _kind(p["schema"]),
            escape(p.get("description") or p["schema"].get("description", "")),
        )
        for p in call.get("parameters", ())
    ]
    answers = ", ".join(
        f"{escape(status)} {escape(answer['description'])}"
        for status, answer in call["responses"].items()
        if not status.startswith("2")
    )
    good = next(a for status, a in call["responses"].items() if status.startswith("2"))
    given = [_kind(c.get("schema", {})) for c in good.get("content", {}).values()]
    return (
        f"<section><h3>{method.upper()} {escape(path)}</h3>"
        f"<p>{escape(call.get('description', call.get('summary', '')))}</p>"
        + _table("Parameter", rows)
        + f"<p>Answer: {given[0] if given else 'no body'}. Else: {answers}.</p></section>"
    )


def _shape(name: str, shape: Told) -> str:
    needed = shape.get("required", ())
    rows = [
        (
            field + ("" if field in needed else " (optional)"),
            _kind(told),
            escape(told.get("description", "")),
        )
        for field, told in shape.get("properties", {}).items()
    ]
    return (
        f'<section id="{escape(name)}"><h3>{escape(name)}</h3>'
        f"<p>{escape(shape.get('description', ''))}</p>{_table('Field', rows)}</section>"
    )


def _table(first: str, rows: list[tuple[str, str, str]]) -> str:
    if not rows:
        return ""
    lines = "".join(f"<tr><td>{escape(n)}<td>{kind}<td>{says}" for n, kind, says in rows)
    return f"<table><tr><th>{first}<th>Kind<th>Meaning{lines}</table>"


def _kind(schema: Told) -> str:
    """In words, with a link where it is a shape of its own."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[1])
        return f'<a href="#{name}">{name}</a>'
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_kind(one) for one in schema[several]))
    if "enum" in schema or "const" in schema:
        return ", ".join(escape(str(v)) for v in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    kind = escape(str(schema.get("format") or schema.get("type") or "anything"))
    default = schema.get("default")
    return kind if default in (None, "") else f"{kind}, else {escape(str(default))}"
