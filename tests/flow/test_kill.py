"""kill -9 of every process at random moments: nothing lost, nothing twice, no one left behind."""

from __future__ import annotations

from pathlib import Path

from tests.flow.stage import Installation
from tests.soak.kill import TARGETS, run_round
from tests.soak.ledger import Watcher


def snapshot(data: str, watermark: str | None, records: int) -> dict[str, object]:
    source = {"id": "s", "watermark": watermark, "records": records, "progress": 0.5}
    return {"clock": {"data": data}, "epoch": "e", "offset": 1, "sources": [source]}


def test_the_watcher_sees_what_goes_back():
    watcher = Watcher(Installation(Path("/nowhere")))
    watcher.look(snapshot("2022-10-03T07:30:00+07:00", None, 0))
    watcher.look(snapshot("2022-10-03T07:30:00+07:00", "2022-10-03T07:29:00+07:00", 5))
    assert watcher.wrong == []
    watcher.look(snapshot("2022-10-03T07:29:59+07:00", "2022-10-03T07:28:00+07:00", 4))
    watcher.look(
        snapshot("2022-10-03T07:31:00+07:00", "2022-10-03T07:29:00+07:00", 5) | {"epoch": "f"}
    )
    assert [w.split(" went")[0] for w in watcher.wrong] == [
        "data time", "s: watermark", "s: records", "the epoch",
    ]  # fmt: skip


def test_twenty_kills_in_fill_and_live_leave_the_books_balanced():
    outcome = run_round(20, 766, pause_s=(0.0, 1.2), past=1)
    print(outcome.line())
    assert outcome.wrong == []
    assert outcome.kills.total() == 20
    assert {target for target, _ in outcome.kills} == set(TARGETS)
    assert outcome.phase("fill") >= 3
    assert outcome.phase("live") >= 5
    assert outcome.looks > 10
    assert outcome.books.emitted > 10_000
    assert outcome.books.truth > 1000
