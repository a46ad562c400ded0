"""Topic: what one client is told of: what its token may see, and of that what it asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

import msgspec

from app.domain.access import EVERYTHING, Visible, subtrees
from app.domain.profile import Profile
from app.domain.scene import scene_names, scene_pairs
from app.domain.shape import Json

ASKED_AT_MOST = 2000
TOPICS_KEPT, SCENES_KEPT = 20_000, 200


class Asked(msgspec.Struct, frozen=True):
    """What a client wants to be told of; an empty list asks for everything."""

    indicators: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()


class _Subscribe(Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    t: Literal["subscribe"]


_ALL = Asked()


@dataclass(frozen=True, slots=True)
class Topic:
    """Clients of one topic share its frames. None = all that is visible."""

    visible: Visible = EVERYTHING
    indicators: frozenset[str] | None = None
    subjects: frozenset[str] | None = None  # areas with all that is below them
    pairs: frozenset[tuple[str, str]] | None = None  # what scenes show
    asked: Asked = _ALL

    @property
    def whole(self) -> bool:
        """Whether every frame goes out as it is."""
        return self == _WHOLE

    def takes(self, indicator: str, subject: str) -> bool:
        return (
            self.visible.allows(subject)
            and (self.indicators is None or indicator in self.indicators)
            and (self.subjects is None or subject in self.subjects)
            and (self.pairs is None or (indicator, subject) in self.pairs)
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
        if self.asked == _ALL:
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


K = TypeVar("K")
V = TypeVar("V")
_subscribe = msgspec.json.Decoder(_Subscribe).decode


class Topics:
    """The topics of one profile: what is asked for, as the indicators and subjects it means.

    Clients of one topic share one value, so that what is made for it is found at once.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._one: OrderedDict[Topic, Topic] = OrderedDict()
        self._of: OrderedDict[tuple[Visible, Asked], Topic] = OrderedDict()
        self._pairs: OrderedDict[tuple[Visible, str], frozenset[tuple[str, str]]] = OrderedDict()
        self._below: dict[str, frozenset[str]] = {}

    def narrowed(self, visible: Visible, asked: Asked) -> Topic:
        """Nothing that is asked for widens what is visible. ValueError says what is wrong."""
        return _kept(self._of, (visible, asked), lambda: self._topic(visible, asked), TOPICS_KEPT)

    def _topic(self, visible: Visible, asked: Asked) -> Topic:
        lists = tuple(
            tuple(sorted(set(one)))
            for one in (asked.indicators, asked.subjects, asked.areas, asked.scenes)
        )
        if sum(map(len, lists)) > ASKED_AT_MOST:
            raise ValueError(
                f"at most {ASKED_AT_MOST} indicators, subjects, areas and scenes;"
                " ask for all instead"
            )
        indicators, subjects, areas, scenes = lists
        about = frozenset(subjects).union(*(self._area(a) for a in areas))
        pairs = frozenset[tuple[str, str]]().union(*(self._scene(visible, s) for s in scenes))
        topic = Topic(
            visible,
            frozenset(indicators) or None,
            about if subjects or areas else None,
            pairs if scenes else None,
            Asked(*lists),
        )
        return _kept(self._one, topic, lambda: topic, TOPICS_KEPT)

    def read(self, visible: Visible, text: str | bytes) -> Topic:
        """The topic a client's message asks for; ValueError says what is wrong with it."""
        try:
            asked = _subscribe(text)
        except msgspec.DecodeError as wrong:
            raise ValueError(
                'expected {"t":"subscribe","indicators":[],"subjects":[],"areas":[],"scenes":[]}:'
                f" {wrong}"
            ) from None
        return self.narrowed(visible, asked)

    def again(self, topic: Topic) -> Topic:
        """The same wish by this profile; what it no longer knows stays as it was."""
        try:
            return self.narrowed(topic.visible, topic.asked)
        except ValueError:
            return topic

    def _area(self, area: str) -> frozenset[str]:
        if area not in self._profile.subjects:
            raise ValueError(f"no area {area[:60]!r}; expected the id of a subject: area:082")
        found = self._below.get(area)
        if found is None:
            found = self._below[area] = subtrees({area}, self._profile.subjects)
        return found

    def _scene(self, visible: Visible, name: str) -> frozenset[tuple[str, str]]:
        names = scene_names(self._profile)
        if name not in names:
            raise ValueError(f"no scene {name[:60]!r}; expected one of {', '.join(names)}")
        made = lambda: scene_pairs(self._profile, visible, name)  # noqa: E731
        return _kept(self._pairs, (visible, name), made, SCENES_KEPT)


def _kept(held: OrderedDict[K, V], key: K, made: Callable[[], V], most: int) -> V:
    """What is held by this key, made if need be; the longest unasked for goes."""
    if key not in held:
        held[key] = made()
        if len(held) > most:
            held.popitem(last=False)
    held.move_to_end(key)
    return held[key]
