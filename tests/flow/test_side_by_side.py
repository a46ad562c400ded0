"""Two demos at once, as root and as a plain user: both serve, neither sees the other's data."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from app.store.embedded_account import Account
from tests.flow.stage import (
    ROOT,
    Installation,
    belonging_to,
    gone,
    passable_folder,
    status,
    wait_for,
)

_ASK = ["-c", "import app.cli, asyncpg, lxml"]


def plain_user() -> Account | None:
    """For root an unprivileged account that exists; others are plain already."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, lent=True)


def for_the_account(who: Account, folder: Path) -> tuple[tuple[str, ...], Path, dict[str, str]]:
    """Interpreter, source tree and environment the account can use.

    A clone below a closed home, or an interpreter there, cannot be reached by another account:
    then links to the same files, and Debian's interpreter of the same version, take their place.
    """
    packages, root = Path(sysconfig.get_path("purelib")), ROOT
    if not _can(who, ["/bin/ls", str(ROOT / "app"), str(packages)]):
        root = folder / "tree"
        for name in ("app", "collectors", "alembic"):
            _link(ROOT / name, root / name)
        _link(packages, folder / "packages")
        packages = folder / "packages"
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for interpreter in (sys.executable, system):
        extra = {"PYTHONPATH": f"{root}:{packages}", "HOME": str(folder / "home")}
        if _can(who, [interpreter, *_ASK], extra):
            return (interpreter,), root, extra
    pytest.skip(
        f"the account {who.name} can run neither {sys.executable} nor {system}:"
        f" install `python{sys.version_info.major}.{sys.version_info.minor}` system-wide"
    )


def _can(who: Account, command: list[str], extra: dict[str, str] | None = None) -> bool:
    try:
        asked = subprocess.run(
            command, **who.identity(), cwd="/", env=os.environ | (extra or {}),
            capture_output=True, check=False,
        )  # fmt: skip
    except OSError:
        return False
    return asked.returncode == 0


def _link(source: Path, target: Path) -> None:
    """The same files at another place; copied where they are on another disk."""

    def link_or_copy(one: str, other: str) -> None:
        try:
            os.link(one, other, follow_symlinks=True)
        except OSError:
            shutil.copy(one, other)

    shutil.copytree(source, target, copy_function=link_or_copy)


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Installation, Installation]]:
    who = plain_user()
    with passable_folder() as folder:
        (folder / "one").mkdir()
        first = Installation(folder / "one" / "data", settings={"IOC_SEED": "11"})
        given = folder / "other"
        (given / "home").mkdir(parents=True)
        if who is None:
            second = Installation(given / "data", settings={"IOC_SEED": "12"})
        else:
            command, root, extra = for_the_account(who, given)
            # What it prints is opened by us; everything below its directory is its own.
            for path in (given, given / "home"):
                who.give(path, 0o700)
            given.chmod(0o711)
            second = Installation(
                given / "data", who=who, command=command, root=root,
                settings={"IOC_SEED": "12", **extra},
            )  # fmt: skip
        yield first, second
        first.close()
        second.close()


def judged(demo: Installation) -> bool:
    told = demo.json("/api/v1/snapshot")
    return told is not None and any(r["state"] != "none" for r in told["readings"])


async def payloads(demo: Installation) -> set[str]:
    """Names of the pages it stored; another world's pages have other names."""
    db = await asyncpg.connect(demo.database_url())
    try:
        rows = await db.fetch("SELECT payload_sha256 FROM page WHERE count > 0")
    finally:
        await db.close()
    return {r["payload_sha256"] for r in rows}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_serve_their_own_and_end_alone(
    pair: tuple[Installation, Installation], number: signal.Signals
):
    first, second = pair
    for demo in pair:
        demo.launch()
    for demo in pair:
        wait_for(lambda demo=demo: judged(demo), 60, "judged tiles", demo)
        assert status(f"http://127.0.0.1:{demo.port}/readyz") == 200
    owners = {Path(f"/proc/{born.pid}").stat().st_uid for born in second.everyone() if born.alive()}
    who = plain_user()
    assert owners == {who.uid if who else os.geteuid()}
    ours, theirs = (demo.json("/api/v1/snapshot") for demo in pair)
    assert ours["epoch"] != theirs["epoch"]
    assert [demo.simulators("/control/clock")["seed"] for demo in pair] == [11, 12]
    stored = [asyncio.run(payloads(demo)) for demo in pair]
    assert all(len(hashes) > 3 for hashes in stored)
    assert stored[0].isdisjoint(stored[1])
    for demo, other in ((first, second), (second, first)):
        for path in ("clock.json", "children.pids", "postgres.pid"):
            assert (demo.data_dir / path).read_text() != (other.data_dir / path).read_text()
        assert str(other.data_dir) not in "".join(belonging_to(demo.data_dir))

    family = first.everyone()
    assert len(family) >= 4
    assert first.end(number) < 5
    assert gone(family, 0.2)
    assert belonging_to(first.data_dir) == []
    assert first.process is not None
    assert first.process.returncode == 0, first.said()
    # The other one did not notice.
    assert all(born.alive() for born in (second.role(r) for r in ("web", "worker")) if born)
    assert status(f"http://127.0.0.1:{second.port}/readyz") == 200

    family = second.everyone()
    assert second.end(number) < 5
    assert gone(family, 0.2)
    assert belonging_to(second.data_dir) == []
    assert second.process is not None
    assert second.process.returncode == 0, second.said()
