"""Compares every figure the running product shows with what the simulators say is true.

    python -m tests.truth --api http://127.0.0.1:8000 --truth http://127.0.0.1:8900

For each reading the API gives its instant (``at``) and what its source had published by then
(``watermark``); the simulators count the same from the messages they emitted up to there.
Prints how many comparisons it made and each difference; exits 1 when there is any, or none made.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx2

EXPLAINED = 6  # readings of each indicator and period whose parts are added up
Key = tuple[str, str, str, str, str]  # indicator, level, period, at, watermark


@dataclass(slots=True)
class Outcome:
    compared: int = 0
    instants: set[str] = field(default_factory=set)
    differences: list[str] = field(default_factory=list)


def compare(
    api: httpx2.Client, truth: httpx2.Client, past: int, seed: int, on: Sequence[str] = ()
) -> Outcome:
    """Compare the latest readings, then those of ``past`` random days and of the days named."""
    outcome = Outcome()
    indicators = api.get("/api/v1/indicators").json()["indicators"]
    levels = _levels(api)
    for indicator in indicators:
        for period in indicator["periods"]:
            params = {"indicator": indicator["id"], "period": period}
            readings = api.get("/api/v1/readings/latest", params=params).json()["readings"]
            _check(truth, indicator, readings, levels, outcome)
            some = random.Random(seed).sample(readings, min(EXPLAINED, len(readings)))
            _check_parts(api, indicator, some, outcome)
    zone = timezone(timedelta(hours=7))
    named = [datetime.fromisoformat(text).replace(tzinfo=zone) for text in on]
    for day in [*_days(api, past, seed), *named]:
        for indicator in indicators:
            for period in indicator["periods"]:
                params = {
                    "indicator": indicator["id"],
                    "period": period,
                    "from": day.isoformat(),
                    "to": (day + timedelta(hours=23, minutes=59, seconds=59)).isoformat(),
                    "step": "tick",
                }
                readings = api.get("/api/v1/readings/history", params=params).json()["readings"]
                _check(truth, indicator, readings, levels, outcome)
    return outcome


def _levels(api: httpx2.Client) -> dict[str, str]:
    """Of every tree of areas: a reading of the past speaks of the units of its day."""
    found: dict[str, str] = {}
    for params in ({}, {"on": "2022-01-01"}, {"on": "2024-11-01"}, {"on": "2025-07-01"}):
        told = api.get("/api/v1/subjects", params=params).json()["subjects"]
        found |= {s["id"]: s["level"] for s in told}
    return found


def _days(api: httpx2.Client, past: int, seed: int) -> list[datetime]:
    marks = [
        datetime.fromisoformat(s["watermark"])
        for s in api.get("/api/v1/sources").json()["sources"]
        if s["watermark"]
    ]
    if not marks:
        return []
    first = datetime(2022, 1, 1, tzinfo=marks[0].tzinfo)
    last = min(marks).replace(hour=0, minute=0, second=0, microsecond=0)
    span = max(1, (last - first).days)
    rng = random.Random(seed)
    return sorted(first + timedelta(days=rng.randrange(span)) for _ in range(past))


def _check(
    truth: httpx2.Client,
    indicator: dict[str, Any],
    readings: list[dict[str, Any]],
    levels: dict[str, str],
    outcome: Outcome,
) -> None:
    groups: defaultdict[Key, dict[str, dict[str, Any]]] = defaultdict(dict)
    instants = {(r["period"], r["at"], r["watermark"]) for r in readings}
    for period, at, known in instants:
        for level in indicator["levels"]:
            groups[(indicator["id"], level, period, at, known)] = {}
    for reading in readings:
        level = levels[reading["subject"]]
        key = (indicator["id"], level, reading["period"], reading["at"], reading["watermark"])
        groups[key][reading["subject"]] = reading
    for key, shown in groups.items():
        _check_group(truth, indicator, key, shown, outcome)


def _check_parts(
    api: httpx2.Client,
    indicator: dict[str, Any],
    readings: list[dict[str, Any]],
    outcome: Outcome,
) -> None:
    """What explains a reading must add up to it, exactly."""
    for reading in readings:
        about = {k: reading[k] for k in ("indicator", "subject", "period")}
        why = api.get("/api/v1/readings/why", params=about).json()
        outcome.compared += 1
        if not why["adds_up"]:
            continue
        for side in ("num", "den"):
            whole = why["reading"][side]
            parts = sum(p[side] or 0 for p in why["parts"])
            if whole is not None and whole != parts:
                outcome.differences.append(f"why {about}: {side} is {whole}, its parts {parts}")


def _check_group(
    truth: httpx2.Client,
    indicator: dict[str, Any],
    key: Key,
    shown: dict[str, dict[str, Any]],
    outcome: Outcome,
) -> None:
    id_, level, period, at, known = key
    params = {"indicator": id_, "level": level, "period": period, "at": at, "known": known}
    answer = truth.get("/truth", params=params)
    if answer.status_code != 200:
        outcome.differences.append(f"{id_} {level} {period}: /truth says {answer.text[:200]}")
        return
    told: dict[str, dict[str, Any]] = answer.json()["subjects"]
    outcome.instants.add(at)
    for subject in sorted(shown.keys() | told.keys()):
        ours = _figure(indicator["kind"], shown.get(subject, {}))
        true = _figure(indicator["kind"], told.get(subject, {}))
        outcome.compared += 1
        if not _same(ours, true):
            outcome.differences.append(
                f"{id_} {subject} {period} at {at} known {known}: shown {ours}, true {true}"
            )


def _figure(kind: str, row: dict[str, Any]) -> tuple[float, float]:
    if kind == "quantile":
        return float(row.get("value") or 0), float(row.get("den") or 0)
    return float(row.get("num") or 0), float(row.get("den") or 0) if kind == "ratio" else 0.0


def _same(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return all(abs(a - b) <= 1e-9 * max(1.0, abs(a)) for a, b in zip(one, other, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api", default="http://127.0.0.1:8000")
    parser.add_argument("--truth", default="http://127.0.0.1:8900")
    parser.add_argument("--past", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--on", default="", help="days too, as 2025-06-30,2025-07-01")
    asked = parser.parse_args()
    with (
        httpx2.Client(base_url=asked.api, timeout=60, trust_env=False) as api,
        httpx2.Client(base_url=asked.truth, timeout=300, trust_env=False) as truth,
    ):
        outcome = compare(api, truth, asked.past, asked.seed, [d for d in asked.on.split(",") if d])
    for line in outcome.differences[:50]:
        print(line)
    print(
        f"truth: {outcome.compared} comparisons at {len(outcome.instants)} instants,"
        f" {len(outcome.differences)} differences"
    )
    return 0 if outcome.compared and not outcome.differences else 1


if __name__ == "__main__":
    sys.exit(main())
