"""The pages name all a collector reads, every setting and bound, every control address."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from app.domain import limits
from collectors.documents import collector as documents
from collectors.einvoice import collector as einvoice

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/reference/feeds"
FEEDS = ("public_service", "documents", "einvoice")
# A name of a wire: several letters, one of them a capital after the first or none but small ones.
_NAME = re.compile(r"[A-Za-z]{2,}[A-Z0-9][A-Za-z0-9]*\Z|[A-Z][a-z]+\Z")
_OUR_OWN = {"Content", "Accept", "Authorization", "Bearer", "POST", "GET"}


def _page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def _names_read(feed: str) -> set[str]:
    """Arguments that are plain names, in calls; and the fields of the wire's structures."""
    tree = ast.parse((ROOT / f"collectors/{feed}/collector.py").read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found |= {a.value for a in node.args if isinstance(a, ast.Constant)}
        if isinstance(node, ast.ClassDef):
            found |= {a.target.id for a in node.body if _is_field(a)}  # type: ignore[attr-defined]
    names = {n for n in found if isinstance(n, str) and _NAME.match(n)}
    return names - _OUR_OWN


def _is_field(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)


@pytest.mark.parametrize("feed", FEEDS)
def test_every_name_the_collector_reads_is_on_its_page(feed: str) -> None:
    names = _names_read(feed)
    assert len(names) > 10
    page = _page(feed)
    assert {n for n in names if not re.search(rf"\b{n}\b", page)} == set()


@pytest.mark.parametrize("feed", FEEDS)
def test_every_setting_of_the_source_is_on_its_page(feed: str) -> None:
    source = tomllib.loads((ROOT / f"app/profiles/laocai/sources/{feed}.toml").read_text())
    page = _page(feed)
    settings = {n for n in source["settings"] if f"`{n}`" not in page}
    assert settings == set()
    variable = next(v for n, v in source["settings"].items() if n.endswith("_env"))
    assert f"`{variable}`" in page
    for name in ("base_url", "every_s", "late_after_s", "absent_after_s", "timeout_s"):
        assert f"`{name}`" in page


@pytest.mark.parametrize("feed", FEEDS)
def test_the_bounds_are_on_the_page(feed: str) -> None:
    page = _page(feed)
    told = [
        f"{limits.PAGE_BYTES // 1_000_000} MB",
        f"{limits.PAGE_RECORDS:,}".replace(",", "."),
        f"{limits.TEXT_CHARACTERS} ",
        f"{limits.YEARS[0]}",
        f"{limits.YEARS[-1]}",
    ]
    marks = einvoice.MOST if feed == "einvoice" else documents.MOST
    told += [f"{times:,}".replace(",", ".") for times in marks.values()]
    assert [t for t in told if t not in page] == []


def test_every_control_address_is_on_the_page() -> None:
    page = _page("simulators")
    world = ROOT / "collectors/_world"
    code = "".join((world / name).read_text() for name in ("control.py", "sink.py"))
    routes = re.findall(r'Route\("([^"]+)"', code)
    assert len(routes) >= 10
    assert [r for r in routes if not re.search(rf"`[A-Z]+ {re.escape(r)}[`?]", page)] == []
