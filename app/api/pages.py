"""Pages: the built screens as static files; every address that is no file is the screens' own."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

_NOT_BUILT = "The pages are not built. Run `make ui` and load this address again.\n"
_FOREVER = "public, max-age=31536000, immutable"


def pages(static_dir: Path | None) -> Route:
    """The last route: whatever no other one took."""
    root = static_dir.resolve() if static_dir is not None else None

    async def page(request: Request) -> Response:
        path = request.path_params["path"]
        if path == "api" or path.startswith("api/"):
            raise HTTPException(404)
        if root is None or not (root / "index.html").is_file():
            return PlainTextResponse(_NOT_BUILT, 503)
        found = _file(root, path)
        if found is not None and found.name != "index.html":
            hashed = path.startswith("assets/")
            return FileResponse(
                found, headers={"Cache-Control": _FOREVER if hashed else "no-cache"}
            )
        if path.startswith("assets/"):
            # A page of an older build asks for a file that is gone: HTML would be run as a script.
            raise HTTPException(404)
        return FileResponse(root / "index.html", headers={"Cache-Control": "no-cache"})

    return Route("/{path:path}", page, methods=["GET"])


def _file(root: Path, path: str) -> Path | None:
    if "\0" in path:
        return None
    found = (root / path).resolve()
    return found if found.is_relative_to(root) and found.is_file() else None
