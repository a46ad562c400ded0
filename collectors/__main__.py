"""`python -m collectors`: every simulated upstream system as one real HTTP program."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from collectors._world.calendar import seconds_of
from collectors._world.clock import FileClock, own_clock
from collectors._world.server import Place, build, find_feeds
from collectors._world.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collectors._world.clock import Clock


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop."""
    told = _parser().parse_args(argv)
    try:
        world = World(told.seed, told.scale, told.gaming)
        feeds = find_feeds(world, [name for name in told.only.split(",") if name])
        place = Place(told.host, told.smtp_port, told.data_dir)
        app = build(world, _clock(told), feeds, place)
    except (ValueError, OSError, KeyError) as error:
        sys.stderr.write(f"collectors: {error}\n")
        return 2
    # Cutting a connection on purpose (outage, mode close) is not an error worth a line.
    logging.getLogger("uvicorn.error").addFilter(
        lambda line: "without completing response" not in line.getMessage()
    )
    uvicorn.run(
        app,
        host=told.host,
        port=told.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m collectors", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--smtp-port", type=int, help="where mails arrive; none without it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=0.1, help="1: about a province's load")
    parser.add_argument("--clock-file", type=Path, help="a clock.json that another program writes")
    parser.add_argument("--start", default="2022-10-03T07:30:00", help="data time at first start")
    parser.add_argument("--speed", type=float, default=60.0, help="1 to 10000, when run alone")
    parser.add_argument("--data-dir", type=Path, help="keeps clock and faults over a restart")
    parser.add_argument("--gaming", default="", help="an agency that closes files, then reopens")
    parser.add_argument("--only", default="", help="names of feeds, with commas between")
    return parser


def _clock(told: argparse.Namespace) -> Clock:
    if told.clock_file is not None:
        return FileClock(told.clock_file)
    if told.data_dir is not None:
        told.data_dir.mkdir(parents=True, exist_ok=True)
    return own_clock(seconds_of(told.start), told.speed, told.data_dir)


if __name__ == "__main__":
    sys.exit(main())
