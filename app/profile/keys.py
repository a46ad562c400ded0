"""Keys: what each file of a profile may state, as data; a new key is a line here."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.measure import RULES
from app.domain.period import KINDS

LEVELS = ("commune", "district", "province", "department", "agency", "sector", "group", "tier")
UNITS = ("percent", "count", "minutes", "working_days", "working_hours", "days", "vnd")
TARGET_KINDS = ("cumulative", "level", "milestone", "maintain", "rank", "instant")
TEXT, WHOLE, NUMBER, YES_NO = "text", "a whole number", "a number", "true or false"
TEXTS, DAYS, LIST = "a list of texts", "a list of dates (2022-01-31)", "a list"
DAY, INSTANT, TABLE = 'a date as text ("2022-01-31")', "an instant", "a table"
DAY_OR_NONE = 'a date as text ("2022-12-31"), or ""'


@dataclass(frozen=True, slots=True)
class Key:
    """What one key holds; ``among`` are the only values it may have."""

    holds: str = TEXT
    needed: bool = True
    among: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None


Keys = dict[str, Key]
_FREE = Key(needed=False)

INDICATOR: Keys = {
    "id": Key(), "source": Key(), "group": Key(), "title_vi": Key(), "title_en": Key(),
    "label_wall_vi": Key(), "label_wall_en": Key(),
    "unit": Key(among=UNITS),
    "decimals": Key(WHOLE, least=0, most=6), "better": Key(among=("up", "down")),
    "periods": Key(TEXTS, among=KINDS), "levels": Key(TEXTS, among=LEVELS),
    "legal_source": Key(), "assumption": _FREE, "assumption_en": _FREE,
    "formula_vi": Key(), "formula_en": _FREE,
    "measure": Key(TABLE), "target": Key(LIST, needed=False), "alert": Key(TABLE, needed=False),
    "example": Key(LIST, needed=False), "wording": Key(LIST, needed=False),
}  # fmt: skip
WORDING: Keys = {
    "from": Key(DAY),
    "title_vi": Key(),
    "title_en": Key(),
    "label_wall_vi": Key(),
    "label_wall_en": Key(),
}
MEASURE: Keys = {
    "kind": Key(among=("ratio", "sum", "stock", "quantile")), "records": Key(),
    "rule": Key(among=tuple(sorted(RULES))), "num": Key(TEXTS, needed=False),
    "den": Key(TEXTS, needed=False), "start": _FREE, "end": _FREE,
}  # fmt: skip
TARGET: Keys = {
    "value": Key(NUMBER, least=0), "subjects": Key(TEXTS), "levels": Key(TEXTS, among=LEVELS),
    "legal_source": Key(), "deadline": Key(DAY_OR_NONE),
    "near": Key(NUMBER, least=0), "critical": Key(NUMBER, least=0),
    "kind": Key(needed=False, among=TARGET_KINDS),
    "baseline": Key(NUMBER, needed=False), "begins": Key(DAY, needed=False),
    "shape": Key(needed=False, among=("linear", "milestones", "last_year")),
    "milestones": Key(LIST, needed=False), "assumption": _FREE, "assumption_en": _FREE,
}  # fmt: skip
ALERT: Keys = {
    "subjects": Key(TEXTS), "period": Key(among=KINDS), "for_days": Key(NUMBER, least=0),
    "owner": Key(), "response_vi": Key(), "worst_level": Key(among=LEVELS),
}  # fmt: skip
EXAMPLE: Keys = {
    "says": Key(), "subject": Key(), "period": Key(among=KINDS), "at": Key(INSTANT),
    "records": Key(LIST), "num": Key(WHOLE, needed=False), "den": Key(WHOLE, needed=False),
    "value": Key(NUMBER, needed=False),
    "state": Key(needed=False, among=("met", "near", "lagging", "critical", "missed", "none")),
}  # fmt: skip
RECORD: Keys = {
    "code": _FREE, "kind": _FREE, "owner": Key(), "sector": _FREE,
    "received": Key(INSTANT, needed=False), "due": Key(INSTANT, needed=False),
    "sent": Key(INSTANT, needed=False), "max_working_days": Key(WHOLE, needed=False, least=0),
    "flags": Key(TEXTS, needed=False), "amounts": Key(TABLE, needed=False),
    "events": Key(LIST, needed=False), "waits": Key(LIST, needed=False),
}  # fmt: skip
SOURCE: Keys = {
    "id": Key(), "collector": Key(), "name_vi": Key(), "name_en": Key(), "base_url": Key(),
    "every_s": Key(WHOLE, least=1), "timeout_s": Key(NUMBER, least=0.1),
    "late_after_s": Key(WHOLE, least=1), "stale_after_s": Key(WHOLE, least=1),
    "absent_after_s": Key(WHOLE, least=1), "owner": _FREE, "legal_source": _FREE,
    "settings": Key(TABLE, needed=False), "least_pace": Key(NUMBER, needed=False, least=0),
}  # fmt: skip
GROUP: Keys = {"id": Key(), "title_vi": Key(), "title_en": Key(), "tiles": Key(LIST)}
MAP: Keys = {
    "indicator": Key(), "period": Key(among=KINDS), "title_vi": Key(), "title_en": Key(),
}  # fmt: skip
SCENE: Keys = {"group": Key(LIST), "map": Key(TABLE)}
ON_TIME: Keys = {
    "second_supplement": Key(among=("late_without_result", "always_late")),
    "fee_wait_stops_clock": Key(YES_NO),
}
CALENDAR: Keys = {
    "holidays": Key(DAYS), "worked_saturdays": Key(DAYS, needed=False),
    "office_hours": Key(LIST, needed=False),
}  # fmt: skip
RULES_FILE: Keys = {"on_time": Key(TABLE), "calendar": Key(TABLE)}
PROFILE: Keys = {
    "id": Key(), "name_vi": Key(), "began": Key(DAY),
    "history_days": Key(WHOLE, needed=False, least=0),
}  # fmt: skip
LEGAL_WORD: Keys = {"vi": Key(), "en": Key()}
COMPOSITE: Keys = {
    "id": Key(), "title_vi": Key(), "title_en": Key(), "legal_source": Key(), "rule_vi": Key(),
    "rule_en": Key(), "levels": Key(TEXTS, among=LEVELS), "group": Key(LIST),
    "published": Key(LIST, needed=False), "example": Key(LIST),
}  # fmt: skip
COMPOSITE_GROUP: Keys = {
    "id": Key(), "title_vi": Key(), "title_en": Key(), "weight": Key(NUMBER, least=0),
    "part": Key(LIST),
}  # fmt: skip
COMPOSITE_PART: Keys = {
    "id": Key(), "title_vi": Key(), "title_en": Key(), "rule_vi": _FREE, "rule_en": _FREE,
    "weight": Key(NUMBER, least=0),
    "assumption": Key(YES_NO), "indicator": _FREE, "period": Key(needed=False, among=KINDS),
    "full": Key(NUMBER, needed=False, least=0.01),
}  # fmt: skip
GOAL_LABEL: Keys = {"from": Key(DAY), "vi": Key(), "en": Key()}
GOAL_EXAMPLE: Keys = {
    "value": Key(NUMBER, needed=False),
    "state": Key(among=("met", "near", "lagging", "critical", "missed", "none")),
}  # fmt: skip
PUBLISHED: Keys = {
    "until": Key(DAY), "total": Key(NUMBER), "rank": Key(WHOLE), "of": Key(WHOLE),
    "groups": Key(TABLE), "national": Key(TABLE, needed=False), "source": Key(),
}  # fmt: skip
COMPOSITE_EXAMPLE: Keys = {
    "says": Key(), "parts": Key(TABLE), "points": Key(NUMBER, needed=False),
    "covered": Key(NUMBER, needed=False),
}  # fmt: skip
GOAL: Keys = {
    "id": Key(), "labels": Key(LIST), "value": Key(NUMBER, least=0),
    "unit": Key(among=("percent", "rank")), "better": Key(among=("up", "down")),
    "kind": Key(among=TARGET_KINDS),
    "level": Key(among=LEVELS), "period": Key(among=KINDS), "deadline": Key(DAY),
    "legal_source": Key(), "feed": Key(), "indicator": _FREE, "subject": _FREE,
    "note_vi": _FREE, "note_en": _FREE, "examples": Key(LIST),
}  # fmt: skip
