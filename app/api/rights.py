"""Rights: what every route needs of a token, in one table; one not in it is refused to a scope."""

from __future__ import annotations

from app.api.parts import ROOT

OPEN = "open"
ANY_TOKEN = "any token"
UNSTATED = "a token for every subject"
# Route → the right it needs. A test holds this table to the routes there are.
NEEDS = {
    f"{ROOT}/snapshot": "figures",
    f"{ROOT}/readings/latest": "figures",
    f"{ROOT}/readings/history": "figures",
    f"{ROOT}/readings/why": "figures",
    f"{ROOT}/score": "figures",
    f"{ROOT}/live": "figures",
    f"{ROOT}/areas": ANY_TOKEN,
    f"{ROOT}/codes": ANY_TOKEN,
    f"{ROOT}/subjects": ANY_TOKEN,
    f"{ROOT}/indicators": ANY_TOKEN,
    f"{ROOT}/openapi.json": ANY_TOKEN,
    f"{ROOT}/docs": ANY_TOKEN,
    f"{ROOT}/cases": "cases",
    f"{ROOT}/alerts": "alerts",
    f"{ROOT}/sources": "sources",
    f"{ROOT}/quarantine": "sources",
    f"{ROOT}/session": OPEN,  # shows a token itself
    "/metrics": "metrics",
    "/healthz": OPEN,
    "/readyz": OPEN,
}


def needs(path: str) -> str:
    """The pages hold no figures, so they are open; below the API nothing is by accident."""
    if path in NEEDS:
        return NEEDS[path]
    return UNSTATED if path.startswith("/api/") else OPEN
