"""Topic: what one client is told of: what its token may see, and of that what it asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import msgspec

from app.domain.access import EVERYTHING, Visible
from app.domain.shape import Json

ASKED_AT_MOST = 2000


@dataclass(frozen=True, slots=True)
class Topic:
    """Clients of one topic share its frames. None = all that is visible."""

    visible: Visible = EVERYTHING
    indicators: frozenset[str] | None = None
    subjects: frozenset[str] | None = None

    @property
    def whole(self) -> bool:
        """Whether every frame goes out as it is."""
        return self == _WHOLE

    def takes(self, indicator: str, subject: str) -> bool:
        return (
            self.visible.allows(subject)
            and (self.indicators is None or indicator in self.indicators)
            and (self.subjects is None or subject in self.subjects)
        )

    def readings(self, told: Iterable[tuple[tuple[str, str, str], bytes]]) -> list[bytes]:
        return [text for key, text in told if self.takes(key[0], key[1])]

    def alerts(self, told: Iterable[bytes]) -> list[bytes]:
        """Alerts of the topic; the units of others are taken out of their worst."""
        if self.whole:
            return list(told)
        found = []
        for text in told:
            alert: Json = _decode(text)
            if self._takes_alert(alert):
                found.append(_encode(alert))
        return found

    def snapshot(self, text: bytes) -> bytes:
        """Of a snapshot of all that is visible, the part that was asked for."""
        if self.indicators is None and self.subjects is None:
            return text
        body: Json = _decode(text)
        readings, alerts = _rows(body, "readings"), _rows(body, "alerts")
        body["readings"] = [
            r for r in readings if self.takes(str(r["indicator"]), str(r["subject"]))
        ]
        body["alerts"] = [a for a in alerts if self._takes_alert(a)]
        return _encode(body)

    def _takes_alert(self, alert: Json) -> bool:
        worst = _rows(alert, "worst")
        alert["worst"] = [u for u in worst if self.visible.allows(str(u["subject"]))]
        return self.takes(str(alert["indicator"]), str(alert["subject"]))


_WHOLE = Topic()
_decode = msgspec.json.Decoder(dict[str, object]).decode
_encode = msgspec.json.Encoder().encode


def _rows(of: Json, name: str) -> list[Json]:
    found = of.get(name, [])
    assert isinstance(found, list)
    return found


class _Subscribe(msgspec.Struct, forbid_unknown_fields=True):
    t: Literal["subscribe"]
    indicators: list[str] = []
    subjects: list[str] = []


_subscribe = msgspec.json.Decoder(_Subscribe).decode


def narrowed(visible: Visible, indicators: Iterable[str], subjects: Iterable[str]) -> Topic:
    """Empty lists ask for all; nothing that is asked for widens what is visible."""
    of, about = frozenset(indicators), frozenset(subjects)
    if len(of) + len(about) > ASKED_AT_MOST:
        raise ValueError(f"at most {ASKED_AT_MOST} indicators and subjects; ask for all instead")
    return Topic(visible, of or None, about or None)


def read_subscribe(visible: Visible, text: str | bytes) -> Topic:
    """The topic a client's message asks for; ValueError says what is wrong with it."""
    try:
        told = _subscribe(text)
    except msgspec.DecodeError as wrong:
        raise ValueError(
            f'expected {{"t":"subscribe","indicators":[],"subjects":[]}}: {wrong}'
        ) from None
    return narrowed(visible, told.indicators, told.subjects)
