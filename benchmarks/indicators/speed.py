"""Speed: what it costs to judge a batch, to judge a year again, and to answer why."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import count, islice

import httpx2

from app.domain.period import bounds
from app.domain.profile import Profile
from app.evaluation.source import Occasion, SourceEvaluation
from app.evaluation.tally import Step
from app.profile import load_profile, profile_folder
from benchmarks.installation import Installation, installation

SOURCE = "documents"
PAIRS = 1000
ROUNDS = 60
LOADED_WITHIN_S = 420.0
OPENS = datetime(2022, 10, 3, 7, 30, tzinfo=timezone(timedelta(hours=7)))


@dataclass(frozen=True, slots=True)
class Speed:
    eval_1000_ms_p50: float
    rebuild_readings_per_s: float


def judging() -> Speed:
    """Both on the profile of Lào Cai, in this process, without a database."""
    profile = load_profile(profile_folder("laocai"))
    return Speed(_batch_ms(profile), _rebuild_per_s(profile))


def _batch_ms(profile: Profile) -> float:
    """A live batch that moves 1,000 (indicator, subject) pairs, late in the year."""
    evaluation = SourceEvaluation(SOURCE, profile)
    at_s = bounds("year", profile.began_s)[0] + 275 * 86400
    evaluation.tally.start(profile.began_s, at_s)
    numbers = count()
    took = []
    for seq in range(ROUNDS):
        at_s += 60
        wanted = _enough(profile, evaluation, _steps(profile, evaluation, at_s, numbers))
        begun = time.perf_counter()
        evaluation.tally.add(wanted)
        evaluation.tally.advance(at_s)
        judged = evaluation.judge(seq, at_s, Occasion(False, False, latest=True))
        took.append((time.perf_counter() - begun) * 1000)
        if len(judged.changed) < PAIRS * 0.9:  # a ratio may happen to stay what it was
            raise RuntimeError(f"only {len(judged.changed)} readings moved; expected {PAIRS}")
    return statistics.median(took)


def _enough(profile: Profile, evaluation: SourceEvaluation, steps: Iterator[Step]) -> list[Step]:
    """As few steps as move so many pairs that are shown."""
    touched: set[tuple[int, str, str]] = set()
    taken = []
    for step in steps:
        owner, sector, number, kind = step[:4]
        levels = evaluation.indicators[number].levels
        counted = [
            s
            for s in profile.members.of(owner, sector, evaluation.tally.tree)
            if profile.subjects[s].level in levels
        ]
        touched |= {(number, kind, s) for s in counted}
        taken.append(step)
        if len(touched) >= PAIRS:
            return taken
    raise RuntimeError(f"all steps move {len(touched)} pairs; expected {PAIRS}")


def _steps(
    profile: Profile, evaluation: SourceEvaluation, at_s: int, numbers: Iterator[int]
) -> Iterator[Step]:
    """One step for each agency and indicator, for ever other sums."""
    for owner in profile.agencies:
        for number, indicator in enumerate(evaluation.indicators):
            n = next(numbers)
            for kind in indicator.periods:
                begin = bounds(kind, at_s)[0]
                value = n % 3600 if indicator.measure.kind == "quantile" else -1
                # Sums that never stand still: every figure moves with every batch.
                yield owner, "", number, kind, begin, at_s, value, 1 + n % 2, 2 + n % 3


def _rebuild_per_s(profile: Profile) -> float:
    """Every day close of 2022 judged again, for every subject, trajectories included."""
    evaluation = SourceEvaluation(SOURCE, profile)
    began = bounds("year", profile.began_s)[0]
    evaluation.tally.start(began, began)
    numbers, readings, begun = count(), 0, time.perf_counter()
    for day in range(365):
        close = began + (day + 1) * 86400 - 1
        evaluation.tally.add(_steps(profile, evaluation, close - 3600, numbers))
        evaluation.tally.advance(close)
        judged = evaluation.judge(day, close, Occasion(True, True, day=True))
        readings += sum(len(frame.subjects) for frame in judged.frames)
    return readings / (time.perf_counter() - begun)


def why_ms(scale: str, asks: int) -> list[float]:
    """Milliseconds of each answer of a small running installation whose history is loaded."""
    # At speed 1 the present does not run away while the past is loaded.
    env = {"IOC_SCALE": scale, "IOC_SPEED": "1"}
    with (
        installation("demo", env, OPENS.timestamp()) as run,
        httpx2.Client(base_url=run.url, timeout=30, trust_env=False) as api,
    ):
        return list(_asked(api, _loaded(api, run), asks))


def _asked(api: httpx2.Client, readings: list[dict[str, object]], asks: int) -> Iterator[float]:
    stride = max(1, len(readings) // asks)
    for reading in islice(readings[::stride], asks):
        about = {k: str(reading[k]) for k in ("indicator", "subject", "period")}
        begun = time.perf_counter()
        answer = api.get("/api/v1/readings/why", params=about)
        took = (time.perf_counter() - begun) * 1000
        if answer.status_code != 200:
            raise RuntimeError(f"why {about}: {answer.status_code} {answer.text[:200]}")
        yield took


def _loaded(api: httpx2.Client, run: Installation) -> list[dict[str, object]]:
    """The readings of an installation, once every source has given its history."""
    until = time.monotonic() + LOADED_WITHIN_S
    while time.monotonic() < until:
        if run.process.poll() is not None:
            raise RuntimeError("the installation has ended; see its log above")
        try:
            sources = api.get("/api/v1/sources").json()["sources"]
            if sources and all(s["progress"] >= 1 for s in sources):
                found: list[dict[str, object]] = api.get("/api/v1/readings/latest").json()[
                    "readings"
                ]
                return found
        except (httpx2.HTTPError, KeyError, ValueError):
            pass  # it has not opened its door yet
        time.sleep(1)
    raise RuntimeError(f"history is not loaded after {LOADED_WITHIN_S:.0f} s")
