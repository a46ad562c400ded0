"""Outbox: one loop a receiver takes its messages under a lease and sends each until it is decided.

A message is sent, superseded, or dead (refused, or undeliverable for a day). After a crash or an
unclear answer it is sent again under the same key, which lets the receiver drop the second copy.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from app.domain.alerting import Leased, OutboxStore
from app.notify.channel import Receiver, Refused, RetryLater

log = structlog.get_logger(__name__)
POLL_S = 1.0
SEND_S = 40.0  # longest a channel may take
LEASE_S = 60.0  # longer than any send, so that a living worker never loses its lease
FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 300.0
GIVE_UP_S = 24 * 3600.0
EXPIRE_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What the worker needs; ``chance`` gives numbers in 0..1 for the jitter."""

    store: OutboxStore
    receivers: Sequence[Receiver]
    chance: Callable[[], float] = random.random


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Send until ``stop``; receivers do not wait for each other."""
    async with asyncio.TaskGroup() as group:
        for receiver in parts.receivers:
            group.create_task(_serve(parts, receiver, stop))
        group.create_task(_expire(parts, stop))


async def step(parts: Parts, receiver: Receiver) -> bool:
    """Send one message; False when none is due."""
    leased = await parts.store.lease(receiver.id, LEASE_S)
    if leased is None:
        return False
    try:
        async with asyncio.timeout(SEND_S):
            await receiver.send(leased.notice, leased.key)
    except Refused as refused:
        await _give_up(parts, leased, str(refused))
    except (RetryLater, TimeoutError) as unclear:
        asked = unclear.after_s if isinstance(unclear, RetryLater) else None
        await _try_later(parts, leased, str(unclear) or "no answer in time", asked)
    except Exception as error:  # a channel's own mistake must not stop the others
        await _try_later(parts, leased, repr(error), None)
    else:
        await parts.store.sent(leased)
        log.info("notice sent", receiver=receiver.id, key=leased.key, attempts=leased.attempts)
    return True


def delay_s(attempts: int, asked_s: float | None, chance: float) -> float:
    """Full jitter from 1 s to 5 min, doubling; never before the receiver asked, at most a day."""
    widest = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(attempts, 16))
    jittered = FIRST_DELAY_S + chance * (widest - FIRST_DELAY_S)
    return min(GIVE_UP_S, max(jittered, asked_s or 0.0))


async def _try_later(parts: Parts, leased: Leased, error: str, asked_s: float | None) -> None:
    if leased.age_s > GIVE_UP_S:
        await _give_up(parts, leased, f"undeliverable for a day: {error}")
        return
    wait_s = delay_s(leased.attempts, asked_s, parts.chance())
    await parts.store.later(leased, wait_s, error)
    log.warning("notice waits", key=leased.key, error=error, seconds=round(wait_s, 1))


async def _give_up(parts: Parts, leased: Leased, error: str) -> None:
    await parts.store.dead(leased, error)
    log.error("notice not delivered", key=leased.key, receiver=leased.receiver, error=error)


async def _serve(parts: Parts, receiver: Receiver, stop: asyncio.Event) -> None:
    wait_s = POLL_S
    while not stop.is_set():
        try:
            if not await step(parts, receiver):
                await _sleep(stop, POLL_S)
            wait_s = POLL_S
        except Exception as error:  # the database is away; leases keep the work
            log.warning("outbox waits", receiver=receiver.id, error=repr(error), seconds=wait_s)
            await _sleep(stop, wait_s)
            wait_s = min(10.0, wait_s * 2)


async def _expire(parts: Parts, stop: asyncio.Event) -> None:
    """Messages for receivers that are no longer configured must not wait for ever."""
    while not stop.is_set():
        try:
            for key in await parts.store.expire(GIVE_UP_S):
                log.error("notice not delivered", key=key, error="undeliverable for a day")
        except Exception as error:  # the next round tries again
            log.warning("outbox waits", error=repr(error))
        await _sleep(stop, EXPIRE_EVERY_S)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


__all__ = ["Parts", "delay_s", "run", "step"]
