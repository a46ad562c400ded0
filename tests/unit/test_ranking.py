"""Ranking and contribution: few cases prove little, and a gap is made of whole cases."""

from __future__ import annotations

import random
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.contribution import contribution
from app.domain.ranking import FEW, prior_of, ranked
from app.domain.why import Part

units = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3),
    st.integers(0, 400).flatmap(lambda den: st.tuples(st.integers(0, den), st.just(den))),
    max_size=30,
)


@settings(max_examples=300, deadline=None)
@given(units, st.sampled_from(["up", "down"]))
def test_a_unit_with_few_cases_is_neither_first_nor_last_beside_larger_ones(
    shares: dict[str, tuple[int, int]], better: str
) -> None:
    places = ranked(shares, better)
    assert set(places) == {s for s, (_, den) in shares.items() if den}
    for place in places.values():
        assert 0 <= place.low <= place.estimate <= place.high <= 1
    large = [places[s].place for s in places if shares[s][1] >= FEW]
    if large:
        assert min(large) == 1
        spread = {round(places[s].estimate, 6) for s in places if shares[s][1] >= FEW}
        if len(spread) > 1:
            assert max(places[s].place for s in places) <= max(large)
        assert all(places[s].place > 1 for s in places if places[s].few)


@settings(max_examples=200, deadline=None)
@given(units)
def test_an_estimate_lies_between_the_share_and_the_mean(
    shares: dict[str, tuple[int, int]],
) -> None:
    prior = prior_of(shares)
    for subject, place in ranked(shares, "up").items():
        num, den = shares[subject]
        assert prior is not None
        low, high = sorted((num / den, prior.mean))
        assert low - 1e-12 <= place.estimate <= high + 1e-12


def test_three_perfect_files_do_not_beat_a_thousand_good_ones() -> None:
    shares = {"small": (3, 3), "good": (980, 1000), "fair": (940, 1000), "poor": (850, 1000)}
    places = ranked(shares, "up")
    assert places["good"].place == 1
    assert places["small"].place > 1
    assert places["small"].few
    small, good = places["small"], places["good"]
    assert small.high - small.low > good.high - good.low
    # And three lost files are not the worst of all.
    assert ranked({**shares, "small": (0, 3)}, "up")["poor"].place == 4


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = random.Random(766)
    held = total = 0
    for _ in range(40):
        truth = {str(n): rng.betavariate(38, 4) for n in range(60)}
        shares = {}
        for name, share in truth.items():
            den = rng.choice((3, 12, 40, 150))
            shares[name] = (sum(rng.random() < share for _ in range(den)), den)
        for name, place in ranked(shares, "up").items():
            held += place.low <= truth[name] <= place.high
            total += 1
    assert 0.87 <= held / total <= 0.93, held / total


def test_an_estimate_is_nearer_to_the_truth_than_the_share_alone() -> None:
    rng = random.Random(20)
    raw = drawn = 0.0
    for _ in range(30):
        truth = [rng.betavariate(38, 4) for _ in range(60)]
        shares = {}
        for n, share in enumerate(truth):
            den = rng.choice((3, 12, 40))
            shares[str(n)] = (sum(rng.random() < share for _ in range(den)), den)
        places = ranked(shares, "up")
        for n, share in enumerate(truth):
            num, den = shares[str(n)]
            raw += (num / den - share) ** 2
            drawn += (places[str(n)].estimate - share) ** 2
    assert drawn < raw / 2


parts_of_a_whole = st.lists(
    st.integers(0, 900).flatmap(lambda den: st.tuples(st.integers(0, den), st.just(den))),
    min_size=1, max_size=20,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(parts_of_a_whole, st.integers(1, 1000), st.sampled_from(["up", "down"]))
def test_what_the_parts_lack_is_what_the_whole_lacks_to_the_last_case(
    shares: list[tuple[int, int]], target: int, better: str
) -> None:
    parts = [Part(f"area:{n}", None, *share) for n, share in enumerate(shares)]
    num, den = (sum(s[i] for s in shares) for i in range(2))
    made = contribution(num, den, target / 1000, better, parts)
    assert sum((s.lacks for s in made.parts), Fraction()) == made.lacks
    lacking = [s.lacks for s in made.parts if s.lacks > 0]
    if not lacking:
        assert (made.few, made.explained) == (0, None)
        return
    first = made.parts[: made.few]
    assert sum(s.lacks for s in first) == made.explained * sum(lacking)
    assert (
        sum(s.lacks for s in first[:-1]) * 5 < sum(lacking) * 4 <= sum(s.lacks for s in first) * 5
    )


def test_the_few_that_explain_a_gap() -> None:
    parts = [
        Part("a", None, 50, 100), Part("b", None, 90, 100), Part("c", None, 99, 100),
        Part(None, None, 10, 10),
    ]  # fmt: skip
    made = contribution(249, 310, 0.95, "up", parts)
    assert [float(s.lacks) for s in made.parts] == [45.0, 5.0, -0.5, -4.0]
    assert (float(made.lacks), made.few, float(made.explained or 0)) == (45.5, 1, 0.9)
