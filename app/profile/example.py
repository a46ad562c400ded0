"""Example: cases or samples of an indicator, told in its file, and the figure they must give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.domain.period import OFFSET_S
from app.domain.record import Event, Record, RecordUpdate, Version, Wait, merge

# value, num, den, state: as a reading shows them.
Figure = tuple[float | None, int | None, int | None, str]


@dataclass(frozen=True, slots=True)
class Example:
    """One ``[[example]]``; ``expected`` holds only what the file states."""

    says: str
    subject: str
    period: str
    at_s: int
    records: tuple[Record, ...]
    expected: Mapping[str, object]

    def differences(self, figure: Figure) -> list[str]:
        """What the figure has otherwise than stated; empty when it is right."""
        got = dict(zip(("value", "num", "den", "state"), figure, strict=True))
        return [
            f"{name} {got[name]!r}, the example says {wanted!r}"
            for name, wanted in self.expected.items()
            if not _same(got[name], wanted)
        ]


def read_example(told: Mapping[str, Any], kind: str) -> Example:
    """The example of a definition whose records are of this kind; ValueError says what is wrong."""
    records: dict[str, Record] = {}
    for number, record in enumerate(told["records"], 1):
        update = _update(record, kind, f"example-{number}")
        records[update.code] = merge(records.get(update.code), update)
    expected = {name: told[name] for name in ("num", "den", "value", "state") if name in told}
    return Example(
        told["says"], told["subject"], told["period"], instant_s(told["at"]),
        tuple(records.values()), expected,
    )  # fmt: skip


def instant_s(told: object) -> int:
    """Epoch seconds of a TOML instant; without an offset it is Vietnamese time."""
    if not isinstance(told, datetime):
        raise ValueError(f"{told!r} is not an instant; write it as 2022-10-03T08:00:00")
    if told.tzinfo is None:
        return int(told.replace(tzinfo=UTC).timestamp()) - OFFSET_S
    return int(told.timestamp())


def _update(told: Mapping[str, Any], kind: str, code: str) -> RecordUpdate:
    received = _instant(told, "received")
    version = Version(
        _instant(told, "sent") or received or 0,
        received,
        _instant(told, "due"),
        told.get("max_working_days"),
        frozenset(told.get("flags", ())),
        dict(told.get("amounts", {})),
        tuple(_wait(number, pair) for number, pair in enumerate(told.get("waits", ()))),
    )
    events = tuple(_event(pair) for pair in told.get("events", ()))
    return RecordUpdate(
        told.get("kind", kind), told.get("code", code), told["owner"], told.get("sector", ""),
        version, events,
    )  # fmt: skip


def _instant(told: Mapping[str, Any], name: str) -> int | None:
    return instant_s(told[name]) if name in told else None


def _event(pair: Sequence[object]) -> Event:
    if len(pair) != 2 or not isinstance(pair[1], str):
        raise ValueError(f'event {pair!r}; write it as [2022-10-03T08:00:00, "9"]')
    return Event(instant_s(pair[0]), pair[1])


def _wait(number: int, pair: Sequence[object]) -> Wait:
    if not 1 <= len(pair) <= 2:
        raise ValueError(f"wait {pair!r}; write it as [asked, answered], or [asked]")
    return Wait(str(number), instant_s(pair[0]), instant_s(pair[1]) if len(pair) == 2 else None)


def _same(got: object, wanted: object) -> bool:
    if isinstance(got, int | float) and isinstance(wanted, int | float):
        return abs(got - wanted) <= 1e-9 * max(1.0, abs(wanted))
    return got == wanted
