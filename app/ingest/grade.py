"""Grade: bronze, silver or gold for a collector, and why each rule it misses is missed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from types import ModuleType

from app.domain.record import Record, RecordUpdate, merge
from app.ingest.rehearsal import Heard, Outcome, Tried
from app.ingest.trials import BROKEN, DOWN, LATER, PAGE

GRADES = ("none", "bronze", "silver", "gold")
REFUSED_WITHIN_S, BLOCKED_AT_MOST_S, RECORDS_A_SECOND = 1.0, 0.25, 500


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a grade; ``missed`` says why it is, and is empty when it is kept."""

    grade: str
    says: str
    missed: str


def grade_of(rules: Iterable[Rule]) -> str:
    """The highest grade of which, and of those below, every rule is kept."""
    held = {rule.grade for rule in rules if rule.missed}
    reached = "none"
    for grade in GRADES[1:]:
        if grade in held:
            break
        reached = grade
    return reached


def judge(module: ModuleType, heard: Heard, papers: str) -> list[Rule]:
    """``papers``: what is wrong with samples, README and wire format; empty when nothing is."""
    return [
        Rule("bronze", "says what it is: docstring, API_VERSION, EVERY", _manual(module)),
        Rule("bronze", "reads the whole history by the feed's own cursor", _history(heard)),
        Rule("bronze", "raises nothing but FeedDown and FeedBroken", _errors(heard)),
        Rule("bronze", "comes back: no call outlasts its time", _ends(heard)),
        Rule("bronze", "an upstream that is away is FeedDown", _taken(heard, {DOWN})),
        Rule("bronze", "what is not the format is refused, never a page", _refused(heard)),
        Rule("bronze", "recovers by itself after every fault", _recovered(heard)),
        Rule("silver", "one bad record is set aside, the others are taken", _set_aside(heard)),
        Rule("silver", "logs in again when its session has expired", _session(heard)),
        Rule("silver", "passes on Retry-After", _retry_after(heard)),
        Rule("silver", "asked again it gives the same page, remembering nothing", _again(heard)),
        Rule("silver", "refuses hostile answers within a second", _quickly(heard)),
        Rule("silver", "FeedBroken says what was expected and keeps the payload", _told(heard)),
        Rule("silver", "samples replay, README and wire format are there", papers),
        Rule("gold", "loses nothing: as many records as were emitted", _complete(heard)),
        Rule("gold", "the order of arrival changes nothing", _orderless(heard)),
        Rule("gold", "its watermark never goes back", _watermark(heard)),
        Rule("gold", "leaves the event loop to others", _unblocked(heard)),
        Rule("gold", f"reads {RECORDS_A_SECOND} records a second", _speed(heard)),
    ]


def trials(heard: Heard) -> int:
    """How many faults it was put under."""
    return len(heard.tried) + len(LATER)


def _manual(module: ModuleType) -> str:
    if len((module.__doc__ or "").split()) < 10:
        return "the module's docstring is its manual; it has fewer than ten words"
    if not isinstance(getattr(module, "EVERY", None), int):
        return "EVERY is missing: how many seconds of data time between polls it wants"
    return ""


def _history(heard: Heard) -> str:
    if heard.stopped is not None:
        return f"after {len(heard.pages)} pages: {_outcome(heard.stopped)}"
    if not any(page.updates for _, page in heard.pages):
        return "not one record was read"
    return ""


def _errors(heard: Heard) -> str:
    known = {PAGE, DOWN, BROKEN, "no end"}
    return _first(t for t in heard.tried if {t.outcome.way, t.after.way} - known)


def _ends(heard: Heard) -> str:
    return _first(t for t in heard.tried if "no end" in (t.outcome.way, t.after.way))


def _taken(heard: Heard, ways: set[str]) -> str:
    """Trials that have exactly one right way were taken so."""
    return _first(t for t in heard.tried if t.trial.allowed == ways and t.outcome.way not in ways)


def _refused(heard: Heard) -> str:
    return _first(
        t for t in heard.tried if BROKEN in t.trial.allowed and t.outcome.way not in t.trial.allowed
    )


def _recovered(heard: Heard) -> str:
    return _first((t for t in heard.tried if not t.recovered), after=True)


def _session(heard: Heard) -> str:
    """Where there is no log-in, a key that is refused is a matter for a person: FeedDown."""
    return _first(
        t for t in _named(heard, "auth-expired")
        if t.outcome.way != PAGE and (t.logs_in or t.outcome.way != DOWN)
    )  # fmt: skip


def _set_aside(heard: Heard) -> str:
    for tried in _named(heard, "schema-drift"):
        page = tried.outcome.page
        if page is None:
            return _first([tried])
        if not page.rejected or not page.updates:
            return (
                f"of {page.count} records {len(page.updates)} were taken and {len(page.rejected)}"
                " set aside; expected some of both: use Page.rejected"
            )
        if any(not r.reason or not r.payload for r in page.rejected):
            return "a record is set aside without its reason or payload"
    return ""


def _retry_after(heard: Heard) -> str:
    for tried in _named(heard, "outage with Retry-After"):
        told = getattr(tried.outcome.error, "retry_after_s", None)
        if told != 7:
            return f"the upstream said 7 seconds, FeedDown says {told}: let it through as it is"
    return ""


def _again(heard: Heard) -> str:
    if all(heard.again) and heard.again:
        return ""
    return f"{heard.again.count(False)} of {len(heard.again)} pages differ when read again"


def _quickly(heard: Heard) -> str:
    slow = (t for t in heard.tried if t.trial.hostile and t.outcome.cpu_s > REFUSED_WITHIN_S)
    for tried in slow:
        return f"{tried.trial.name}: {tried.outcome.cpu_s:.1f} s of work; look at its size first"
    return ""


def _told(heard: Heard) -> str:
    for tried in heard.tried:
        error = tried.outcome.error
        if tried.outcome.way == BROKEN and error is not None:
            if "expected" not in str(error):
                return f'{tried.trial.name}: "{str(error)[:80]}" does not say what was expected'
            if not getattr(error, "payload", b"") and tried.trial.name != "an empty answer":
                return f"{tried.trial.name}: FeedBroken(reason, payload) without its payload"
    return ""


def _complete(heard: Heard) -> str:
    read = sum(page.count for _, page in heard.pages)
    return "" if read == heard.emitted else f"{heard.emitted} records emitted, {read} read"


def _orderless(heard: Heard) -> str:
    updates = [u for _, page in heard.pages for u in page.updates]
    if _merged(updates) == _merged(updates[::-1]):
        return ""
    return "the merged records differ when read backwards: stamp versions with the sender's time"


def _watermark(heard: Heard) -> str:
    last = 0
    for since, page in heard.pages:
        if page.up_to_s < last:
            return f"after the cursor {since!r} it went back by {last - page.up_to_s} s"
        last = page.up_to_s
    return ""


def _unblocked(heard: Heard) -> str:
    """The median page: one alone may have met a busy machine."""
    blocked_s = median(heard.blocked) if heard.blocked else 0.0
    if blocked_s <= BLOCKED_AT_MOST_S:
        return ""
    return f"kept for {blocked_s:.2f} s a page; at most {BLOCKED_AT_MOST_S} s: await, or take less"


def _speed(heard: Heard) -> str:
    read = sum(page.count for _, page in heard.pages)
    rate = read / heard.seconds if heard.seconds else 0.0
    return "" if rate >= RECORDS_A_SECOND else f"{rate:.0f} a second"


def _merged(updates: Iterable[RecordUpdate]) -> dict[tuple[str, str], Record]:
    found: dict[tuple[str, str], Record] = {}
    for update in updates:
        key = (update.kind, update.code)
        found[key] = merge(found.get(key), update)
    return found


def _named(heard: Heard, name: str) -> Iterator[Tried]:
    return (t for t in heard.tried if t.trial.name == name)


def _first(tried: Iterable[Tried], *, after: bool = False) -> str:
    """The first of them in words, and how many more there are."""
    found = list(tried)
    if not found:
        return ""
    one = found[0]
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    if after:
        way = "another page" if one.after.page is not None else _outcome(one.after)
        return f"after {one.trial.name}: {way}{more}"
    wanted = " or ".join(sorted(one.trial.allowed))
    return f"{one.trial.name}: {_outcome(one.outcome)}, expected {wanted}{more}"


def _outcome(outcome: Outcome) -> str:
    return outcome.way if outcome.error is None else f"{outcome.way} ({str(outcome.error)[:100]})"
