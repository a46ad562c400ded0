"""What an indicator is called follows the law's day: level 4 is toàn trình from 15/8/2022."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

from app.cli.check import check
from app.domain.shape import indicator_shape
from app.domain.why import version_of
from app.profile import load_profile, profile_folder

SHIPPED = profile_folder("laocai")
INDICATOR = load_profile(SHIPPED).indicators["ps.new_procedures_online"]


def test_the_words_of_the_day() -> None:
    before, after = (
        indicator_shape(INDICATOR, on) for on in (date(2022, 8, 14), date(2022, 8, 15))
    )
    assert "mức độ 4" in before["title_vi"]
    assert "toàn trình" in after["title_vi"]
    assert before["label_wall_vi"] != after["label_wall_vi"]
    assert {k for k in before if before[k] != after[k]} == {
        "title_vi", "title_en", "label_wall_vi", "label_wall_en",
    }  # fmt: skip


def test_one_that_never_changed_its_name_is_called_as_it_is() -> None:
    plain = replace(INDICATOR, wordings=())
    assert indicator_shape(plain, date(2030, 1, 1))["title_vi"] == INDICATOR.title_vi


def test_a_definition_is_written_down_with_its_wordings() -> None:
    told = json.loads(json.dumps(asdict(INDICATOR)))
    assert told["wordings"][0]["begins"] == "2022-08-15"


def test_another_wording_is_another_version() -> None:
    [wording] = INDICATOR.wordings
    other = replace(wording, title_vi="khác")
    assert version_of(INDICATOR) != version_of(replace(INDICATOR, wordings=(other,)))


def test_a_wording_without_its_day_is_found_with_its_line(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "laocai"))
    path = folder / f"indicators/{INDICATOR.id}.toml"
    text = path.read_text()
    path.write_text(text.replace('from = "2022-08-15"', 'from = "15/8/2022"'))
    [finding] = check(folder).findings
    line = text[: text.index("from = ")].count("\n") + 1
    assert (finding.file.name, finding.line) == (path.name, line)


def test_every_formula_and_assumption_is_told_in_both_languages_and_a_word_more_is_a_version():
    for indicator in load_profile(SHIPPED).indicators.values():
        assert indicator.formula_en, indicator.id
        assert bool(indicator.assumption) == bool(indicator.assumption_en), indicator.id
        for target in indicator.targets:
            assert bool(target.assumption) == bool(target.assumption_en), indicator.id
        other = replace(indicator, formula_en=indicator.formula_en + "!")
        assert version_of(other) != version_of(indicator)
