"""Create: the routes of the API joined to one application."""

from __future__ import annotations

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import WebSocketRoute

from app.api.admission import Admission
from app.api.compare import compare
from app.api.figures import figures
from app.api.goals import goals
from app.api.guard import Guard
from app.api.land import land
from app.api.lists import counted, fed, stated
from app.api.manual import manual
from app.api.pages import pages
from app.api.parts import ROOT, ApiParts
from app.api.probes import probes
from app.api.problems import answer_problems
from app.api.ready import Ready
from app.api.score_why import score_why
from app.api.scores import scores
from app.api.session import session
from app.api.snapshot import Snapshots
from app.api.why import why


def create_api(parts: ApiParts) -> FastAPI:
    """REST, live channel, probes and pages as one ASGI application."""
    app = FastAPI(
        title="Intelligent Operations Center",
        version=parts.build,
        openapi_url=f"{ROOT}/openapi.json",
        docs_url=None,  # its page would load scripts from elsewhere; ours is the manual
        redoc_url=None,
        redirect_slashes=False,
    )
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    # The hub speaks bare ASGI and comes first: nothing of FastAPI stands in a frame's way.
    app.router.routes.insert(0, WebSocketRoute(f"{ROOT}/live", parts.live))
    snapshots = parts.snapshots or Snapshots(
        parts.profile,
        parts.clock,
        parts.readings,
        parts.changes,
        parts.sources,
        parts.alerts,
        parts.build,
    )
    app.state.snapshot = snapshots.text  # what wiring gives the hub
    app.include_router(figures(parts, snapshots))
    app.include_router(why(parts))
    app.include_router(scores(parts))
    app.include_router(goals(parts))
    app.include_router(score_why(parts))
    app.include_router(compare(parts))
    app.include_router(session(parts))
    for router in (land, stated, counted, fed):
        app.include_router(router(parts))
    ready = Ready(parts.ready)
    app.include_router(probes(parts, registry, ready))
    app.router.routes.append(manual(app))
    app.router.routes.append(pages(parts.static_dir))
    answer_problems(app)
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=4)
    if parts.gate is not None:
        app.add_middleware(Admission, gate=parts.gate)
    app.add_middleware(Guard, registry=registry, ready=ready)
    return app
