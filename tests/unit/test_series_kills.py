"""A short form of `make soak-store`: writer, sealer and server are killed, nothing is lost."""

from __future__ import annotations

from tests.soak.store import run_kills


def test_kills_of_writer_sealer_and_server_lose_nothing(record_property):
    outcome = run_kills(6, 766, pause_s=(0.05, 0.3))
    record_property("kills", outcome.kills.total())
    record_property("points compared after kills", outcome.points)
    assert not outcome.wrong
    assert min(outcome.kills.values()) == 2
    assert outcome.batches >= outcome.acknowledged > 50
    assert outcome.chunks > 0
