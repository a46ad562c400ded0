"""Checks composites and goals: keys, weights, names, and the examples inside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from app.domain.composite import HUNDREDTHS, Composed, compose, problems
from app.domain.goal import Goal
from app.profile import keys
from app.profile.composites import composite, goal, inputs
from app.profile.document import Document
from app.profile.lines import Place

Periods = Mapping[str, Collection[str]]


def check_composite(doc: Document, indicators: Periods) -> int:
    """Note what is wrong; returns how many examples ran."""
    if not doc.told:
        return 0
    good = doc.check((), keys.COMPOSITE)
    for group in doc.tables("group"):
        good = doc.check(group, keys.COMPOSITE_GROUP) and good
        parts = doc.at((*group, "part"))
        for number in range(len(parts) if isinstance(parts, list) else 0):
            good = _part(doc, (*group, "part", number), indicators) and good
    for place in doc.tables("published"):
        good = doc.check(place, keys.PUBLISHED) and good
    for place in doc.tables("example"):
        good = doc.check(place, keys.COMPOSITE_EXAMPLE) and good
    if not good:
        return 0
    definition = composite(doc.told)
    for problem in problems(definition):
        doc.wrong((), problem, "weights that add up", "correct a weight")
        return 0  # the examples would only repeat it
    ran = 0
    for place in doc.tables("example"):
        told = doc.at(place)
        _compare(doc, place, told, compose(definition, inputs(told)))
        ran += 1
    if not ran:
        doc.wrong((), "no [[example]]", "at least one", "add one: every definition proves itself")
    return ran


def check_goals(doc: Document, indicators: Periods, subjects: Collection[str]) -> int:
    """Note what is wrong; returns how many examples ran."""
    ran = 0
    seen: set[str] = set()
    for place in doc.tables("target"):
        if not doc.check(place, keys.GOAL):
            continue
        told = doc.at(place)
        if not _parts(doc, place):
            continue
        if told["id"] in seen:
            doc.wrong((*place, "id"), f"id {told['id']!r} twice", "each once", "correct one")
        seen.add(told["id"])
        if name := told.get("indicator"):
            _named(doc, place, name, told["period"], indicators)
            if told.get("subject") not in subjects:
                doc.wrong(
                    place, f"subject {told.get('subject')!r}", "a subject of the tables",
                    "name whose figure it is",
                )  # fmt: skip
        ran += _judged(doc, place, goal(told))
    return ran


def _parts(doc: Document, place: Place) -> bool:
    """Whether its labels follow each other by date, and its examples can be run."""
    good, before = True, ""
    for number, label in enumerate(doc.at((*place, "labels"))):
        at = (*place, "labels", number)
        good = doc.check(at, keys.GOAL_LABEL) and good
        if good and label["from"] <= before:
            good = False
            doc.wrong(
                at, f"from {label['from']} after {before}", "labels in the order of their days",
                "put them in order",
            )  # fmt: skip
        before = label["from"] if good else before
    for number in range(len(doc.at((*place, "examples")))):
        good = doc.check((*place, "examples", number), keys.GOAL_EXAMPLE) and good
    return good


def _judged(doc: Document, place: Place, told: Goal) -> int:
    examples = doc.at((*place, "examples"))
    for example in examples:
        state = told.met(example.get("value"))
        if state != example["state"]:
            doc.wrong(
                (*place, "examples"), f"the example {example!r} gives {state!r}",
                "the state the value gives", "correct the target, or the example",
            )  # fmt: skip
    return len(examples)


def _part(doc: Document, place: Place, indicators: Periods) -> bool:
    if not doc.check(place, keys.COMPOSITE_PART):
        return False
    told = doc.at(place)
    name = told.get("indicator", "")
    return not name or _named(doc, place, name, told.get("period", ""), indicators)


def _named(doc: Document, place: Place, name: str, period: str, indicators: Periods) -> bool:
    if name in indicators and (period in indicators[name] or not indicators[name]):
        return True  # a definition that cannot be read has its own finding
    doc.wrong(
        (*place, "indicator"), f"indicator {name!r} by {period!r}",
        "an indicator of the profile and one of its periods", "correct the name or the period",
    )  # fmt: skip
    return False


def _compare(doc: Document, place: Place, told: Mapping[str, object], got: Composed) -> None:
    points = None if got.points is None else got.points / HUNDREDTHS
    figures: dict[str, object] = {"points": points, "covered": float(got.covered)}
    for name, figure in figures.items():
        if name in told and told[name] != figure:
            doc.wrong(
                place, f"the example {told['says']!r} gives {name} {figure!r}",
                f"{name} {told[name]!r}", "correct the weights, or the example",
            )  # fmt: skip
