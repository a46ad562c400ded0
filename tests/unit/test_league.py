"""Units compared by an index: neither few cases nor a part that does not apply lifts anybody."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.composite import COUNTED, NOT_APPLICABLE, STALE, Composite, Input, compose
from app.domain.league import league
from app.domain.ranking import FEW
from app.profile import load_profile, profile_folder

SHEET = load_profile(profile_folder("laocai")).composites["dvc766"]
EASY, HARD = [p.id for p in SHEET.parts() if p.indicator][:2]


def unit(**shares: tuple[int, int] | str) -> dict[str, Input]:
    """Of the parts ``easy`` and ``hard``; text: why there is none."""
    found = {}
    for name, told in shares.items():
        part = {"easy": EASY, "hard": HARD}[name]
        if isinstance(told, str):
            found[part] = Input(told)
        else:
            found[part] = Input(COUNTED, told[0] / told[1], *told)
    return found


def test_a_hard_part_that_does_not_apply_lifts_nobody() -> None:
    peers = {f"p{n}": unit(easy=(970 + n, 1000), hard=(500 + n, 1000)) for n in range(9)}
    units = peers | {"without": unit(easy=(974, 1000), hard=NOT_APPLICABLE)}
    points = {s: compose(SHEET, given).points or 0 for s, given in units.items()}
    assert max(points, key=lambda s: points[s]) == "without", "its points are given by the rule"
    table = league(SHEET, units)
    assert 1 < table["without"].place < len(units)
    assert table["p4"].estimate == table["without"].estimate, "as if it were as its peers are"


def test_what_counts_for_nobody_counts_for_none() -> None:
    units = {f"p{n}": unit(easy=(90 + n, 100), hard=STALE) for n in range(5)}
    table = league(SHEET, units | {"none": unit(easy=NOT_APPLICABLE, hard=STALE)})
    assert "none" not in table
    assert [table[f"p{n}"].place for n in range(5)] == [5, 4, 3, 2, 1]


shares = st.integers(1, 300).flatmap(lambda den: st.tuples(st.integers(0, den), st.just(den)))
told = st.fixed_dictionaries({"easy": shares, "hard": shares | st.just(NOT_APPLICABLE)})


@settings(max_examples=150, deadline=None)
@given(st.lists(told, min_size=2, max_size=12))
def test_few_cases_are_neither_first_nor_last_and_estimates_lie_among_the_points(
    given: list[dict[str, tuple[int, int] | str]],
) -> None:
    units = {f"u{n}": unit(**one) for n, one in enumerate(given)}
    table = league(only(SHEET), units)
    assert set(table) == set(units)
    large = [t.place for t in table.values() if not t.few]
    if large and len({t.estimate for t in table.values() if not t.few}) > 1:
        assert all(1 < t.place <= max(large) for t in table.values() if t.few)
    for subject, one in zip(units, given, strict=True):
        cases = max(told[1] for told in one.values() if not isinstance(told, str))
        assert table[subject].few == (cases < FEW)
        assert 0 <= table[subject].estimate <= 10_000


def only(sheet: Composite) -> Composite:
    """The sheet with nothing but the two parts."""
    groups = []
    for group in sheet.groups:
        parts = tuple(p for p in group.parts if p.id in (EASY, HARD))
        if parts:
            groups.append(replace(group, parts=parts))
    return replace(sheet, groups=tuple(groups))
