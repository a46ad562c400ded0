"""Checks the way of a target that is reached by a deadline."""

from __future__ import annotations

from datetime import date

from app.domain.trajectory import PERIODS
from app.profile.document import Document
from app.profile.lines import Place


def check_way(doc: Document, place: Place) -> None:
    """Note what is wrong with the way of the target at a place, whose keys are right."""
    told = doc.at(place)
    kind = told["kind"]
    if not told["deadline"]:
        doc.wrong(
            (*place, "deadline"), f"kind = {kind!r} without a deadline",
            'deadline = "2022-12-31"', "say by when, or take the kind out",
        )  # fmt: skip
        return
    if not PERIODS.intersection(doc.told.get("periods", ())):
        doc.wrong(
            (*place, "kind"), f"kind = {kind!r} of periods {doc.told.get('periods')!r}",
            f"one of {', '.join(sorted(PERIODS))} among the periods",
            "a month begins anew: take the kind out, or judge the indicator by year",
        )  # fmt: skip
    if told.get("baseline", 0.0) == told["value"]:
        doc.wrong(
            (*place, "value"), f"value and baseline are both {told['value']}",
            "a way from one to another", 'lower the baseline, or write kind = "maintain"',
        )  # fmt: skip
    _direction(doc, place)
    begins = told.get("begins") or f"{told['deadline'][:4]}-01-01"
    if begins >= told["deadline"]:
        doc.wrong(
            (*place, "begins"), f"begins {begins}, deadline {told['deadline']}",
            "the deadline after the begin", "correct one of the two",
        )  # fmt: skip
    _milestones(doc, place, begins)


def _direction(doc: Document, place: Place) -> None:
    """A goal that is worse than where the way begins would be met by doing nothing."""
    told, better = doc.at(place), doc.told.get("better")
    base, value = told.get("baseline", 0.0), told["value"]
    if (better == "up" and value < base) or (better == "down" and value > base):
        side, other = ("below", "above") if better == "up" else ("above", "below")
        doc.wrong(
            (*place, "value"),
            f"value = {value} {side} its baseline {base}, where better = {better!r}",
            f"a value {other} {base}: the way leads to the better side",
            "correct the value, the baseline, or better",
        )  # fmt: skip


def _milestones(doc: Document, place: Place, begins: str) -> None:
    told = doc.at(place)
    marks = told.get("milestones", [])
    if bool(marks) != (told.get("shape") == "milestones" or told["kind"] == "milestone"):
        doc.wrong(
            place, f"{len(marks)} milestones with shape {told.get('shape', 'linear')!r}",
            'milestones = [["2022-06-30", 0.4]] and shape = "milestones", or neither',
            "add what is missing",
        )  # fmt: skip
    before = (begins, told.get("baseline", 0.0))
    for number, mark in enumerate(marks):
        where = (*place, "milestones", number)
        if not _is_mark(mark):
            doc.wrong(where, f"milestone {mark!r}", '["2022-06-30", 0.4]', "write it like that")
            return
        up = told["value"] >= told.get("baseline", 0.0)
        rises = mark[1] >= before[1] if up else mark[1] <= before[1]
        if mark[0] <= before[0] or mark[0] > told["deadline"] or not rises:
            doc.wrong(
                where, f"milestone {mark!r} after {list(before)!r}",
                "later than the one before, by the deadline, and nearer to the target",
                "correct the date or the value",
            )  # fmt: skip
            return
        before = (mark[0], mark[1])


def _is_mark(mark: object) -> bool:
    if not isinstance(mark, list) or len(mark) != 2 or not isinstance(mark[0], str):
        return False
    try:
        date.fromisoformat(mark[0])
    except ValueError:
        return False
    return isinstance(mark[1], int | float)
