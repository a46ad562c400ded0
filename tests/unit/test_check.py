"""`ioc check`: each kind of mistake is found, in its file and line, with what to do next."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import build
from app.cli.check import check
from app.profile.lines import Lines

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "app/profiles/laocai"
ON_TIME = "indicators/ps.on_time.toml"
MEDIAN = "indicators/doc.register_median.toml"
SOURCE = "sources/einvoice.toml"
FILES = "indicators/doc.work_files_online.toml"


@dataclass(frozen=True, slots=True)
class Mistake:
    """Replace ``old`` by ``new`` in ``file``; the finding stands on the line of ``at``."""

    name: str
    file: str
    old: str
    new: str
    says: str
    at: str | None = None  # text on the line found; default: the first line of ``new``


MISTAKES = (
    Mistake("weights that do not add up", "composites/dvc766.toml", "weight = 18", "weight = 17",
            "18 of 17|weigh 99", "# Bộ chỉ số 766"),
    Mistake("a part of no indicator", "composites/dvc766.toml", 'indicator = "ps.on_time"',
            'indicator = "ps.in_time"', "an indicator of the profile"),
    Mistake("an example that does not come true", "composites/dvc766.toml", "points = 95.24",
            "points = 95.25", "gives points 95.24", "[[example]]"),
    Mistake("a goal whose example is wrong", "targets.toml", 'value = 0.49, state = "lagging"',
            'value = 0.5, state = "lagging"', "gives 'met'"),
    Mistake("not TOML", ON_TIME, 'unit = "percent"', "unit = percent", "not TOML"),
    Mistake("key missing", ON_TIME, 'unit = "percent"\n', "", "the key 'unit' is missing", "id ="),
    Mistake("key misspelt", ON_TIME, "decimals = 1", "decimal = 1", "unknown key 'decimal'.*"
            "did you mean 'decimals'"),
    Mistake("wrong kind of value", ON_TIME, "decimals = 1", 'decimals = "1"', "a whole number"),
    Mistake("empty text", ON_TIME, 'title_en = "Dossiers handled on time"', 'title_en = ""',
            "a text that says something"),
    Mistake("unknown unit", ON_TIME, 'unit = "percent"', 'unit = "percents"',
            "did you mean 'percent'"),
    Mistake("unknown period", ON_TIME, '["month", "year"]', '["month", "decade"]', "'decade'"),
    Mistake("unknown level", ON_TIME, '"agency", "sector"]\nlegal', '"agenci", "sector"]\nlegal',
            "'agenci'.*did you mean 'agency'", "levels ="),
    Mistake("unknown rule", ON_TIME, 'rule = "on_time_766"', 'rule = "on_time_767"',
            "did you mean 'on_time_766'"),
    Mistake("id is not the file's name", ON_TIME, 'id = "ps.on_time"', 'id = "ps.ontime"',
            "the name of the file"),
    Mistake("source that is not there", ON_TIME, 'source = "public_service"', 'source = "police"',
            r"sources/<id>\.toml"),
    Mistake("group that is not there", ON_TIME, 'group = "ps"', 'group = "pz"', "scene.toml"),
    Mistake("label too long", ON_TIME, 'label_wall_en = "Dossiers on time"',
            'label_wall_en = "Dossiers that were handled on time"', "at most 28.*shorten"),
    Mistake("way without a deadline", FILES, 'deadline = "2022-12-31"', 'deadline = ""',
            "say by when"),
    Mistake("way of a month", "indicators/ps.digitised.toml",
            'deadline = ""\nnear = 0.05\ncritical = 0.3\nkind = "maintain"\n',
            'deadline = "2022-12-31"\nnear = 0.05\ncritical = 0.3\nkind = "level"\n',
            "a month begins anew", "kind ="),
    Mistake("way to where it begins", FILES, "baseline = 0.75", "baseline = 0.85",
            "value and baseline are both 0.85", "value ="),
    Mistake("way that leads down where up is better", FILES, "baseline = 0.75", "baseline = 0.95",
            r"value = 0.85 below its baseline 0.95, where better = 'up'.*above 0.95", "value ="),
    Mistake("way that leads up where down is better", FILES, 'better = "up"', 'better = "down"',
            r"value = 0.85 above its baseline 0.75, where better = 'down'.*below 0.75",
            "value = 0.85"),
    Mistake("unknown kind of target", FILES, 'kind = "level"\n', 'kind = "levle"\n',
            "did you mean 'level'", 'kind = "levle"'),
    Mistake("milestones that fall", FILES, 'kind = "level"\n', 'kind = "level"\n'
            'shape = "milestones"\nmilestones = [["2022-06-30", 0.7]]\n', "nearer to the target",
            "milestones ="),
    Mistake("milestones without their shape", FILES, 'kind = "level"\n', 'kind = "level"\n'
            'milestones = [["2022-06-30", 0.8]]\n', 'shape = "milestones"', "[[target]]"),
    Mistake("target not a fraction", ON_TIME, "value = 0.95", "value = 95",
            r"a fraction from 0 to 1\n  next: write 0.95 for 95 %"),
    Mistake("near beyond critical", ON_TIME, "near = 0.02", "near = 0.2", "near below critical"),
    Mistake("target's subject unknown", ON_TIME, 'subjects = ["area:10"]\nlevels',
            'subjects = ["area:99"]\nlevels', "subject 'area:99' is not in"),
    Mistake("deadline not a day", ON_TIME, 'deadline = ""', 'deadline = "31/12/2022"', "a date"),
    Mistake("target for nobody", ON_TIME,
            'subjects = ["area:10"]\nlevels = ["district", "department", "agency", "commune",'
            ' "sector"]', "subjects = []\nlevels = []", "a target for nobody", "[[target]]"),
    Mistake("alert by a period not judged", ON_TIME, 'period = "month"\nfor_days',
            'period = "day"\nfor_days', "one of the indicator's own"),
    Mistake("alert level unknown", ON_TIME, 'worst_level = "district"', 'worst_level = "village"',
            "one of commune"),
    Mistake("quantile without its ends", MEDIAN, 'start = "01"\n', "", "elapsed without start",
            "[measure]"),
    Mistake("kind and rule disagree", MEDIAN, 'kind = "quantile"', 'kind = "ratio"', "go together"),
    Mistake("example gives another figure", ON_TIME, "num = 2\n", "num = 3\n",
            "num 2, the example says 3", "[[example]]"),
    Mistake("example without a figure", MEDIAN, "value = 10.0\nden = 3\n", "",
            "an example without a figure", "[[example]]"),
    Mistake("example's record misspelt", MEDIAN, '{ owner = "H38.12", events = [[2022-10-03T08:00'
            ':00, "01"], [2022-10-03T08:05', '{ ower = "H38.12", events = [[2022-10-03T08:00:00,'
            ' "01"], [2022-10-03T08:05', "did you mean 'owner'"),
    Mistake("ages out of order", SOURCE, "stale_after_s = 900", "stale_after_s = 200",
            "every_s < late_after_s < stale_after_s"),
    Mistake("interval of nothing", SOURCE, "every_s = 60", "every_s = 0", "at least 1"),
    Mistake("address without a scheme", SOURCE, 'base_url = "http://', 'base_url = "',
            "http://… or https://…"),
    Mistake("collector that is not there", SOURCE, 'collector = "einvoice"',
            'collector = "einvoices"', "no collector 'einvoices'"),
    Mistake("tile of nothing", "scene.toml", '["ps.on_time", "area:10", "month"]',
            '["ps.in_time", "area:10", "month"]', "indicator 'ps.in_time' is unknown"),
    Mistake("tile by a period not judged", "scene.toml", '["ps.on_time", "area:10", "month"]',
            '["ps.on_time", "area:10", "day"]', "not judged by 'day'"),
    Mistake("tile without a period", "scene.toml", '["ps.on_time", "area:10", "month"]',
            '["ps.on_time", "area:10"]', "a type if any"),
    Mistake("switch unknown", "rules.toml", '"late_without_result"', '"sometimes_late"',
            "always_late"),
    Mistake("Saturday that is none", "rules.toml", "2024-05-04,", "2024-05-03,", "a Friday"),
    Mistake("holiday as text", "rules.toml", "2022-01-03, 2022-01-31", '"2022-01-03", 2022-01-31',
            "a list of dates", "holidays"),
    Mistake("began not a day", "profile.toml", 'began = "2022-01-01"', 'began = "1/1/2022"',
            "a date"),
    Mistake("code twice", "sectors.csv", "LV02,", "LV01,", "stands in line 2 too"),
    Mistake("code of nothing", "sectors.csv", "LV01,Hộ tịch,H38.5", "LV01,Hộ tịch,H38.55",
            "department 'H38.55' is unknown"),
    Mistake("column missing", "groups.csv", "code,name", "kode,name", "column 'code' is missing"),
    Mistake("a comma too many", "sectors.csv", "LV01,", "LV01,x,", "another number of fields"),
    Mistake("law of nothing but blanks", ON_TIME, '"Quyết định 766/QĐ-TTg ngày 23/6/2022,'
            ' chỉ số 2.1"', '"  "', "a text that says something"),
    Mistake("decimals beyond measure", ON_TIME, "decimals = 1", "decimals = 99", "at most 6"),
    Mistake("two targets for one", ON_TIME, "[alert]", "[[target]]\nvalue = 0.9\nsubjects = "
            '["area:10"]\nlevels = []\nlegal_source = "QĐ"\ndeadline = ""\nnear = 0.02\n'
            "critical = 0.05\n\n[alert]", "area:10 has two targets", 'subjects = ["area:10"]'),
    Mistake("weight that is no number", "composites/dvc766.toml", "weight = 18", "weight = nan",
            "a number"),
    Mistake("day without an end", ON_TIME, "due = 2022-10-20", "due = 9999-12-31", "an instant",
            "due = 9999"),
    Mistake("address without a host", SOURCE, "http://127.0.0.1:8900/", "http:///", "http://…"),
    Mistake("address with a port of nothing", SOURCE, ":8900/", ":89000/", "http://…"),
    Mistake("address with a blank", SOURCE, "8900/einvoice", "8900/e invoice", "http://…"),
    Mistake("address with a password", SOURCE, "http://127.0.0.1", "http://ioc:secret@127.0.0.1",
            "nothing secret"),
    Mistake("an answer awaited for ever", SOURCE, "timeout_s = 10", "timeout_s = 1000",
            "timeout_s < late_after_s"),
    Mistake("setting of no collector", SOURCE, "page_size =", "pagesize =", "no setting of"),
    Mistake("setting in words", SOURCE, 'page_size = "2000"', 'page_size = "many"', "form"),
    Mistake("offices nobody has", SOURCE, "1101+1102", "11x1+1102", "form"),
    Mistake("tile type nobody drew", "scene.toml", '["ps.on_time", "area:10", "month"]',
            '["ps.on_time", "area:10", "month", "gauge"]', "nothing draws the type 'gauge'"),
    Mistake("tile twice", "scene.toml", '["ps.fully_online", "area:10", "year"]',
            '["ps.on_time", "area:10", "month"]', "twice"),
    Mistake("a seventh tile", "scene.toml", '["ps.paid_online", "area:10", "month"],',
            '["ps.paid_online", "area:10", "month"],\n  ["ps.backlog", "area:10", "now"],',
            "6 at most", '["ps.backlog", "area:10", "now"]'),
    Mistake("tile type that leads elsewhere", "scene.toml", '["ps.on_time", "area:10", "month"]',
            '["ps.on_time", "area:10", "month", "../x"]', "a folder of frontend/src/tiles"),
    Mistake("group twice", "scene.toml", 'id = "doc"', 'id = "ps"', "id 'ps' twice"),
    Mistake("a label's day", "targets.toml", 'from = "2022-08-15"', 'from = "15/8"', "a date"),
    Mistake("labels out of order", "targets.toml", 'from = "2022-08-15"', 'from = "2021-08-15"',
            "in the order of their days"),
)  # fmt: skip


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "laocai"))


def test_what_is_shipped_has_no_mistake_and_every_indicator_an_example(record_property):
    checked = check(SHIPPED)
    record_property("examples of indicators", checked.examples)
    assert checked.findings == ()
    assert checked.indicators >= 16
    assert checked.examples >= checked.indicators
    assert checked.sources == 3
    assert checked.samples >= 5


def test_there_are_enough_kinds():
    assert len({m.name for m in MISTAKES}) >= 15


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.name)
def test_a_mistake_is_found_where_it_stands(mistake: Mistake, profile: Path):
    path = profile / mistake.file
    text = path.read_text()
    assert text.count(mistake.old) >= 1, f"{mistake.old!r} is not in {mistake.file} any more"
    changed = text.replace(mistake.old, mistake.new, 1)
    path.write_text(changed)
    findings = check(profile).findings
    assert findings
    told = [f for f in findings if re.search(mistake.says, f.told(profile), re.DOTALL)]
    assert told, "\n".join(f.told(profile) for f in findings)
    finding = told[0]
    assert finding.file == path
    assert finding.expected and finding.remedy
    if mistake.at is None and mistake.new:
        before = text.index(mistake.old)
        assert finding.line == changed.count("\n", 0, before) + 1
    elif mistake.at is not None:
        assert mistake.at in changed.splitlines()[finding.line - 1]
    assert len(findings) <= 3, "one mistake, many findings: " + str(findings)


def test_an_indicator_without_an_example_is_a_mistake(profile: Path):
    path = profile / ON_TIME
    path.write_text(path.read_text().split("[[example]]")[0])
    assert [f.found for f in check(profile).findings] == ["no example"]


def test_a_file_that_is_missing_is_named(profile: Path):
    (profile / "rules.toml").unlink()
    assert [f.found for f in check(profile).findings] == ["the file is missing"]
    [gone] = check(profile / "nowhere").findings
    assert gone.found == "no such file"


def test_every_mistake_is_told_not_only_the_first(profile: Path):
    for name, old, new in (
        (ON_TIME, "value = 0.95", "value = 95"), (SOURCE, "every_s = 60", "every_s = 0"),
        ("scene.toml", "area:10", "area:77"),
    ):  # fmt: skip
        (profile / name).write_text((profile / name).read_text().replace(old, new, 1))
    assert len({f.file for f in check(profile).findings}) == 3


@pytest.fixture
def collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a collector with its samples, found under another name."""
    folder = tmp_path / "lib/collectors_of_a_test"
    shutil.copytree(ROOT / "collectors/einvoice", folder)
    for name in [n for n in sys.modules if n.startswith("collectors_of_a_test")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    monkeypatch.setattr(
        "app.ingest.samples.find_collector",
        lambda name: __import__(
            "collectors_of_a_test.collector", fromlist=["collect"]
        ).collect,
    )  # fmt: skip
    return folder / "samples"


def _only_einvoice(profile: Path) -> None:
    for other in ("documents", "public_service"):
        (profile / f"sources/{other}.toml").write_text(
            (profile / SOURCE).read_text().replace('id = "einvoice"', f'id = "{other}"')
        )


SAMPLE_MISTAKES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no samples at all": (lambda s: (s / "replay.toml").unlink(), "replay.toml", "no samples"),
    "an answer that is not there": (
        lambda s: (s / "page.xml").unlink(), "replay.toml", "page.xml is not there"),
    "an answer that cannot be read": (
        lambda s: (s / "page.xml").write_text("<html>"), "page.xml", "FeedBroken"),
    "a record that is set aside": (
        lambda s: (s / "page.xml").write_text(
            (s / "page.xml").read_text().replace("<CQT>1101,1102</CQT>", "<CQT>9</CQT>", 1)),
        "page.xml", "a record is set aside: CQT"),
    "another number of records": (
        lambda s: (s / "replay.toml").write_text(
            (s / "replay.toml").read_text().replace("updates = 4", "updates = 5")),
        "page.xml", "4 updates"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLE_MISTAKES)
def test_samples_are_replayed(name: str, profile: Path, collector: Path):
    _only_einvoice(profile)
    assert check(profile).findings == ()
    spoil, file, says = SAMPLE_MISTAKES[name]
    spoil(collector)
    findings = check(profile).findings
    assert findings
    assert {f.file.name for f in findings} == {file}
    assert all(says in f.found for f in findings)
    assert all(f.expected and f.remedy and f.line >= 1 for f in findings)


SETTINGS_MISTAKES = {
    "a setting out of range": ("profile = 'laocai'\nport = 70000\n", ":2: ", "port"),
    "a setting nobody reads": ("profile = 'laocai'\n\nporrt = 8000\n", ":3: ", "porrt"),
    "a receiver of no channel": (
        "port = 8000\n[receivers.duty]\nchannel = 'pigeon'\n", ":2: ", "channel 'pigeon'"),
    "a receiver with a field nobody reads": (
        "[receivers.duty]\nchannel = 'webhook'\nuri = 'http://x'\n", ":1: ", "uri unknown"),
    "settings that are not TOML": ("port = \n", ":1: ", "not TOML"),
    "settings of brackets": ("x = " + "[" * 5000, ":1: ", "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS_MISTAKES)
def test_the_settings_are_checked_too(name: str, tmp_path: Path, monkeypatch):
    text, line, says = SETTINGS_MISTAKES[name]
    (tmp_path / "ioc.toml").write_text(text)
    monkeypatch.setenv("IOC_DATA_DIR", str(tmp_path))
    done = CliRunner().invoke(build(), ["check"])
    assert done.exit_code == 1
    assert f"ioc.toml{line}" in done.output
    assert says in done.output
    assert "expected:" in done.output
    assert "next:" in done.output


def test_the_command_says_what_it_looked_at(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("IOC_DATA_DIR", str(tmp_path))
    done = CliRunner().invoke(build(), ["check"])
    assert done.exit_code == 0
    assert re.search(r"nothing wrong: \d\d indicators, \d\d examples, 3 sources", done.output)


def test_lines_are_found_through_tables_arrays_and_comments():
    lines = Lines(
        'a = 1 # [not a table]\n[t]\nb = "x = ["\nc = [\n  "one",\n  # a word\n  ["two", 2],\n]\n'
        "d = 4\n[[r]]\nv = 1\n[[r]]\nv = 2\n[[r.s]]\nw = 3\n"
    )
    assert [lines.of(p) for p in (("a",), ("t",), ("t", "b"), ("t", "c", 0), ("t", "c", 1))] == [
        1, 2, 3, 5, 7,
    ]  # fmt: skip
    assert [lines.of(p) for p in (("t", "d"), ("r", 0, "v"), ("r", 1, "v"))] == [9, 11, 13]
    assert lines.of(("r", 1, "s", 0, "w")) == 15
    assert lines.of(("r", 1, "nothing")) == 12
    assert lines.of(("nothing",)) == 1
