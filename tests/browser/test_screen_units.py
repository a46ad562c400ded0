"""The screens' own unit tests (vitest) pass, the tests of the colour tokens among them."""

from __future__ import annotations

from tests.architecture.gates import FRONTEND, Gate, run

VITEST = Gate("vitest", ("npm", "run", "--silent", "test"), r"Tests\s+(\d+) passed", FRONTEND)


def test_the_units_of_the_screens(record_property):
    verdict = run(VITEST)
    record_property("tests of vitest", verdict.looked_at)
    assert verdict.passed, verdict.said
    assert "src/tokens.test.ts" in verdict.said
