"""Report: what was measured, as tables for a person and as one line for a machine."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.store.questions import TIMES, Kind
from benchmarks.store.stage import BARE, OURS, PLAIN, PROMETHEUS, SEALING, VM, Seen

SEALED = "ours, sealed"
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
    for name in (OURS, VM, PROMETHEUS, PLAIN):
        if rates := seen.rates.get(name):
            row = (statistics.median(rates), min(rates), max(rates), _in_all(seen, name))
            print(f"{name:18}" + "".join(f"{r:>12,.0f}" for r in row), end="")
            print(f"{_show(faster(seen, OURS, name)):>8}")
    print(f"{SEALED:54}{_in_all(seen, SEALED):>12,.0f}")
    print("\ncores' seconds for a million points")
    for name in (OURS, SEALING, VM, PROMETHEUS, PLAIN):
        points = seen.written.get(OURS if name == SEALING else name)
        if points:
            print(f"{name:18}{seen.cpu_s[name] / points * 1e6:>12.3f}")
    print(f"\n{'bytes a point':18}{'kept':>12}{'log':>12}")
    for name, size in seen.size.items():
        print(f"{name:18}{size:>12.3f}{_show(wal(seen, name)):>12}")
    for name, size in sorted(seen.parts.items(), key=lambda p: -p[1]):
        print(f"  {name:16}{size:>12.4f}")
    print(f"\n{'ms p50 / p99':18}" + "".join(f"{n:>22}" for n in _TOLD.values()))
    for name in (OURS, BARE, VM, PROMETHEUS, PLAIN):
        if (name, "latest") in seen.ms:
            cells = [
                f"{p50(seen, name, k):.2f} / {_p99(seen.ms[name, k]):.1f} ({_each(seen, name, k)})"
                for k in _TOLD
            ]
            print(f"{name:18}" + "".join(f"{c:>22}" for c in cells))
    print("in brackets: values in an answer; the shelf: sealed history kept in memory\n")
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
    if one == SEALED and seen.rates.get(other):
        return _in_all(seen, one) / _in_all(seen, other)
    if not seen.rates.get(one) or not seen.rates.get(other):
        return None
    pairs = zip(seen.rates[one], seen.rates[other], strict=False)
    return statistics.median(a / b for a, b in pairs)


def wal(seen: Seen, name: str) -> float | None:
    """The log of all stages; None for a peer, which has a log of its own."""
    if name == OURS:
        return (seen.wal[OURS] + seen.wal[SEALING] + seen.wal["last seal"]) / seen.written[OURS]
    return seen.wal[name] / seen.written[name] if name == PLAIN else None


def p50(seen: Seen, name: str, kind: Kind) -> float | None:
    found = seen.ms.get((name, kind))
    return statistics.median(found) if found else None


def _over(seen: Seen, kind: Kind) -> float | None:
    ours, peer = p50(seen, OURS, kind), p50(seen, VM, kind)
    return peer / ours if ours and peer else None


def _in_all(seen: Seen, name: str) -> float:
    if name == SEALED:
        return seen.written[OURS] / (seen.seconds[OURS] + seen.seconds[SEALING])
    return seen.written[name] / seen.seconds[name]


def _each(seen: Seen, name: str, kind: Kind) -> int:
    return round(seen.values[name, kind] / len(seen.ms[name, kind]))


def _p99(found: Sequence[float]) -> float:
    return sorted(found)[min(len(found) - 1, int(len(found) * 0.99))]


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _show(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
