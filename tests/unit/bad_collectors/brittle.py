"""No."""

from __future__ import annotations

import json
import time

from app.plugin import Feed, Page

API_VERSION = 1
_token: list[str] = []


async def collect(feed: Feed, since: str) -> Page:
    time.sleep(0.3)  # the loop belongs to everybody
    if not _token:
        login = await feed.request(
            "POST", "/token", body=b"client_id=ioc-laocai&client_secret=mo-phong",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        _token.append(json.loads(login.body)["access_token"])
    reply = await feed.request(
        "GET", "/tonghop", params={"after": since or "0", "limit": "5000"},
        headers={"Authorization": f"Bearer {_token[0]}"},
    )  # fmt: skip
    end = reply.body.index(b"<TiepTheo>") + 10
    cursor = reply.body[end : reply.body.index(b"</TiepTheo>")].decode()
    return Page((), (), cursor, b"<ConNua>1" in reply.body, int(time.monotonic()), 0, "")
