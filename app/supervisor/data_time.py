"""The demo's data time: it opens on a Monday morning, survives every stop and never goes back."""

from __future__ import annotations

import errno
import json
from datetime import datetime
from pathlib import Path

from app.domain.clock import MACHINE, ZONE, Clock, Machine, read_clock

OPENING_S = datetime(2022, 10, 3, 7, 30, tzinfo=ZONE).timestamp()
# Nights and weekends pass this much faster than office hours.
_OTHER_FACTOR = 20
_FASTEST = 10_000.0
# What a killed supervisor may have missed telling: the children die with it, not later.
LEASE_AHEAD_S = 2.0
LEASE_EVERY_S = 0.5
# The machine's clock was put back or forward: by more than the two clocks part by themselves.
_STEPPED_S = 0.25


class DataTimeLost(Exception):
    """The lease cannot be read; going on could take data time back."""


class DataTime:
    """Writes ``clock.json`` for every process, and a lease: the instant a next life begins at."""

    def __init__(self, data_dir: Path, speed: float, machine: Machine = MACHINE) -> None:
        self.clock_file = data_dir / "clock.json"
        self._lease = data_dir / "lease"
        self._machine = machine
        self._rates = (speed, min(_FASTEST, speed * _OTHER_FACTOR))
        self.begins_s = self._read_lease()
        self._parted_s = self._anchor(self.begins_s)
        self._clock = read_clock(self.clock_file, machine)
        self.mark()

    def mark(self, ahead_s: float = LEASE_AHEAD_S) -> None:
        """Promise that no process sees a later instant within ``ahead_s`` of real time."""
        if abs(self._machine.wall() - self._machine.steady() - self._parted_s) > _STEPPED_S:
            # Whoever reads the file from now on goes by the new wall time: same data time.
            self._parted_s = self._anchor(self._clock.now_s())
        _write(self._lease, {"data_s": _in(self._clock, ahead_s, max(self._rates))})

    def _anchor(self, data_s: float) -> float:
        """Tie data time to this moment of the wall; returns how far that is from what counts."""
        wall, steady = self._machine.wall(), self._machine.steady()
        _write(
            self.clock_file,
            {
                "version": 1,
                "real_anchor": wall,
                "data_anchor": datetime.fromtimestamp(data_s, ZONE).isoformat(),
                "office_rate": self._rates[0],
                "other_rate": self._rates[1],
                "office_start": "07:30",
                "office_end": "17:00",
            },
        )
        return wall - steady

    def close(self) -> None:
        """All processes have ended: the next life goes on from exactly here."""
        self.mark(0.0)

    def _read_lease(self) -> float:
        try:
            return float(json.loads(self._lease.read_text())["data_s"])
        except FileNotFoundError:
            return OPENING_S
        except (ValueError, KeyError, TypeError):
            raise DataTimeLost(
                f"{self._lease} does not tell the data time this installation had reached."
                ' Write the last instant shown on the wall into it, as {"data_s": seconds},'
                " or begin anew in another IOC_DATA_DIR."
            ) from None


def _in(clock: Clock, real_ahead_s: float, fastest: float) -> float:
    """The data time after some real seconds, whatever changes of pace lie between."""
    low = clock.now_s()
    high = low + real_ahead_s * fastest
    while high - low > 0.001:
        middle = (low + high) / 2
        if clock.real_seconds_until(middle) > real_ahead_s:
            high = middle
        else:
            low = middle
    return high


def _write(path: Path, told: dict[str, object]) -> None:
    """Replaced as a whole: a reader, or a kill, never meets half a file."""
    text = json.dumps(told)
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.write_text(text)
        fresh.replace(path)
    except OSError as full:
        if full.errno not in (errno.ENOSPC, errno.EDQUOT) or not path.exists():
            raise
        # The disk is full. These few bytes have their place on it: written over in one piece.
        with path.open("r+") as kept:
            kept.write(text.ljust(path.stat().st_size))
