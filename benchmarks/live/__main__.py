"""The live channel against its peers, in one interleaved run; ends with one JSON line.

    python -m benchmarks.live [--rounds 3] [--without-paint] [--dead-readers 600]

The same 378 bytes to every reader; the server has one core, the readers the other. The cost of a
message is measured with more offered than anybody can deliver, so that each shows what its core
can do; delays, memory and losses are measured at ten messages a second.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from typing import Any

from benchmarks.live.measure import ROOT, Readers, Server, compiled, install_peers, serving

KINDS = ("limit", "ours", "ws", "broadcast", "nats", "naive", "socketio")
CLIENTS, HZ = 1000, 10.0
OFFERED_HZ = 500.0  # a plain send() loop ends below it
WARM_S, FOR_S = 1.0, 4.0

# From the call that stores a figure, and from the answer to it; at 10 and at 500 a second.
_PAINT = [
    f"paint_{pace}{begin}{share}_ms"
    for pace in ("", "500_")
    for begin in ("", "after_commit_")
    for share in ("p50", "p99")
]


def run(server: Server, clients: int, for_s: float, *options: str) -> dict[str, Any]:
    """What the readers say of one window, with the server's CPU and memory beside it."""
    before_kb = server.rss_kb()
    readers = Readers(server, clients, WARM_S, for_s, *options)
    readers.counting()
    spent, full_kb, began = server.cpu_s(), server.rss_kb(), time.monotonic()
    time.sleep(for_s - 0.2)
    spent, lasted = server.cpu_s() - spent, time.monotonic() - began
    grown_kb = server.rss_kb() - full_kb
    told = readers.end()
    told["cpu_us"] = spent / lasted * for_s * 1e6 / max(1, told["messages"])
    told["cores"] = spent / lasted
    told["rss_kb"] = (full_kb - before_kb) / clients
    told["grown_kb"] = grown_kb
    return told


def cpu(kinds: list[str], rounds: int) -> dict[str, float]:
    """CPU a delivered message at 1,000 readers, median of interleaved rounds."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _ in range(rounds):
        for kind in kinds:
            with serving(kind, OFFERED_HZ, CLIENTS) as server:
                found[kind].append(run(server, CLIENTS, FOR_S))
    print(f"\n{CLIENTS} readers, {OFFERED_HZ:g} messages a second offered (median of {rounds})")
    print(f"{'server':<11}{'us/message':>11}{'least':>8}{'most':>8}{'messages/s':>12}"
          f"{'a CPU second':>14}{'cores':>7}")  # fmt: skip
    medians = {}
    for kind, told in found.items():
        costs = [t["cpu_us"] for t in told]
        medians[kind] = statistics.median(costs)
        rate = statistics.median(t["messages"] / FOR_S for t in told)
        cores = statistics.median(t["cores"] for t in told)
        print(f"{kind:<11}{medians[kind]:>11.2f}{min(costs):>8.2f}{max(costs):>8.2f}{rate:>12,.0f}"
              f"{1e6 / medians[kind]:>14,.0f}{cores:>7.2f}")  # fmt: skip
    return medians


def many(rounds: int, clients: int) -> dict[str, float]:
    """Many readers at 10 Hz from one process, beside a plain send() loop."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _ in range(rounds):
        for kind in ("limit", "ours") if compiled("limit") else ("ours",):
            with serving(kind, HZ, clients) as server:
                found[kind].append(run(server, clients, FOR_S))
    print(f"\n{clients:,} readers, {HZ:g} messages a second to each")
    print(f"{'server':<11}{'delivered':>11}{'p50 ms':>9}{'p99 ms':>9}{'cores':>8}{'kB/reader':>11}")
    medians: dict[str, dict[str, float]] = {}
    for kind, told in found.items():
        row = {k: statistics.median(t[k] for t in told) for k in ("p50_ms", "p99_ms", "cores")}
        # Every reader has had every message of the window but the one at its edge.
        row["share"] = min(t["messages"] / (clients * HZ * FOR_S) for t in told)
        row["rss_kb"] = statistics.median(t["rss_kb"] for t in told)
        medians[kind] = row
        print(f"{kind:<11}{row['share']:>11.1%}{row['p50_ms']:>9.1f}{row['p99_ms']:>9.1f}"
              f"{row['cores']:>8.2f}{row['rss_kb']:>11.1f}")  # fmt: skip
    ours = medians["ours"]
    limit = medians.get("limit")
    return {
        "delivered_10k_share": round(min(1.0, ours["share"]), 4),
        "p99_vs_c_10k": round(ours["p99_ms"] / limit["p99_ms"], 2) if limit else float("nan"),
        "rss_kb_per_conn": round(ours["rss_kb"], 1),
    }


def storm(rounds: int, clients: int) -> float:
    """Seconds until so many who connect at once all hold a fresh snapshot of 200 tiles.

    Like browsers they take it compressed.
    """
    took = []
    for _ in range(rounds):
        with serving("ours", HZ, clients) as server:
            told = Readers(server, clients, 0, 60, "deflate=1", "until=snapshot").end()
            if told["finished"] != clients:
                raise RuntimeError(f"only {told['finished']} of {clients} had a snapshot: {told}")
            took.append(told["total_s"])
    print(f"\n{clients:,} connect at once, each gets a snapshot: {statistics.median(took):.2f} s")
    return statistics.median(took)


def stalled(rounds: int) -> float:
    """p99 of the others when 5 % never read, against none who do not."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for _ in range(rounds):
        for dead in (0, CLIENTS // 20):
            with serving("ours", HZ, CLIENTS) as server:
                found[dead].append(run(server, CLIENTS, FOR_S, f"stalled={dead}"))
    healthy, beside = (statistics.median(t["p99_ms"] for t in f) for f in found.values())
    grown = max(t["grown_kb"] for t in found[CLIENTS // 20])
    print(f"\n5 % never read: p99 of the others {beside:.2f} ms, without them {healthy:.2f} ms;"
          f" memory grows by {grown} kB in {FOR_S:g} s")  # fmt: skip
    return beside / healthy


def dead_readers(for_s: float) -> dict[str, float]:
    """The same for as long as asked, with the memory of the server looked at all the time."""
    dead = CLIENTS // 20
    with serving("ours", HZ, CLIENTS) as server:
        alone = run(server, CLIENTS, FOR_S)
    with serving("ours", HZ, CLIENTS) as server:
        readers = Readers(server, CLIENTS, 5 * WARM_S, for_s, f"stalled={dead}")
        readers.counting()
        seen, until = [server.rss_kb()], time.monotonic() + for_s
        while (left := until - time.monotonic()) > 1:
            time.sleep(min(left - 0.5, 5.0))
            seen.append(server.rss_kb())
        told = readers.end()
    share = told["messages"] / ((CLIENTS - dead) * HZ * for_s)
    print(f"{dead} of {CLIENTS} never read for {for_s:g} s: the others got {share:.1%}, p99"
          f" {told['p99_ms']:.1f} ms (without them {alone['p99_ms']:.1f}); memory {seen[0]} kB,"
          f" {max(seen)} at most, {seen[-1]} at the end")  # fmt: skip
    return {
        "dead_readers_s": for_s,
        "dead_readers_p99": round(told["p99_ms"] / alone["p99_ms"], 2),
        "dead_readers_share": round(share, 4),
        "dead_readers_grown_kb": seen[-1] - seen[0],
    }


def slow_link() -> float:
    """Age in seconds of what one reader sees whose link is 3.5 times too slow."""
    hz, tiles, rate = 365.0, 40, 365 * 378 / 3.5
    with serving("ours", hz, 20, tiles) as server:
        told = Readers(server, 20, 5, 15, f"slow={rate:.0f}").end()
    print(f"\na link 3.5 times too slow ({rate / 1000:.0f} of {hz * 0.378:.0f} kB/s)")
    print(f"data is {told['slow_p50_ms']:.0f} ms old (median), {told['slow_max_ms']:.0f} at most")
    return float(told["slow_max_ms"]) / 1000


def paint() -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.paint_commit"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    print(done.stdout)
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1]) if done.stdout else {}
    return {k: told.get(k) for k in _PAINT}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--many", type=int, default=9500 if _files() < 10_200 else 10_000)
    parser.add_argument("--without-paint", action="store_true")
    parser.add_argument("--dead-readers", type=float, metavar="SECONDS", help="only these: 600")
    chosen = parser.parse_args()
    if chosen.dead_readers:
        print(json.dumps(dead_readers(chosen.dead_readers)))
        return 0
    peers = install_peers() | {"ours"}
    costs = cpu([k for k in KINDS if k in peers], chosen.rounds)

    def times(peer: str) -> float | None:
        return round(costs[peer] / costs["ours"], 2) if peer in costs else None

    result: dict[str, Any] = {
        "cpu_vs_naive": times("naive"),
        "cpu_vs_socketio": times("socketio"),
        "cpu_vs_ws": times("ws"),
        "of_c_limit": times("limit"),
        **many(chosen.rounds, chosen.many),
        "storm_10k_s": round(storm(chosen.rounds, chosen.many), 2),
    }
    ratio = stalled(chosen.rounds)
    print(f"p99 beside dead readers: {ratio:.2f} x")
    result["slow_link_age_s"] = round(slow_link(), 2)
    result |= dict.fromkeys(_PAINT)
    if not chosen.without_paint:
        result |= paint()
    print(json.dumps(result))
    return 0


def _files() -> int:
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


if __name__ == "__main__":
    sys.exit(main())
