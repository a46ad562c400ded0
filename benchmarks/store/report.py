"""Report: what was measured, as tables for a person and as one line for a machine."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.store.questions import TIMES, Kind
from benchmarks.store.stage import (
    BARE,
    BESIDE,
    LAST_SEAL,
    OURS,
    PLAIN,
    PROMETHEUS,
    SEALING,
    VM,
    VM_KEPT,
    Seen,
)

SEALED, CLOSED = "ours, sealed", "ours, all closed"
# What a point costs until it is sealed: as pieces while its bucket is open, then as its chunk; and
# until every bucket is closed, also those whose time had not come.
_STAGES = {SEALED: (OURS, BESIDE, SEALING), CLOSED: (OURS, BESIDE, SEALING, LAST_SEAL)}
_TOLD: dict[Kind, str] = {
    "latest": "latest of 2,000",
    "raw24h": "24 h raw",
    "d90": "90 d at 6 h",
    "s100x24h": "100 x 24 h at 5 min",
}


def print_report(seen: Seen) -> None:
    print(f"\n{seen.points:,} points\n")
    heads = "".join(f"{h:>12}" for h in ("median", "least", "most", "in all"))
    print(f"{'points a second':18}{heads}{'ours ÷':>8}")
    for name in (OURS, BESIDE, VM, PROMETHEUS, PLAIN):
        if rates := seen.rates[name]:
            every = rates.values()
            row = (statistics.median(every), min(every), max(every), _in_all(seen, name))
            print(f"{name:18}" + "".join(f"{r:>12,.0f}" for r in row), end="")
            print(f"{_show(faster(seen, OURS, name)):>8}")
    for name in _STAGES:
        print(f"{name:54}{_in_all(seen, name):>12,.0f}{_show(faster(seen, name, VM)):>8} x VM")
    print("\ncores' seconds for a million points")
    for name in (OURS, *_STAGES, VM, PROMETHEUS, PLAIN):
        points = _points(seen, name)
        if points:
            cpu_s = sum(seen.cpu_s[stage] for stage in _STAGES.get(name, (name,)))
            print(f"{name:18}{cpu_s / points * 1e6:>12.3f}")
    print(f"\n{'bytes a point':18}{'kept':>12}{'log':>12}")
    for name, size in seen.size.items():
        print(f"{name:18}{size:>12.3f}{_show(wal(seen, name)):>12}")
    for name, size in sorted(seen.parts.items(), key=lambda p: -p[1]):
        print(f"  {name:16}{size:>12.4f}")
    print(f"\n{'ms p50 / p99':18}" + "".join(f"{n:>22}" for n in _TOLD.values()))
    for name in (OURS, BARE, VM, VM_KEPT, PROMETHEUS, PLAIN):
        if (name, "latest") in seen.ms:
            cells = [
                f"{p50(seen, name, k):.2f} / {_p99(seen.ms[name, k]):.1f} ({_each(seen, name, k)})"
                for k in _TOLD
            ]
            print(f"{name:18}" + "".join(f"{c:>22}" for c in cells))
    print("in brackets: values in an answer; the shelf: sealed history and its sums in memory;")
    print("kept answers: without nocache=1, which all other figures of VictoriaMetrics are with\n")
    for name, value in seen.memory.items():
        print(f"{name:18}{value:>12.0f}")
    print()


def verdict(seen: Seen) -> dict[str, float | None]:
    """Ratios above 1: ours is better."""
    over = [_over(seen, kind) for kind in TIMES]
    return {
        "commit_vs_vm": _rounded(faster(seen, OURS, VM), 2),
        "sealed_vs_vm": _rounded(faster(seen, SEALED, VM), 2),
        "vs_on_conflict": _rounded(faster(seen, OURS, PLAIN), 1),
        "bytes_per_point": _rounded(seen.size.get(OURS), 3),
        "wal_bytes_per_point": _rounded(wal(seen, OURS), 2),
        "latest_ms": _rounded(p50(seen, OURS, "latest"), 3),
        "raw24h_ms": _rounded(p50(seen, OURS, "raw24h"), 3),
        "d90_ms": _rounded(p50(seen, OURS, "d90"), 3),
        "s100x24h_ms": _rounded(p50(seen, OURS, "s100x24h"), 3),
        "vm_over_ours_min": _rounded(
            None if None in over else min(o for o in over if o is not None), 2
        ),
    }


def faster(seen: Seen, one: str, other: str) -> float | None:
    """How often faster, as the median over slices: the two of a slice met the same machine.

    Sealing does not follow each slice, so with it the whole run counts.
    """
    if one in _STAGES and seen.written[other]:
        return _in_all(seen, one) / _in_all(seen, other)
    found, beside = seen.rates[one], seen.rates[other]
    pairs = [rate / beside[part] for part, rate in found.items() if part in beside]
    return statistics.median(pairs) if pairs else None


def wal(seen: Seen, name: str) -> float | None:
    """The log of all stages; None for a peer, which has a log of its own."""
    if name == OURS:
        return sum(seen.wal[stage] for stage in _STAGES[CLOSED]) / _points(seen, CLOSED)
    return seen.wal[name] / seen.written[name] if name == PLAIN else None


def p50(seen: Seen, name: str, kind: Kind) -> float | None:
    found = seen.ms.get((name, kind))
    return statistics.median(found) if found else None


def _over(seen: Seen, kind: Kind) -> float | None:
    ours, peer = p50(seen, OURS, kind), p50(seen, VM, kind)
    return peer / ours if ours and peer else None


def _in_all(seen: Seen, name: str) -> float:
    return _points(seen, name) / sum(seen.seconds[stage] for stage in _STAGES.get(name, (name,)))


def _points(seen: Seen, name: str) -> int:
    return sum(seen.written[stage] for stage in _STAGES.get(name, (name,)))


def _each(seen: Seen, name: str, kind: Kind) -> int:
    return round(seen.values[name, kind] / len(seen.ms[name, kind]))


def _p99(found: Sequence[float]) -> float:
    return sorted(found)[min(len(found) - 1, int(len(found) * 0.99))]


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _show(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
