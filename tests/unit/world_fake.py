"""A tiny simulated system: a counter for three districts, every five minutes of office time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collectors._world.calendar import iso, midnight_s
from collectors._world.feed import Answer, Message, Served, Truth

if TYPE_CHECKING:
    from collectors._world.world import World


@dataclass
class FakeClock:
    """Data time that a test moves by hand."""

    at: float

    def now(self) -> float:
        return self.at

    def rate(self) -> float:
        return 60.0


@dataclass
class FakeTruth:
    """Counts messages per area; a repeat of the same number counts once."""

    indicators: tuple[str, ...] = ("fake.count",)
    seen: dict[str, dict[int, int]] = field(default_factory=dict)

    def add(self, message: Message) -> None:
        told = json.loads(message.body)
        self.seen.setdefault(told["area"], {})[told["n"]] = told["sent_s"]

    def ask(self, indicator: str, level: str, period: str, at_s: int) -> Answer:
        if level != "district":
            raise ValueError(f"level {level} is not counted")
        return {
            f"area:{area}": (float(count), float(count), None)
            for area, sent in self.seen.items()
            if (count := sum(1 for one in sent.values() if one <= at_s))
        }


class FakeFeed:
    """Three messages a published second, so that pages have to keep seconds whole."""

    name = "fake"

    def __init__(self, world: World) -> None:
        self._world = world
        self._count = 0

    def day(self, day: date) -> list[Message]:
        made: list[Message] = []
        if not self._world.is_working_day(day):
            return made
        for second in range(27_000, 61_200, 300):
            for area in ("080", "082", "083"):
                self._count += 1
                at = midnight_s(day) + second
                body = json.dumps({"n": self._count, "area": area, "sent_s": at}).encode()
                made.append(Message(at, body))
        self._world.rng("fake", day).shuffle(made)
        return made

    def routes(self, served: Served) -> list[Route]:
        async def records(request: Request) -> Response:
            asked = request.query_params
            since = int(asked.get("session", "0"))
            if since < served.faults.session_epoch:
                return JSONResponse({"error": "session expired"}, 401)
            page = served.page(int(asked["after"]), int(asked["limit"]))
            shift = 7200 if served.faults.active("clock-skew") else 0
            rows = [{"position": at, **json.loads(one.body)} for at, one in page.messages]
            told = {"records": rows, "next": page.next, "more": page.more}
            return JSONResponse({**told, "upto": iso(page.upto_s + shift)})

        return [Route("/fake/records", records)]

    def truth(self) -> Truth:
        return FakeTruth()
