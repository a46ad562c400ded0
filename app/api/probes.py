"""Probes: is the process alive, can it serve, and what does it measure."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from app.api import models
from app.api.figures import json
from app.api.parts import ApiParts
from app.api.problems import RESPONSES, Refused
from app.api.ready import Ready
from app.domain.clock import RealClock
from app.domain.shape import qualities
from app.domain.source import progress

READY_WITHIN_S = 3.0


def probes(parts: ApiParts, registry: CollectorRegistry, ready: Ready) -> APIRouter:
    """``/healthz``, ``/readyz``, ``/metrics``."""
    router = APIRouter(responses=RESPONSES, tags=["probes"])
    gauges = _SourceGauges(parts, registry, ready)
    # Several processes answer at one address, each for itself: every number says whose it is.
    named = {"process": parts.process} if parts.process else {}
    shown = _Named(registry, named) if named else registry
    if parts.gauges is not None:
        registry.register(_Shared(parts))

    @router.get("/healthz", response_model=models.Status)
    async def healthz() -> Response:
        """The process answers."""
        return json({"status": "ok"} | named)

    @router.get("/readyz", response_model=models.Status)
    async def readyz() -> Response:
        """The process can serve: its database answers, and takes what is collected."""
        if not await ready.within(READY_WITHIN_S):
            raise Refused(503, "the database does not answer; expected it; see its own log")
        refusal = (await parts.sources.pulse()).refusal
        if refusal is not None:
            what = f"the database takes nothing ({refusal}); give it room:"
            raise Refused(503, f"{what} all goes on by itself, the sources keep their data so long")
        return json({"status": "ready"} | named)

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """OpenMetrics."""
        await gauges.refresh()
        text = generate_latest(shown)  # type: ignore[no-untyped-call]
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router


class _Named:
    """Every sample of a registry with one more label."""

    def __init__(self, registry: CollectorRegistry, label: dict[str, str]) -> None:
        self._registry, self._label = registry, label

    def collect(self) -> Iterable[Metric]:
        for metric in self._registry.collect():
            metric.samples = [s._replace(labels=s.labels | self._label) for s in metric.samples]
            yield metric


class _Shared:
    """Numbers another room of the process keeps."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def collect(self) -> Iterable[Metric]:
        for name, value in (self._parts.gauges or dict)().items():
            yield GaugeMetricFamily(f"ioc_{name.removesuffix('_total')}", name, value)


class _SourceGauges:
    """Freshness and progress of every source, asked for when they are scraped."""

    def __init__(self, parts: ApiParts, registry: CollectorRegistry, ready: Ready) -> None:
        self._parts, self._ready = parts, ready
        label = ["source"]
        self._age = Gauge(
            "ioc_source_age_seconds", "Data time since the watermark", label, registry=registry
        )
        self._progress = Gauge("ioc_source_progress", "Share loaded", label, registry=registry)
        self._fresh = Gauge(
            "ioc_source_quality", "1 for the quality it has", ["source", "quality"],
            registry=registry,
        )  # fmt: skip
        self._records = Gauge("ioc_source_records", "Records stored", label, registry=registry)
        self._aside = Gauge("ioc_source_quarantined", "Records set aside", label, registry=registry)
        self._term = Gauge(
            "ioc_worker_term", "Grows with every worker that takes over", registry=registry
        )
        self._apart = Gauge(
            "ioc_clock_apart_seconds", "Data time less the machine's clock, since that was set",
            registry=registry,
        )  # fmt: skip
        self._up = Gauge("ioc_database_up", "1 while the database answers", registry=registry)

    async def refresh(self) -> None:
        try:
            # Asked first: what is asked of a server that hangs cannot be given up.
            up = await self._ready.within(READY_WITHIN_S)
            healths = {h.id: h for h in await self._parts.sources.health()} if up else {}
            if up:
                self._term.set((await self._parts.sources.pulse()).term)
        except Exception:  # A scrape is answered whatever the database does; the gauge says it.
            up, healths = False, {}
        self._up.set(int(up))
        if not up:
            return
        profile, clock = self._parts.profile, self._parts.clock
        now = clock.now_s()
        self._apart.set(clock.apart_s() if isinstance(clock, RealClock) else 0)
        self._fresh.clear()
        for source, quality in qualities(profile, healths, now, clock.rate()).items():
            self._fresh.labels(source, quality).set(1)
            health = healths.get(source)
            self._progress.labels(source).set(progress(health, now))
            if health is not None:
                self._records.labels(source).set(health.records)
                self._aside.labels(source).set(health.quarantined)
                if health.watermark_s is not None:
                    self._age.labels(source).set(now - health.watermark_s)
