"""Problems: every error as RFC 9457, naming the thing, what was expected and the next step."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.api.models import Problem

log = structlog.get_logger("api")
_TITLES = {
    401: "A token is needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    422: "A value of the request is not usable",
    500: "The server failed",
    503: "Not available now",
}
_NEXT = "see /api/v1/openapi.json for what there is"
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "model": Problem,
        "description": _TITLES[status],
        "content": {"application/problem+json": {}},
    }
    for status in (401, 403, 404, 422, 500, 503)
}


class Refused(Exception):
    """A request that cannot be answered as asked."""

    def __init__(self, status: int, detail: str, parameter: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.parameter = parameter


def unknown(parameter: str, value: str, known: Iterable[str], where: str) -> Refused:
    """A value that names nothing: 404 with what there is."""
    names = sorted(known)
    near = names if len(names) <= 20 else get_close_matches(value, names, 5) or names[:5]
    shown = ", ".join(near) + (", …" if len(near) < len(names) else "")
    detail = f"{parameter} {value!r} is unknown; expected one of {shown}; {where}"
    return Refused(404, detail, parameter)


def problem(
    status: int, detail: str, path: str, errors: list[dict[str, str]] | None = None
) -> JSONResponse:
    body = {
        "type": "about:blank",
        "title": _TITLES.get(status, "The request failed"),
        "status": status,
        "detail": detail,
        "instance": path,
    }
    if errors:
        body["errors"] = errors
    headers = {"Retry-After": "2"} if status == 503 else None
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def answer_problems(app: FastAPI) -> None:
    """Register the handlers; what is left over is answered by the guard."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    named = [{"parameter": error.parameter, "message": error.detail}] if error.parameter else None
    return problem(error.status, error.detail, request.url.path, named)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    path = request.url.path
    if error.status_code == 404:
        detail = f"{path} is not an address of this API; {_NEXT}"
    elif error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "GET")
        detail = f"{request.method} is not allowed on {path}; use {allowed}; {_NEXT}"
    else:
        detail = f"{path}: {error.detail}; {_NEXT}"
    answer = problem(error.status_code, detail, path)
    answer.headers.update(error.headers or {})
    return answer


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"parameter": ".".join(str(p) for p in e["loc"][1:]), "message": str(e["msg"])}
        for e in error.errors()
    ]
    told = "; ".join(f"{e['parameter']}: {e['message']}" for e in errors)
    return problem(422, f"{told}; {_NEXT}", request.url.path, errors)


def away(path: str, error: Exception) -> JSONResponse:
    """For what fails while the database does not answer."""
    log.warning("a request met no database", path=path, error=repr(error))
    detail = "the database does not answer; expected it within seconds; ask again after 2 s"
    return problem(503, detail, path)


def failed(path: str, error: Exception) -> JSONResponse:
    """For what no handler took; the trace goes to the log, never to the client."""
    log.error("a request failed", path=path, error=repr(error), exc_info=error)
    return problem(500, f"{path} failed; expected an answer; see the server's log", path)
