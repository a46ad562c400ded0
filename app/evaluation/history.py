"""History: an indicator added today gets its past from the records that are already there."""

from __future__ import annotations

import asyncio

import structlog

from app.domain.period import bounds
from app.domain.profile import Profile
from app.evaluation.follow import PageLog, Readings
from app.evaluation.occasion import Occasion
from app.evaluation.source import SourceEvaluation

log = structlog.get_logger("evaluation")
PAGES_AT_ONCE = 200


async def backfill(source: str, profile: Profile, pages: PageLog, readings: Readings) -> int:
    """Judge every past day close of indicators that have none; gives how many closes.

    The values are those known now, and the watermark of each frame says so.
    """
    seq, at_s = await readings.place(source)
    evaluation = SourceEvaluation(source, profile)
    framed = await readings.framed(source)
    fresh = frozenset(i.id for i in evaluation.indicators) - framed
    if at_s is None or not fresh or not framed:
        return 0
    evaluation = SourceEvaluation(source, profile, fresh)
    began = profile.began_s
    evaluation.tally.start(began, began)
    done = watermark_s = 0
    while done < seq:
        for page in await pages.pages_since(source, done, PAGES_AT_ONCE):
            if page.seq <= seq:
                evaluation.tally.add(s for s in page.steps if evaluation.judges(s[2]))
                watermark_s = page.watermark_s
            done = page.seq
            await asyncio.sleep(0)
    closes, close = 0, bounds("day", began)[1]
    while close <= at_s:
        evaluation.tally.advance(close)
        judged = evaluation.judge(seq, watermark_s, Occasion(filling=True, bulk=True, day=True))
        await readings.commit_history(judged)
        closes, close = closes + 1, bounds("day", close + 1)[1]
    log.info("history judged", source=source, indicators=sorted(fresh), days=closes)
    return closes
