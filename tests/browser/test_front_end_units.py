"""The unit tests of the front end, run where everything is run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.browser.feed import ROOT

AT_LEAST = 60


def test_the_front_end_passes_its_own_tests(tmp_path: Path) -> None:
    # Node from the wheel where the machine has none.
    node = "" if shutil.which("npm") else f"{ROOT / '.node/bin'}{os.pathsep}"
    told = tmp_path / "vitest.json"
    done = subprocess.run(
        ["npm", "run", "--silent", "test", "--", "--reporter=json", f"--outputFile={told}"],
        cwd=ROOT / "frontend", env=os.environ | {"PATH": node + os.environ.get("PATH", "")},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    found = json.loads(told.read_text()) if told.exists() else {}
    failed = [
        f"{one['fullName']}: {one['failureMessages'][:1]}"
        for file in found.get("testResults", ())
        for one in file["assertionResults"]
        if one["status"] == "failed"
    ]
    assert done.returncode == 0, f"{failed}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    print(f"vitest: {found['numPassedTests']} tests")
    assert found["numPassedTests"] >= AT_LEAST
