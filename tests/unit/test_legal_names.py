"""Names of laws in English: every one the profile states, without Vietnamese words left over."""

from __future__ import annotations

import re

from app.profile import load_profile, profile_folder

PROFILE = load_profile(profile_folder("laocai"))
# Signs of documents are no words: 766/QĐ-TTg, 61/2018/NĐ-CP.
SIGN = re.compile(r"\S*\d\S*/\S+")


def test_every_legal_source_reads_in_english() -> None:
    names = {i.legal_source for i in PROFILE.indicators.values()}
    names |= {t.legal_source for i in PROFILE.indicators.values() for t in i.targets}
    names |= {g.legal_source for g in PROFILE.goals}
    names |= {c.legal_source for c in PROFILE.composites.values()}
    assert len(names) > 15
    for name in names:
        told = PROFILE.legal_en(name)
        assert told.isascii() or SIGN.sub("", told).replace("≥", "").isascii(), told


def test_numbers_and_signs_stand_as_they_are() -> None:
    told = PROFILE.legal_en("Quyết định 766/QĐ-TTg ngày 23/6/2022, chỉ số 2.1")
    assert told == "Decision 766/QĐ-TTg of 23/6/2022, index 2.1"
    assert PROFILE.legal_en("") == ""
