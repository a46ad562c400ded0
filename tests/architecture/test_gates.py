"""The gates pass, and each of them looked at something; an idle gate would pass for ever."""

from __future__ import annotations

import pytest

from tests.architecture.gates import GATES, ROOT, Gate, run


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_gate(gate: Gate, record_property):
    verdict = run(gate)
    record_property(f"files of {gate.name}", verdict.looked_at)
    assert verdict.looked_at > 0, f"{gate.name} looked at nothing:\n{verdict.said}"
    assert verdict.passed, verdict.said


def test_the_gate_of_imports_sees_every_room():
    rooms = {p.parent.name for p in (ROOT / "app").glob("*/__init__.py")}
    layers = (ROOT / "pyproject.toml").read_text().split("layers = [")[1].split("]")[0]
    assert rooms, "no room found under app/"
    assert {room for room in rooms if room not in layers} == set()


def test_a_gate_that_finds_nothing_to_look_at_fails(tmp_path):
    idle = Gate("idle", ("true",), r"(\d+) files", tmp_path)
    assert not run(idle).passed
    absent = Gate("absent", ("no-such-tool",), r"(\d+) files", tmp_path)
    assert not run(absent).passed
