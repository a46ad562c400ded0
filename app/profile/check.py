"""Checks a whole profile: every file, every example, every sample; all mistakes, not the first."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from app.domain.indicator import Indicator
from app.domain.profile import Profile
from app.domain.source import SourceConfig
from app.profile import keys
from app.profile.check_composites import Periods, check_composite, check_goals
from app.profile.check_indicator import Known, check_indicator
from app.profile.check_sources import check_rules, check_scene, check_source
from app.profile.check_tables import check_tables
from app.profile.document import Document
from app.profile.example import Example, Figure
from app.profile.finding import Finding
from app.profile.lines import Place
from app.profile.load import ProfileError, load_profile

Prove = Callable[[Profile, Indicator, Example], Figure]
# Replays the samples of a source's collector: how many there were, and what is wrong with them.
Replay = Callable[[SourceConfig, Path], tuple[int, list[Finding]]]


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at, and what is wrong."""

    findings: tuple[Finding, ...]
    indicators: int
    examples: int
    sources: int
    samples: int


def check_profile(folder: Path, prove: Prove, replay: Replay) -> Checked:
    """Everything a folder says; ``prove`` and ``replay`` are joined in by who calls."""
    if not (folder / "profile.toml").is_file():
        missing = Finding(
            folder / "profile.toml", 1, "no such file", "a profile's folder with profile.toml",
            "name a folder of app/profiles, or a path, as the setting profile",
        )  # fmt: skip
        return Checked((missing,), 0, 0, 0, 0)
    subjects, findings = check_tables(folder)
    if findings:
        # Everything names the codes of the tables: with these wrong, the rest would be noise.
        return Checked(tuple(sorted(findings)), 0, 0, 0, 0)
    head = Document(folder / "profile.toml")
    if head.told:
        head.check((), keys.PROFILE, open_ended=True)
    rules, scene = Document(folder / "rules.toml"), Document(folder / "scene.toml")
    areas = Document(folder / "areas.toml")
    check_rules(rules)
    sources = [Document(p) for p in sorted((folder / "sources").glob("*.toml"))]
    definitions = [Document(p) for p in sorted((folder / "indicators").glob("*.toml"))]
    good = [doc for doc in sources if check_source(doc)]
    known = Known(subjects, {doc.path.stem for doc in sources}, _groups(scene))
    examples = [(doc, check_indicator(doc, known)) for doc in definitions]
    periods = {d.path.stem: d.told.get("periods", ()) for d in definitions}
    if definitions:
        check_scene(scene, subjects, periods)
    scores, proved = _scores(folder, periods, subjects) if definitions else ([], 0)
    if (folder / "legal.toml").is_file():
        scores.append(words := Document(folder / "legal.toml"))
        for place in words.tables("word"):
            words.check(place, keys.LEGAL_WORD)
    for name, documents in (("sources", sources), ("indicators", definitions)):
        if not documents:
            found, what = f"{name}/ has no file", f"at least one {name}/<id>.toml"
            findings.append(Finding(folder / name, 1, found, what, "put the files there"))
    for doc in (head, rules, scene, areas, *sources, *definitions, *scores):
        findings += doc.findings
    ran = samples = 0
    if not findings:
        ran, samples, more = _run(folder, examples, good, prove, replay)
        findings += more
    return Checked(tuple(sorted(findings)), len(definitions), ran + proved, len(sources), samples)


def _scores(
    folder: Path, periods: Periods, subjects: Collection[str]
) -> tuple[list[Document], int]:
    """Composites and goals, and how many examples were proved; they name indicators."""
    scores = [Document(p) for p in sorted((folder / "composites").glob("*.toml"))]
    proved = sum(check_composite(doc, periods) for doc in scores)
    if (folder / "targets.toml").is_file():
        scores.append(goals := Document(folder / "targets.toml"))
        proved += check_goals(goals, periods, subjects)
    return scores, proved


def _groups(scene: Document) -> set[str]:
    """The rows of the wall; none where one is named twice, which has a finding of its own."""
    told = scene.told.get("group")
    ids = [str(g.get("id")) for g in told if isinstance(g, dict)] if isinstance(told, list) else []
    return set(ids) if len(ids) == len(set(ids)) else set()


def _run(
    folder: Path,
    examples: list[tuple[Document, list[tuple[Place, Example]]]],
    sources: list[Document],
    prove: Prove,
    replay: Replay,
) -> tuple[int, int, list[Finding]]:
    """Examples and samples of a profile whose files are right by themselves."""
    try:
        profile = load_profile(folder)
    except Exception as wrong:  # whatever no rule above thought of is a mistake of a file
        return 0, 0, [_unloaded(folder, wrong)]
    ran = 0
    for doc, places in examples:
        indicator = profile.indicators[doc.told["id"]]
        for place, example in places:
            ran += 1
            try:
                figure = prove(profile, indicator, example)
            except (ArithmeticError, ValueError, LookupError) as error:
                found = f"the example {example.says!r} cannot be reckoned: {error}"
                doc.wrong(place, found, "records that give a figure", "correct the records")
            else:
                _prove(doc, place, example, figure)
    findings = [finding for doc, _ in examples for finding in doc.findings]
    samples = 0
    for doc in sources:
        number, wrong_ones = replay(profile.sources[doc.told["id"]], doc.path)
        samples += number
        findings += wrong_ones
    return ran, samples, findings


def _unloaded(folder: Path, wrong: Exception) -> Finding:
    """What the loader says, with the file it names."""
    said = str(wrong) if isinstance(wrong, ProfileError) else f"{type(wrong).__name__}: {wrong}"
    named = re.match(r"(?:(?P<whole>/[^:]+\.(?:toml|csv))|.*?: (?P<name>\w+\.csv)): ", said)
    file = folder / "profile.toml"
    if named:
        file = Path(named["whole"]) if named["whole"] else folder / named["name"]
        said = said[named.end() :]
    return Finding(file, 1, said, "a profile that loads", "correct what it names")


def _prove(doc: Document, place: Place, example: Example, figure: Figure) -> None:
    for difference in example.differences(figure):
        doc.wrong(
            place, f"the example {example.says!r} gives {difference}",
            "the figure the records give by the measure above",
            "correct the measure, or the example if the rule has changed",
        )  # fmt: skip
