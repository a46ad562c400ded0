"""Dossiers worked out on paper at the edges: Tết, swapped Saturdays, year ends, waits, returns."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from app.domain.on_time import Rules, phases
from app.domain.record import Event, Record, RecordUpdate, Version, merge
from app.profile import load_profile, profile_folder

RULES = load_profile(profile_folder("laocai")).rules()
ALWAYS = replace(RULES, always_late=True)
FEE = replace(RULES, fee_wait_stops_clock=True)
ZONE = timezone(timedelta(hours=7))

# What it shows: received, due or +most working days, looked at; what it is; events; switches.
# A year stands before days that are not of 2022.
CASES: list[tuple[str, str, str, str, Rules]] = [
    (
        "tet max1 on last day",
        "01-28T09:00 | +1 | 02-28T00:00",
        "on time, ended",
        "01-28T09:00 2; 02-07T23:59:59 9",
        RULES,
    ),
    (
        "tet max1 one day too late",
        "01-28T09:00 | +1 | 02-28T00:00",
        "late, ended",
        "01-28T09:00 2; 02-08T00:00 9",
        RULES,
    ),
    (
        "tet max1 closed on tet day",
        "01-28T09:00 | +1 | 02-28T00:00",
        "on time, ended",
        "01-28T09:00 2; 02-03T10:00 9",
        RULES,
    ),
    (
        "max0 same day",
        "03-07T09:00 | +0 | 03-31T00:00",
        "on time, ended",
        "03-07T09:00 2; 03-07T16:00 9",
        RULES,
    ),
    (
        "max0 weekend after fri",
        "03-04T09:00 | +0 | 03-31T00:00",
        "on time, ended",
        "03-04T09:00 2; 03-06T16:00 9",
        RULES,
    ),
    (
        "max0 monday late",
        "03-04T09:00 | +0 | 03-31T00:00",
        "late, ended",
        "03-04T09:00 2; 03-07T00:00 9",
        RULES,
    ),
    (
        "received on saturday counts from monday",
        "03-05T09:00 | +1 | 03-31T00:00",
        "on time, ended",
        "03-05T09:00 2; 03-07T23:59:59 9",
        RULES,
    ),
    (
        "worked saturday 2024-05-04 counts",
        "2024-05-03T09:00 | +1 | 2024-05-31T00:00",
        "on time, ended",
        "2024-05-03T09:00 2; 2024-05-05T09:00 9",
        RULES,
    ),
    (
        "worked saturday used up",
        "2024-05-03T09:00 | +1 | 2024-05-31T00:00",
        "late, ended",
        "2024-05-03T09:00 2; 2024-05-06T00:00 9",
        RULES,
    ),
    (
        "open within max on holidays",
        "04-29T09:00 | +1 | 05-04T23:59:59",
        "on time, open",
        "04-29T09:00 2",
        RULES,
    ),
    (
        "open after max",
        "04-29T09:00 | +1 | 05-05T00:00",
        "late, open",
        "04-29T09:00 2",
        RULES,
    ),
    (
        "due midnight exact",
        "10-03T08:00 | 10-05T00:00 | 10-31T00:00",
        "on time, ended",
        "10-03T08:00 2; 10-05T00:00 9",
        RULES,
    ),
    (
        "due midnight +1",
        "10-03T08:00 | 10-05T00:00 | 10-31T00:00",
        "late, ended",
        "10-03T08:00 2; 10-05T00:00:01 9",
        RULES,
    ),
    (
        "waiting one request asked before due, never answered, now past due",
        "10-03T08:00 | 10-05T17:00 | 11-05T00:00",
        "on time, open",
        "10-03T08:00 2; 10-04T08:00 5",
        RULES,
    ),
    (
        "waiting asked after due",
        "10-03T08:00 | 10-05T17:00 | 11-05T00:00",
        "late, open",
        "10-03T08:00 2; 10-06T08:00 5",
        RULES,
    ),
    (
        "never completed then 9 after due: nothing subtracted",
        "10-03T08:00 | 10-05T17:00 | 11-05T00:00",
        "late, ended",
        "10-03T08:00 2; 10-04T08:00 5; 10-06T08:00 9",
        RULES,
    ),
    (
        "completed wait subtracted to the second",
        "10-03T08:00 | 10-05T17:00 | 11-05T00:00",
        "on time, ended",
        "10-03T08:00 2; 10-04T08:00 5; 10-05T08:00 4; 10-06T17:00 9",
        RULES,
    ),
    (
        "completed wait +1s",
        "10-03T08:00 | 10-05T17:00 | 11-05T00:00",
        "late, ended",
        "10-03T08:00 2; 10-04T08:00 5; 10-05T08:00 4; 10-06T17:00:01 9",
        RULES,
    ),
    (
        "status 6 does not complete",
        "10-03T08:00 | 10-05T17:00 | 11-05T00:00",
        "late, ended",
        "10-03T08:00 2; 10-04T08:00 5; 10-04T09:00 6; 10-06T08:00 9",
        RULES,
    ),
    (
        "two requests, open, within due: late (sheet)",
        "10-03T08:00 | 10-20T17:00 | 10-04T00:00",
        "late, open",
        "10-03T08:00 2; 10-03T09:00 5; 10-03T10:00 4; 10-03T11:00 5; 10-03T12:00 4",
        RULES,
    ),
    (
        "two requests with 9 on time",
        "10-03T08:00 | 10-20T17:00 | 10-31T00:00",
        "on time, ended",
        "10-03T08:00 2; 10-03T09:00 5; 10-03T10:00 4; 10-03T11:00 5; 10-03T12:00 4; 10-05T09:00 9",
        RULES,
    ),
    (
        "two requests with 9, switch always",
        "10-03T08:00 | 10-20T17:00 | 10-31T00:00",
        "late, ended",
        "10-03T08:00 2; 10-03T09:00 5; 10-03T10:00 4; 10-03T11:00 5; 10-03T12:00 4; 10-05T09:00 9",
        ALWAYS,
    ),
    (
        "two requests with 8 only: late",
        "10-03T08:00 | 10-20T17:00 | 10-31T00:00",
        "late, ended",
        "10-03T08:00 2; 10-03T09:00 5; 10-03T10:00 4; 10-03T11:00 5; 10-03T12:00 4; 10-05T09:00 8",
        RULES,
    ),
    (
        "9 then 4: undone, open, past due",
        "10-03T08:00 | 10-05T17:00 | 10-06T00:00",
        "late, open",
        "10-03T08:00 2; 10-04T08:00 9; 10-04T09:00 4",
        RULES,
    ),
    (
        "9,4,9 last counts",
        "10-03T08:00 | 10-05T17:00 | 10-31T00:00",
        "late, ended",
        "10-03T08:00 2; 10-04T08:00 9; 10-04T09:00 4; 10-07T09:00 9",
        RULES,
    ),
    (
        "same second 9 and 4: end wins",
        "10-03T08:00 | 10-05T17:00 | 10-31T00:00",
        "on time, ended",
        "10-03T08:00 2; 10-04T08:00 9; 10-04T08:00 4",
        RULES,
    ),
    (
        "9 last before 10: end is 9",
        "10-03T08:00 | 10-05T17:00 | 10-31T00:00",
        "on time, ended",
        "10-03T08:00 2; 10-05T16:00 9; 10-09T09:00 10",
        RULES,
    ),
    (
        "10 alone late",
        "10-03T08:00 | 10-05T17:00 | 10-31T00:00",
        "late, ended",
        "10-03T08:00 2; 10-09T09:00 10",
        RULES,
    ),
    (
        "refused at door",
        "- | 10-05T17:00 | 10-31T00:00",
        "none",
        "10-03T08:00 1; 10-04T08:00 3",
        RULES,
    ),
    (
        "no due no max",
        "10-03T08:00 | - | 10-31T00:00",
        "unjudged, open",
        "10-03T08:00 2",
        RULES,
    ),
    (
        "withdrawn 7 before accepted is no end",
        "- | 10-05T17:00 | 10-04T00:00",
        "on time, open",
        "10-02T08:00 7; 10-03T08:00 2",
        RULES,
    ),
    (
        "8 then 9: end is 9",
        "10-03T08:00 | 10-05T17:00 | 10-31T00:00",
        "late, ended",
        "10-03T08:00 2; 10-04T08:00 8; 10-07T08:00 9",
        RULES,
    ),
    (
        "max minus waits: wait of 2 days gives back",
        "10-03T08:00 | +2 | 10-31T00:00",
        "on time, ended",
        "10-03T08:00 2; 10-04T08:00 5; 10-06T08:00 4; 10-07T23:00 9",
        RULES,
    ),
    (
        "year edge: due 31/12 23:59:59",
        "12-28T08:00 | 12-31T23:59:59 | 12-31T23:59:59",
        "on time, open",
        "12-28T08:00 2",
        RULES,
    ),
    (
        "year edge: late 1 s after new year",
        "12-28T08:00 | 12-31T23:59:59 | 2023-01-01T00:00",
        "late, open",
        "12-28T08:00 2",
        RULES,
    ),
    (
        "a fee stops the clock by its switch",
        "10-03T08:00 | 10-05T17:00 | 10-31T00:00",
        "on time, ended",
        "10-03T08:00 2; 10-04T08:00 6; 10-05T08:00 4; 10-06T17:00 9",
        FEE,
    ),
    (
        "a fee does not stop it by default",
        "10-03T08:00 | 10-05T17:00 | 10-31T00:00",
        "late, ended",
        "10-03T08:00 2; 10-04T08:00 6; 10-05T08:00 4; 10-06T17:00 9",
        RULES,
    ),
]


def at(told: str) -> int:
    whole = told if told[:2] == "20" else f"2022-{told}"
    return int(datetime.fromisoformat(whole).replace(tzinfo=ZONE).timestamp())


def dossier(received: str, due: str, events: str) -> Record:
    version = Version(
        1,
        None if received == "-" else at(received),
        None if due[0] in "+-" else at(due),
        int(due) if due[0] == "+" else None,
        frozenset(),
    )
    told = tuple(Event(at(e.split()[0]), e.split()[1]) for e in events.split("; "))
    return merge(None, RecordUpdate("dossier", "x", "H38.5", "LV01", version, told))


NAMES = ("name", "days", "says", "events", "rules")


@pytest.mark.parametrize(NAMES, CASES, ids=[c[0] for c in CASES])
def test_worked_on_paper(name: str, days: str, says: str, events: str, rules: Rules) -> None:
    received, due, when = days.split(" | ")
    held = [p for p in phases(dossier(received, due, events), rules) if p.from_s <= at(when)]
    if says == "none":
        assert held == []
        return
    word = {True: "late", False: "on time", None: "unjudged"}[held[-1].late]
    assert f"{word}, {'ended' if held[-1].end_s is not None else 'open'}" == says, name


def test_no_order_of_arrival_changes_a_life() -> None:
    rng, begin = random.Random(99), at("10-03T00:00")
    for _ in range(500):
        events = [
            Event(begin + rng.randrange(20 * 86400), rng.choice("23456789"))
            for _ in range(rng.randrange(1, 7))
        ]
        versions = [
            Version(n, begin + rng.randrange(86400), begin + rng.randrange(9 * 86400), None,
                    frozenset())
            for n in range(rng.randrange(1, 4))
        ]  # fmt: skip
        updates = [RecordUpdate("dossier", "x", "H38.5", "", None, (e,)) for e in events]
        updates += [RecordUpdate("dossier", "x", "H38.5", "", v, ()) for v in versions]
        lives = []
        for _ in range(3):
            rng.shuffle(updates)
            record: Record | None = None
            for update in updates:
                record = merge(record, update)
            assert record is not None
            lives.append(phases(record, RULES))
        assert lives[0] == lives[1] == lives[2]
