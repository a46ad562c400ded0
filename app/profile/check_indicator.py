"""Checks one indicator: its keys, what they say about each other, and its examples."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from app.domain.trajectory import COURSES
from app.profile import keys
from app.profile.check_way import check_way
from app.profile.document import Document
from app.profile.example import Example, read_example
from app.profile.lines import Place
from app.profile.load import MAX_WALL_LABEL


@dataclass(frozen=True, slots=True)
class Known:
    """What the rest of the profile has, for what an indicator may name."""

    subjects: Collection[str]
    sources: Collection[str]
    groups: Collection[str]


def check_indicator(doc: Document, known: Known) -> list[tuple[Place, Example]]:
    """Note what is wrong; returns the examples that can be run, with their places."""
    if not doc.told:
        return []
    whole = doc.check((), keys.INDICATOR)
    if doc.check(("measure",), keys.MEASURE):
        _measure(doc)
    targets = [p for p in doc.tables("target") if doc.check(p, keys.TARGET)]
    for place in targets:
        _target(doc, place, known)
    if "alert" in doc.told and doc.check(("alert",), keys.ALERT):
        _alert(doc, known, targets, sure=len(targets) == len(doc.told.get("target", ())))
    wordings = [p for p in doc.tables("wording") if doc.check(p, keys.WORDING)]
    if whole:
        _names(doc, known)
        for place in ((), *wordings):
            _labels(doc, place)
    return _examples(doc, known)


def _names(doc: Document, known: Known) -> None:
    told = doc.told
    if told["id"] != doc.path.stem:
        doc.wrong(
            ("id",), f"id = {told['id']!r}", f"the name of the file, {doc.path.stem!r}",
            f"rename the file to {told['id']}.toml, or correct the id",
        )  # fmt: skip
    for name, there, where in (
        ("source", known.sources, "sources/<id>.toml"),
        ("group", known.groups, "an id of a [[group]] in scene.toml"),
    ):
        if there and told[name] not in there:  # none at all: that has its own finding
            doc.wrong(
                (name,), f"{name} = {told[name]!r}", f"{where}: {', '.join(sorted(there))}",
                "correct the name, or add the file or group it names",
            )  # fmt: skip


def _labels(doc: Document, place: Place) -> None:
    told = doc.at(place)
    for name in ("label_wall_vi", "label_wall_en"):
        if len(told[name]) > MAX_WALL_LABEL:
            doc.wrong(
                (*place, name), f"{name} has {len(told[name])} characters",
                f"at most {MAX_WALL_LABEL}: a tile is no wider", "shorten it",
            )  # fmt: skip


def _measure(doc: Document) -> None:
    told = doc.told["measure"]
    kind, rule = told["kind"], told["rule"]
    if (kind == "quantile") != (rule in ("elapsed", "handling")):
        doc.wrong(
            ("measure", "kind"), f"kind {kind!r} with rule {rule!r}",
            'kind "quantile" and rule "elapsed" or "handling" go together',
            "change one of the two",
        )  # fmt: skip
    if rule == "elapsed" and not (told.get("start") and told.get("end")):
        doc.wrong(
            ("measure",), "elapsed without start and end", 'start = "01" and end = "03"',
            "name the two status codes between which time is counted",
        )  # fmt: skip
    if rule == "handling":
        _unit(doc)
    if rule == "counted" and told.get("start") not in {"received", "done"}:
        doc.wrong(
            ("measure",), f"counted with start {told.get('start')!r}", "received or done",
            "say which instant decides the period a record counts in",
        )  # fmt: skip
    if rule == "amount" and not told.get("num"):
        doc.wrong(
            ("measure",), "amount without num", 'num = ["<amount>"]', "name the amounts to sum"
        )
    if (kind == "stock" or rule == "stock") and doc.told.get("periods") != ["now"]:
        doc.wrong(
            ("periods",), f"periods = {doc.told.get('periods')!r} of a stock", '["now"]',
            'a stock is what there is at an instant: write periods = ["now"]',
        )  # fmt: skip


def _unit(doc: Document) -> None:
    """Handling time is shown in the unit it is counted in."""
    start, unit = doc.told["measure"].get("start", ""), doc.told.get("unit")
    if unit != {"working_hours": "working_hours", "days": "days"}.get(start, "working_days"):
        doc.wrong(
            ("unit",), f"unit = {unit!r} of handling by {start!r}",
            'unit "working_hours" with start = "working_hours", "days" with "days", '
            '"working_days" without start',
            "change one of the two",
        )  # fmt: skip


def _target(doc: Document, place: Place, known: Known) -> None:
    told = doc.at(place)
    if doc.told.get("unit") == "percent" and told["value"] > 1:
        doc.wrong(
            (*place, "value"), f"value = {told['value']} of an indicator in percent",
            "a fraction from 0 to 1", f"write {told['value'] / 100:g} for {told['value']:g} %",
        )  # fmt: skip
    if told["near"] >= told["critical"]:
        doc.wrong(
            (*place, "near"), f"near = {told['near']} and critical = {told['critical']}",
            "near below critical: both are distances from the target",
            "lower near, or raise critical",
        )  # fmt: skip
    if not told["subjects"] and not told["levels"]:
        doc.wrong(
            place, "a target for nobody", 'subjects = ["area:10"] or levels = ["district"]',
            "say whom it binds",
        )  # fmt: skip
    _subjects(doc, (*place, "subjects"), known)
    bound = {s for p in doc.tables("target") if p < place for s in doc.at((*p, "subjects")) or ()}
    for subject in bound & set(told["subjects"]):
        doc.wrong(
            (*place, "subjects"), f"{subject} has two targets", "one target a subject",
            "take it out of one of the two",
        )  # fmt: skip
    if told.get("kind", "instant") in COURSES:
        check_way(doc, place)


def _alert(doc: Document, known: Known, targets: list[Place], *, sure: bool) -> None:
    told = doc.told["alert"]
    _subjects(doc, ("alert", "subjects"), known)
    if told["period"] not in doc.told.get("periods", ()):
        doc.wrong(
            ("alert", "period"), f"period = {told['period']!r}",
            f"one of the indicator's own: {doc.told.get('periods')}", "choose one it is judged by",
        )  # fmt: skip
    aimed = {s for p in targets for s in doc.at((*p, "subjects"))}
    levels = {level for p in targets for level in doc.at((*p, "levels"))}
    for subject in told["subjects"]:
        if sure and subject in known.subjects and subject not in aimed and not levels:
            doc.wrong(
                ("alert", "subjects"), f"{subject} is watched but has no target",
                "a subject that a [[target]] names", "add it to a target, or take it out here",
            )  # fmt: skip


def _subjects(doc: Document, place: Place, known: Known) -> None:
    for subject in doc.at(place):
        if subject not in known.subjects:
            doc.wrong(
                place, f"subject {subject!r} is not in the profile's CSV files",
                "kind:code, such as area:10, agency:H38.12, tier:commune",
                "correct the code, or add it to the CSV file",
            )  # fmt: skip


def _examples(doc: Document, known: Known) -> list[tuple[Place, Example]]:
    if not doc.told.get("example"):
        doc.wrong(
            (), "no example", "at least one [[example]]: records and the figure they give",
            "add one; any indicator beside this one shows how",
        )  # fmt: skip
    found = []
    for place in doc.tables("example"):
        if doc.check(place, keys.EXAMPLE) and _example(doc, place, known):
            try:
                example = read_example(doc.at(place), doc.at(("measure", "records")) or "")
            except ValueError as wrong:
                doc.wrong(place, str(wrong), "an example that can be read", "correct it")
            else:
                found.append((place, example))
    return found


def _example(doc: Document, place: Place, known: Known) -> bool:
    """Whether what the example names is there, so that it can be run."""
    before = len(doc.findings)
    told = doc.at(place)
    for number in range(len(told["records"])):
        doc.check((*place, "records", number), keys.RECORD)
    if not {"num", "den", "value", "state"} & set(told):
        doc.wrong(place, "an example without a figure", "num, den, value or state", "state one")
    if told["subject"] not in known.subjects:
        doc.wrong(
            (*place, "subject"), f"subject {told['subject']!r} is not in the profile",
            "kind:code, such as area:10", "correct the code",
        )  # fmt: skip
    if told["period"] not in doc.told.get("periods", ()):
        doc.wrong(
            (*place, "period"), f"period = {told['period']!r}",
            f"one of the indicator's own: {doc.told.get('periods')}", "choose one of them",
        )  # fmt: skip
    return len(doc.findings) == before
