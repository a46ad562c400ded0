"""The addresses that steer the simulated world and ask it for the truth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from collectors._world.calendar import iso, seconds_of
from collectors._world.faults import FAULTS, LOG_FAULTS
from collectors._world.pages import switchboard_page
from collectors._world.truth import Ask, evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from collectors._world.clock import Clock
    from collectors._world.faults import FaultBook, Interval
    from collectors._world.feed import Answer
    from collectors._world.server import Station
    from collectors._world.world import World

SINK = "sink"


class Control:
    """Clock, faults, ledger and truth of every feed."""

    def __init__(
        self, world: World, clock: Clock, book: FaultBook, stations: Mapping[str, Station]
    ) -> None:
        self._world = world
        self._clock = clock
        self._book = book
        self._stations = stations

    def routes(self) -> list[Route]:
        """Give the addresses."""
        return [
            Route("/", self._page),
            Route("/control/clock", self._told_clock),
            Route("/control/faults", self._faults),
            Route("/control/faults/{feed}/{fault}", self._switch, methods=["PUT", "DELETE"]),
            Route("/control/ledger", self._ledger),
            Route("/control/requests", self._requests),
            Route("/truth", self._truth),
            Route("/truth/evaluate", self._evaluate_request, methods=["POST"]),
        ]

    async def _page(self, request: Request) -> Response:
        del request
        feeds: list[tuple[str, tuple[str, ...], list[tuple[str, bool]]]] = [
            (name, station.oracle.indicators, [(f, station.faults.active(f)) for f in FAULTS])
            for name, station in self._stations.items()
        ]
        sink = self._book.of(SINK)
        feeds.append((SINK, (), [("outage", sink.active("outage"))]))
        world = f"seed {self._world.seed} · scale {self._world.scale:g}"
        page = switchboard_page(iso(self._clock.now()), self._clock.rate(), world, feeds)
        return HTMLResponse(page)

    async def _told_clock(self, request: Request) -> Response:
        del request
        now = self._clock.now()
        told = {"data_now": iso(now), "data_now_s": int(now), "rate": self._clock.rate()}
        return JSONResponse({**told, "seed": self._world.seed, "scale": self._world.scale})

    async def _requests(self, request: Request) -> Response:
        del request
        told = {name: station.faults.asked for name, station in self._stations.items()}
        return JSONResponse(told)

    async def _faults(self, request: Request) -> Response:
        del request
        feeds = [*self._stations, SINK]
        told = {
            feed: [_told(one, self._book.now_s()) for one in self._book.intervals(feed)]
            for feed in feeds
        }
        return JSONResponse({"known": list(FAULTS), "feeds": told})

    async def _switch(self, request: Request) -> Response:
        feed, fault = request.path_params["feed"], request.path_params["fault"]
        if feed != SINK and feed not in self._stations:
            return _problem(404, f"feed {feed!r} is not served; use one of {self._names()}")
        try:
            body = await request.body()
            asked = json.loads(body) if body and request.method == "PUT" else {}
            self._turn(feed, fault, asked, on=request.method == "PUT" and asked.get("on", True))
        except (ValueError, AttributeError) as error:
            return _problem(400, str(error))
        if fault in LOG_FAULTS and feed in self._stations:
            self._stations[feed].log.remake_today()
        told = [_told(one, self._book.now_s()) for one in self._book.intervals(feed)]
        return JSONResponse({"feed": feed, "fault": fault, "intervals": told})

    def _turn(self, feed: str, fault: str, asked: dict[str, Any], *, on: bool) -> None:
        if not on:
            self._book.switch_off(feed, fault)
            return
        until = asked.get("until")
        params = {key: str(asked[key]) for key in asked if key not in ("on", "until")}
        until_s = None if until is None else seconds_of(until)
        self._book.switch_on(feed, fault, params, until_s)

    def _ledger(self, request: Request) -> Response:
        known_s = int(self._clock.now()) - 1
        try:
            asked = request.query_params.get("known")
            known_s = min(known_s, seconds_of(asked)) if asked else known_s
        except ValueError as error:
            return _problem(400, f"known: expected an ISO 8601 instant ({error})")
        feeds = {}
        for name, station in self._stations.items():
            count = station.log.count(known_s)
            last = next(iter(station.log.read(count - 1, count)), None) if count else None
            feeds[name] = {
                "messages": count,
                "days": station.log.days,
                "last_published": iso(last[1].published_s) if last else None,
            }
        return JSONResponse({"known": iso(known_s), "feeds": feeds})

    def _truth(self, request: Request) -> Response:
        asked = request.query_params
        now_s = int(self._clock.now()) - 1
        try:
            known_s = min(now_s, seconds_of(asked["known"]) if asked.get("known") else now_s)
            at_s = seconds_of(asked["at"]) if asked.get("at") else known_s
            ask = Ask(asked["indicator"], asked["level"], asked["period"], at_s)
        except KeyError as error:
            return _problem(400, f"{error} is missing; give indicator, level, period [at, known]")
        except ValueError as error:
            return _problem(400, f"at, known: expected ISO 8601 instants ({error})")
        for station in self._stations.values():
            if ask.indicator in station.oracle.indicators:
                try:
                    answer = station.oracle.ask(ask, known_s)
                except (KeyError, ValueError) as error:
                    return _problem(422, f"{ask.indicator}, {ask.level}, {ask.period}: {error}")
                told = _answered(ask, answer)
                return JSONResponse({**told, "known": iso(known_s)})
        known = [one for station in self._stations.values() for one in station.oracle.indicators]
        return _problem(404, f"indicator {ask.indicator!r} is not known; use one of {known}")

    async def _evaluate_request(self, request: Request) -> Response:
        try:
            asked = json.loads(await request.body())
            station = self._stations[asked["feed"]]
            asks = [
                Ask(one["indicator"], one["level"], one["period"], seconds_of(one["at"]))
                for one in asked["asks"]
            ]
            answers = evaluate(station.feed.truth(), asked["messages"], asks)
        except (KeyError, TypeError, ValueError) as error:
            return _problem(400, f"expected feed, messages, asks: {type(error).__name__} {error}")
        told = [_answered(ask, answer) for ask, answer in zip(asks, answers, strict=True)]
        return JSONResponse({"answers": told})

    def _names(self) -> str:
        return ", ".join([*self._stations, SINK])


def _answered(ask: Ask, answer: Answer) -> dict[str, Any]:
    return {
        "indicator": ask.indicator,
        "level": ask.level,
        "period": ask.period,
        "at": iso(ask.at_s),
        "subjects": {
            subject: {"value": value, "num": num, "den": den}
            for subject, (value, num, den) in answer.items()
        },
    }


def _told(interval: Interval, now_s: int) -> dict[str, Any]:
    return {
        "fault": interval.fault,
        "on": interval.covers(now_s),
        "from": iso(interval.on_s),
        "until": None if interval.off_s is None else iso(interval.off_s),
        "params": interval.params,
    }


def _problem(status: int, detail: str) -> Response:
    return JSONResponse({"status": status, "detail": detail}, status)
