"""A disk without room stops the polls, is told at once, and is forgotten when there is room."""

from __future__ import annotations

import subprocess

import pytest

from tests.flow.stage import ROOT
from tests.soak.full_disk import command


def test_a_full_disk_loses_nothing_and_needs_no_hand() -> None:
    run = command()
    if run is None:
        pytest.skip("no mount namespace is allowed here: a small disk cannot be made")
    done = subprocess.run(
        run, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=400, text=True
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:]
