"""`ioc collector check`: the shipped collectors reach gold, two bad ones fail; scaffolding."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import build
from app.ingest.grade import Rule, grade_of, judge
from app.ingest.rehearsal import Heard, rehearse, staged
from app.ingest.scaffold import CannotScaffold, files_of, scaffold
from app.ingest.trials import LATER, NAMED, SPOILT
from app.profile import load_profile, profile_folder

ROOT = Path(__file__).parents[2]


def test_there_are_enough_faults():
    assert len({*(t.name for t in (*NAMED, *SPOILT)), *LATER}) >= 12


@pytest.mark.slow
@pytest.mark.parametrize("feed", ["public_service", "documents", "einvoice"])
def test_the_shipped_collectors_reach_gold(feed: str):
    done = CliRunner().invoke(build(), ["collector", "check", feed, "--least", "gold"])
    assert done.exit_code == 0, done.output
    assert re.search(rf"ioc: {feed}: gold \(\d+ rules, \d\d faults, [\d,]+ records", done.output)


async def _graded(name: str) -> tuple[str, dict[str, str], Heard]:
    module = importlib.import_module(f"tests.unit.bad_collectors.{name}")
    source = load_profile(profile_folder("laocai")).sources["einvoice"]
    async with staged(source, module.collect, ROOT) as stage:
        heard = await rehearse(stage)
    rules = judge(module, heard, "samples/replay.toml: no samples")
    return grade_of(rules), _missed(rules), heard


def _missed(rules: Iterable[Rule]) -> dict[str, str]:
    return {rule.says: rule.missed for rule in rules if rule.missed}


@pytest.mark.slow
async def test_a_collector_that_hides_every_trouble_fails():
    grade, missed, heard = await _graded("silent")
    assert grade == "none"
    assert heard.pages
    assert missed["an upstream that is away is FeedDown"].startswith("outage: page")
    assert (
        "garbage: page, expected FeedBroken or FeedDown"
        in (missed["what is not the format is refused, never a page"])
    )
    assert "loses nothing: as many records as were emitted" in missed
    assert "one bad record is set aside, the others are taken" in missed


@pytest.mark.slow
async def test_a_collector_that_blocks_and_raises_what_it_likes_fails():
    grade, missed, _ = await _graded("brittle")
    assert grade == "none"
    assert "fewer than ten words" in missed["says what it is: docstring, API_VERSION, EVERY"]
    assert "ValueError" in missed["raises nothing but FeedDown and FeedBroken"]
    assert "ValueError" in missed["reads the whole history by the feed's own cursor"]
    assert "auth-expired" in missed["logs in again when its session has expired"]
    assert "samples" in missed["samples replay, README and wire format are there"]
    assert re.search(r"kept for 0\.\d\d s", missed["leaves the event loop to others"])


def test_a_grade_needs_every_rule_below_it():
    rules = [Rule(grade, grade, "") for grade in ("bronze", "silver", "gold")]
    assert grade_of(rules) == "gold"
    assert grade_of([*rules, Rule("gold", "x", "why")]) == "silver"
    assert grade_of([*rules, Rule("silver", "x", "why")]) == "bronze"
    assert grade_of([*rules, Rule("bronze", "x", "why")]) == "none"


def test_a_source_that_is_not_there_is_said():
    done = CliRunner().invoke(build(), ["collector", "check", "police"])
    assert done.exit_code == 2
    assert "sources/police.toml is not in the profile laocai" in done.output


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "collectors").mkdir()
    (tmp_path / "app/profiles/laocai/sources").mkdir(parents=True)
    return tmp_path


def test_a_scaffold_is_whole_and_names_itself_everywhere(clone: Path):
    written = scaffold(clone, "land_registry", "Đăng ký đất đai", "laocai")
    assert written == list(files_of("land_registry", "laocai"))
    for path in written:
        text = (clone / path).read_text()
        assert "@" not in re.sub(r"@staticmethod|@property|@pytest", "", text), path
    assert "Đăng ký đất đai" in (clone / "docs/reference/feeds/land_registry.md").read_text()


@pytest.mark.parametrize("name", ["Land", "land-registry", "1land", "land__registry", "", "a b"])
def test_a_name_that_is_no_package_is_refused(clone: Path, name: str):
    with pytest.raises(CannotScaffold, match="expected small letters"):
        scaffold(clone, name, "", "laocai")


def test_nothing_is_written_over(clone: Path):
    scaffold(clone, "land", "", "laocai")
    (clone / "collectors/land/collector.py").write_text("mine")
    with pytest.raises(CannotScaffold, match="is there already"):
        scaffold(clone, "land", "", "laocai")
    assert (clone / "collectors/land/collector.py").read_text() == "mine"
    with pytest.raises(CannotScaffold, match="run this in a clone"):
        scaffold(clone / "collectors", "sea", "", "laocai")
