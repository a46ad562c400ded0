"""The alert path, whole: a target is raised, the figure lags, people are told once, and it ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flow.stage import ROOT, Installation, passable_folder, wait_for

ABOUT = "ps.fully_online"


@pytest.fixture
def folder() -> Iterator[Path]:
    with passable_folder() as found:
        shutil.copytree(ROOT / "app/profiles/laocai", found / "profile")
        yield found


def target(folder: Path, value: float) -> None:
    """As docs/how-to/change-target.md says; and a delay that a test can wait for.

    Without its way through the year: its pace changes at the end of a day only.
    """
    path = folder / f"profile/indicators/{ABOUT}.toml"
    text = re.sub(r"(?m)^value = .*$", f"value = {value}", path.read_text())
    text = re.sub(r'(?m)^(kind = "level"|baseline = .*|assumption = "Mức đầu.*)\n', "", text)
    path.write_text(re.sub(r"(?m)^for_days = .*$", "for_days = 0.01", text))


def about(demo: Installation, state: str) -> dict[str, Any] | None:
    told = demo.json("/api/v1/alerts") or {"alerts": []}
    found = [a for a in told["alerts"] if a["indicator"] == ABOUT and a["state"] == state]
    return found[0] if found else None


def sink(demo: Installation, channel: str) -> list[dict[str, Any]]:
    told = demo.simulators(f"/sink/messages?channel={channel}")
    return [m for m in told["messages"] if "Hồ sơ" in m["body"] or ABOUT in m["body"]]


def test_people_are_told_once_when_it_begins_and_once_when_it_ends(folder: Path) -> None:
    demo = Installation(folder / "data", settings={"IOC_PROFILE": str(folder / "profile")})
    try:
        target(folder, 0.01)
        demo.start()
        wait_for(demo.loaded, 120, "every source loaded", demo)
        assert about(demo, "active") is None
        assert not sink(demo, "mail"), "whatever happened in the fill, nobody is told"
        demo.end()

        target(folder, 0.999)
        demo.start()
        raised = wait_for(lambda: about(demo, "active"), 60, "the alert", demo)
        assert raised["target"] == 0.999
        assert len(raised["worst"]) == 5
        assert raised["owner"]
        wait_for(lambda: sink(demo, "mail") and sink(demo, "webhook"), 30, "both told", demo)
        wait_for(lambda: (about(demo, "active") or {}).get("sent"), 15, "screens know", demo)
        wall = demo.json("/api/v1/snapshot")["alerts"]
        assert [a["indicator"] for a in wall].count(ABOUT) == 1
        mail = sink(demo, "mail")[0]["body"] + sink(demo, "mail")[0]["subject"]
        assert raised["worst"][0]["name_vi"] in mail, "the worst are named"
        assert re.search(r"\d{2}/\d{2}/2022 \d{2}:\d{2}", mail)
        assert "99,9" in mail
        assert "MÔ PHỎNG" in mail
        # A worker that dies and comes back tells nobody a second time.
        worker = demo.role("worker")
        assert worker is not None
        os.kill(worker.pid, signal.SIGKILL)
        wait_for(demo.loaded, 60, "the worker back", demo)
        assert [m["repeats"] for m in sink(demo, "mail")] == [0]
        assert [m["repeats"] for m in sink(demo, "webhook")] == [0]
        demo.end()

        target(folder, 0.01)
        demo.start()
        ended = wait_for(lambda: about(demo, "resolved"), 60, "its end", demo)
        assert ended["id"] == raised["id"]
        wait_for(lambda: sink(demo, "mail") and sink(demo, "webhook"), 30, "both told", demo)
        assert ["HẾT" in m["subject"] for m in sink(demo, "mail")] == [True]
        assert ['"resolved"' in m["body"] for m in sink(demo, "webhook")] == [True]
        assert about(demo, "active") is None
    finally:
        demo.close()
