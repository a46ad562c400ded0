"""`ioc check` on files that are spoilt as a whole: one finding each, and never a trace."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.check import check

SHIPPED = Path(__file__).parents[2] / "app/profiles/laocai"
ON_TIME = "indicators/ps.on_time.toml"
SOURCE = "sources/einvoice.toml"

SPOILT: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "empty": (ON_TIME, lambda _: b"", "says nothing"),
    "empty settings of the province": ("profile.toml", lambda _: b"", "says nothing"),
    "no rules": ("rules.toml", lambda _: b"", "says nothing"),
    "no scene": ("scene.toml", lambda _: b"# later\n", "says nothing"),
    "no units": ("units_2022.csv", lambda _: b"code,name\n", "no rows"),
    "no divisions": (
        "areas.toml", lambda b: b.replace(b"[[division", b"[[part"), "'division' is missing"),
    "no upstream": (SOURCE, lambda _: b"", "says nothing"),
    "not UTF-8": (ON_TIME, lambda b: b"# \xff\n" + b, "not UTF-8"),
    "UTF-16": (SOURCE, lambda b: b.decode().encode("utf-16"), "not UTF-8"),
    "byte-order mark": (ON_TIME, lambda b: b"\xef\xbb\xbf" + b, "byte-order mark"),
    "nothing but zeros": (ON_TIME, lambda _: bytes(64), "not TOML"),
    "brackets without end": (ON_TIME, lambda b: b"x = " + b"[" * 5000 + b"]" * 5000, "brackets"),
    "a string without end": (ON_TIME, lambda b: b + b'x = """', "not TOML"),
}  # fmt: skip


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "laocai"))


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_file_is_one_finding_and_never_a_trace(name: str, profile: Path):
    file, spoil, says = SPOILT[name]
    path = profile / file
    path.write_bytes(spoil(path.read_bytes()))
    [finding] = check(profile).findings
    assert finding.file == path
    assert says in finding.found
    assert finding.expected and finding.remedy


@pytest.mark.parametrize("folder", ["sources", "indicators"])
def test_a_folder_that_is_missing_is_one_finding(folder: str, profile: Path):
    shutil.rmtree(profile / folder)
    assert [f.file for f in check(profile).findings] == [profile / folder]


def test_a_folder_in_place_of_a_file_is_found(profile: Path):
    (profile / "indicators/x.toml").mkdir()
    assert [f.found for f in check(profile).findings] == ["cannot be read: Is a directory"]
