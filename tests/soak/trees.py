"""Every figure of a world of 2022 to 2025 against the simulators' truth, over both changes of the
tree, with messages that come late, twice and out of order.

    python -m tests.soak.trees --scale 0.02 --seed 1

The messages go through the real collectors' records, measures and tally; the simulators count
with code of their own. Each instant is asked about twice: with what was known then, and, at the
end, with everything known since. Prints how much it compared; exits 1 on any difference or none.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from app.domain.indicator import Indicator
from app.domain.measure import Measures, Steps, net
from app.domain.measure_unit import in_unit
from app.domain.period import midnight_s
from app.domain.profile import Profile
from app.domain.record import Record, merge
from app.evaluation.tally import Tally, median
from app.profile import load_profile, profile_folder
from collectors._world.faults import Interval
from collectors._world.feed import Truth
from collectors._world.log import FeedLog
from collectors._world.world import World

FEEDS = ("public_service", "documents", "einvoice")
NOON = 43_200
# Three instants before and three after each change; the first two at the edge of the night.
CHANGES = tuple(
    at_s
    for change in (date(2024, 11, 1), date(2025, 7, 1))
    for at_s in (
        midnight_s(change) - 40 * 86_400 + NOON,
        midnight_s(change) - 1,
        midnight_s(change),
        midnight_s(change) + NOON,
        midnight_s(change) + 45 * 86_400 + NOON,
    )
)
INSTANTS = (midnight_s(date(2022, 10, 3)) + NOON, *CHANGES)
FAULTS = tuple(
    Interval(fault, midnight_s(begin), midnight_s(end))
    for fault in ("late", "duplicate", "reorder")
    for begin, end in (
        (date(2022, 8, 1), date(2022, 9, 1)),
        (date(2024, 10, 1), date(2024, 11, 20)),
        (date(2025, 6, 1), date(2025, 8, 1)),
    )
)
Key = tuple[str, str]
Figure = tuple[float, float]


@dataclass(slots=True)
class Outcome:
    messages: int = 0
    records: int = 0
    compared: int = 0
    nonzero: int = 0
    differences: list[str] = field(default_factory=list)


class Product:
    """What is known of the records of one source, and their sums at an instant."""

    def __init__(self, profile: Profile, source: str) -> None:
        self.profile = profile
        self.indicators = [i for i in profile.indicators.values() if i.source == source]
        self._measures = Measures(self.indicators, profile.rules())
        self._read = importlib.import_module(f"collectors.{source}.collector").read_record
        self.records: dict[Key, Record] = {}
        self._counted: dict[Key, tuple[str, str, Steps]] = {}
        self._changed: set[Key] = set()
        self.tally = self.fresh(profile.began_s)

    def fresh(self, at_s: int) -> Tally:
        carried = {
            n: i.periods
            for n, i in enumerate(self.indicators)
            if i.measure.carried
        }
        tally = Tally(carried, self.profile.members)
        tally.start(self.profile.began_s, at_s)
        return tally

    def take(self, body: bytes) -> None:
        for update in self._read(body):
            key = (update.kind, update.code)
            self.records[key] = merge(self.records.get(key), update)
            self._changed.add(key)

    def walk(self, to_s: int) -> None:
        """Count what has changed, then move on; as evaluation does page by page."""
        for key in self._changed:
            record = self.records[key]
            after = self._measures.steps(record)
            owner, sector, before = self._counted.get(key, (record.owner, record.sector, {}))
            if (owner, sector) != (record.owner, record.sector):
                # Progress may come before the item that tells the sector.
                self.tally.add((owner, sector, *k, *v) for k, v in net(before, {}).items())
                before = {}
            self._counted[key] = (record.owner, record.sector, dict(after))
            change = net(before, after)
            self.tally.add((record.owner, record.sector, *k, *v) for k, v in change.items())
        self._changed.clear()
        self.tally.advance(to_s)

    def anew(self, at_s: int) -> Tally:
        """Sums at an instant from everything known by now."""
        tally = self.fresh(at_s)
        for owner, sector, steps in self._counted.values():
            tally.add((owner, sector, *k, *v) for k, v in steps.items())
        return tally

    def figures(self, tally: Tally, number: int, period: str, level: str) -> dict[str, Figure]:
        """By subject of the level that stands; what nothing was counted for is left out."""
        kind = self.indicators[number].measure.kind
        begin, sums = tally.current(number, period)
        found: dict[str, Figure] = {}
        if kind == "quantile":
            for subject, counts in tally.values.get((number, period, begin), {}).items():
                seconds, n = median(counts)
                value = in_unit(seconds, self.indicators[number].unit)
                found[subject] = (value or 0.0, float(n))
        else:
            ratio = kind == "ratio"
            found = {s: (float(n), float(d) if ratio else 0.0) for s, (n, d) in sums.items()}
        subjects, members = self.profile.subjects, self.profile.members
        return {
            s: f
            for s, f in found.items()
            if s in subjects and subjects[s].level == level and members.stands(s, tally.tree)
        }


def run(source: str, world: World, instants: Sequence[int] = INSTANTS) -> Outcome:
    """One feed from its first day to the last instant."""
    module = importlib.import_module(f"collectors.{source}.simulator")
    feed = module.feed(world)
    log = FeedLog(feed, world, lambda: FAULTS)
    product, truth = Product(load_profile(profile_folder("laocai")), source), feed.truth()
    outcome, done = Outcome(), 0
    for at_s in instants:
        upto = log.count(at_s)
        for _, message in log.read(done, upto):
            product.take(message.body)
            truth.add(message)
        done = upto
        product.walk(at_s)
        compare(product, product.tally, truth, at_s, outcome)
    for at_s in instants[:-1]:
        compare(product, product.anew(at_s), truth, at_s, outcome)
    outcome.messages, outcome.records = done, len(product.records)
    return outcome


def compare(product: Product, tally: Tally, truth: Truth, at_s: int, outcome: Outcome) -> None:
    """Every indicator, period and level at one instant."""
    for number, indicator in enumerate(product.indicators):
        if indicator.id not in truth.indicators:
            continue
        for period, level in _asks(indicator):
            ours = product.figures(tally, number, period, level)
            true = {
                subject: _true(indicator, told)
                for subject, told in truth.ask(indicator.id, level, period, at_s).items()
            }
            for subject in sorted(ours.keys() | true.keys()):
                one, other = ours.get(subject, (0.0, 0.0)), true.get(subject, (0.0, 0.0))
                outcome.compared += 1
                outcome.nonzero += any(other)
                pairs = zip(one, other, strict=True)
                if any(abs(a - b) > 1e-9 * max(1.0, abs(a)) for a, b in pairs):
                    outcome.differences.append(
                        f"{indicator.id} {subject} {period} at {at_s}: ours {one}, true {other}"
                    )


def _asks(indicator: Indicator) -> Iterator[tuple[str, str]]:
    return ((p, level) for p in indicator.periods for level in indicator.levels)


def _true(indicator: Indicator, told: tuple[float | None, float | None, float | None]) -> Figure:
    value, num, den = told
    if indicator.measure.kind == "quantile":
        return value or 0.0, den or 0.0
    return num or 0.0, (den or 0.0) if indicator.measure.kind == "ratio" else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="names of feeds, with commas between")
    asked = parser.parse_args()
    wrong = 0
    for source in asked.only.split(",") if asked.only else FEEDS:
        outcome = run(source, World(asked.seed, asked.scale))
        for line in outcome.differences[:20]:
            print(line)
        print(
            f"trees: {source}: {outcome.messages} messages, {outcome.records} records,"
            f" {outcome.compared} comparisons ({outcome.nonzero} not zero),"
            f" {len(outcome.differences)} differences",
            flush=True,
        )
        wrong += len(outcome.differences) + (outcome.compared == 0)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
