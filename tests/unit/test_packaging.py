"""What a clone, a wheel and an image need is there, pinned, and tied to nobody's machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from app import VERSION

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted(ROOT.glob("requirements*.txt"))


def names(lock: Path) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", lock.read_text(), re.MULTILINE))


def wanted(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=;]", r)[0] for r in requirements}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda p: p.name)
def test_a_lock_pins_by_hash_and_names_no_place(lock: Path):
    text = lock.read_text()
    assert names(lock)
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in entry, entry
        assert re.match(r"[a-z0-9-]+==\S+", entry), entry
    assert not re.search(r"https?://|index-url|find-links|file:|/home|/tmp", text)


def test_the_locks_hold_every_dependency_and_agree():
    runtime, dev = ROOT / "requirements.txt", ROOT / "requirements-dev.txt"
    assert wanted(PROJECT["project"]["dependencies"]) <= names(runtime)
    assert wanted(PROJECT["project"]["optional-dependencies"]["dev"]) <= names(dev)
    pins = re.compile(r"^[a-z0-9-]+==\S+", re.MULTILINE)
    assert set(pins.findall(runtime.read_text())) <= set(pins.findall(dev.read_text()))


def test_the_lock_of_the_page_names_no_place():
    lock = json.loads((ROOT / "frontend/package-lock.json").read_text())
    packages = [name for name in lock["packages"] if name]
    assert packages
    assert [n for n in packages if "resolved" in lock["packages"][n]] == []
    assert [n for n in packages if "integrity" not in lock["packages"][n]] == []


def sources() -> list[str]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    copies = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY ")]
    return [path for copy in copies if not copy[0].startswith("--from") for path in copy]


def test_the_image_copies_what_exists_and_is_not_kept_from_it():
    assert sources()
    kept_out = (ROOT / ".dockerignore").read_text().split()
    for path in sources():
        assert (ROOT / path).exists(), f"Dockerfile copies {path}, which does not exist"
        assert path not in kept_out
    tracked = subprocess.run(
        ["git", "ls-files", "--", *sources()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode == 0:
        for path in sources():
            assert any(f == path or f.startswith(f"{path}/") for f in tracked.stdout.split()), path


def test_the_image_runs_make_targets_that_exist_as_a_plain_user_and_checks_its_health():
    image, make = (ROOT / "Dockerfile").read_text(), (ROOT / "Makefile").read_text()
    targets = re.findall(r"^RUN make (\S+)", image, re.MULTILINE)
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", make, re.MULTILINE), target
    last = image.rsplit("\nFROM ", 1)[1]
    assert re.search(r"^USER (?!root)\w+", last, re.MULTILINE)
    asked = re.search(r'HEALTHCHECK.*CMD \["ioc", "(\w+)"\]', last)
    assert asked
    assert (ROOT / f"app/cli/{asked[1]}.py").is_file()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    assert (ROOT / "app/static/index.html").is_file(), "the page is not built: run `make ui`"
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_the_wheel_holds_the_page_the_migrations_the_profile_and_the_simulators(wheel):
    held = set(wheel.namelist())
    migrations = {f"app/alembic/versions/{p.name}" for p in ROOT.glob("alembic/versions/*.py")}
    profile = {str(p.relative_to(ROOT)) for p in (ROOT / "app/profiles").rglob("*") if p.is_file()}
    page = {str(p.relative_to(ROOT)) for p in (ROOT / "app/static").rglob("*") if p.is_file()}
    page -= {"app/static/.sources"}
    assert migrations and profile and page
    assert migrations | profile | page | {"app/alembic/env.py", "collectors/__main__.py"} <= held
    tops = {name.split("/")[0] for name in held}
    assert tops == {"app", "collectors", f"ioc_laocai-{VERSION}.dist-info"}


def test_the_installed_command_runs_far_from_the_checkout(wheel, tmp_path: Path):
    wheel.extractall(tmp_path / "site")
    script = (
        "from app.store.migrate import script_folder; from app.cli import main; import sys;"
        "print(script_folder()); sys.argv = ['ioc', 'version']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
    )  # fmt: skip
    assert done.stdout.split() == [str(tmp_path / "site/app/alembic"), VERSION]


def test_the_gate_is_make_test():
    gate = ROOT / ".ci/run"
    assert os.access(gate, os.X_OK)
    assert "exec make test" in gate.read_text()
