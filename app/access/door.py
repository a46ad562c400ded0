"""Door: knows the living tokens by heart, and hears within a second when one ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date
from typing import Literal

import structlog

from app.domain.access import (
    ANYBODY,
    NotAdmitted,
    Pass,
    Visible,
    visible_on,
)
from app.domain.clock import Clock, local_date
from app.domain.disconnects import EXPIRED, NO_TOKEN, RESCOPED
from app.domain.indicator import Subject
from app.domain.tokens import Known, TokenStore, id_of, opens

log = structlog.get_logger("access")
LOOK_S = 1.0
# A token made a moment ago may be shown before the next look.
ASK_AGAIN_S = 0.25
USED_EVERY = 60
Anonymous = Literal["anywhere", "this_machine", "nowhere"]


class Door:
    """The gate of a web process. ``closing(token, code)`` ends what a token holds open."""

    def __init__(
        self,
        store: TokenStore,
        subjects: Mapping[str, Subject],
        clock: Clock,
        anonymous: Anonymous,
        closing: Callable[[str, int], None],
    ) -> None:
        self._store, self._subjects, self._clock = store, subjects, clock
        self._anonymous, self._closing = anonymous, closing
        self._known: dict[str, Known] = {}
        self._passes: dict[str, Pass] = {}
        self._ends_at: dict[str, float] = {}
        # Tokens of one scope share one value, so that what is made per scope is made once.
        self._shared: dict[Visible, Visible] = {}
        self._day: date | None = None
        self._used: set[str] = set()
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()

    async def run(self, stop: asyncio.Event) -> None:
        """Look every second until ``stop``; while the database is away the tokens known hold."""
        looks = 0
        while not stop.is_set():
            try:
                async with self._looking:
                    await self._look()
                looks += 1
                if self._used and looks % USED_EVERY == 0:
                    used, self._used = sorted(self._used), set()
                    await self._store.note_used(used)
            except Exception as error:  # any fault of the store: expiry is still judged
                log.warning("access waits for the database", error=repr(error))
                self._end_expired()
            try:
                await asyncio.wait_for(stop.wait(), LOOK_S)
            except TimeoutError:
                continue

    async def admit(self, *, presented: str | None, near: bool) -> Pass:
        """The pass of a token; without one, that of anybody where this is allowed."""
        if presented is None:
            if self._anonymous == "anywhere" or (near and self._anonymous == "this_machine"):
                return ANYBODY
            raise NotAdmitted(NO_TOKEN, "a token is needed here; ask for one: ioc token add")
        token = id_of(presented)
        if token is not None and token not in self._known:
            await self._ask_again()
        known = self._known.get(token or "")
        if known is None or not opens(presented, known.digest):
            raise NotAdmitted(EXPIRED, "this token is not alive: unknown, revoked or expired")
        self._end_expired()
        found = self._passes.get(known.id)
        if found is None:
            raise NotAdmitted(EXPIRED, "this token has expired; ask for a new one")
        self._used.add(known.id)
        return found

    async def _ask_again(self) -> None:
        """One read for all who wait: four a second at most, however many show what is unknown."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        async with self._looking:
            if self._looked_at < asked_at:
                await asyncio.sleep(self._looked_at + ASK_AGAIN_S - loop.time())
                await self._look()

    async def _look(self) -> None:
        """Read what lives, and close what lives no longer or sees something else now."""
        self._looked_at = asyncio.get_running_loop().time()
        found = {k.id: k for k in await self._store.alive()}
        day = date.fromisoformat(local_date(self._clock.now_s()))
        fresh: dict[str, Pass] = {}
        for token, known in found.items():
            held = self._known.get(token)
            same = held is not None and day == self._day and held.grants == known.grants
            visible = self._passes[token].visible if same else self._visible(known, day)
            fresh[token] = Pass(token, visible, known.rights)
        ended = [(t, EXPIRED) for t in self._passes if t not in fresh]
        changed = [(t, RESCOPED) for t, p in fresh.items() if self._passes.get(t, p) != p]
        self._known, self._passes, self._day = found, fresh, day
        self._ends_at = {t: self._looked_at + k.left_s for t, k in found.items()}
        for token, code in (*ended, *changed):
            self._closing(token, code)

    def _visible(self, known: Known, day: date) -> Visible:
        made = visible_on(known.grants, self._subjects, day)
        return self._shared.setdefault(made, made)

    def _end_expired(self) -> None:
        """By this process's own timer: neither a stepped clock nor a lost database prolongs."""
        now = asyncio.get_running_loop().time()
        for token in [t for t in self._passes if self._ends_at[t] <= now]:
            del self._passes[token], self._known[token], self._ends_at[token]
            self._closing(token, EXPIRED)
