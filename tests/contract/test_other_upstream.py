"""Behind another upstream, written from the pages alone, the figures are those worked by hand."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.contract.other_upstream import Upstream, serve
from tests.contract.product import Product, product

WORKED = tomllib.loads((Path(__file__).parent / "worked.toml").read_text())["indicator"]
BEGIN = "2022-10-14T14:35:00+07:00"
RATE = 10
SECRET = "chia-khoa"


@pytest.fixture(scope="module")
def upstream() -> Upstream:
    return Upstream(datetime.fromisoformat(BEGIN), RATE, time.time(), SECRET)


@pytest.fixture(scope="module")
def running(upstream: Upstream) -> Iterator[Product]:
    server = serve(upstream)
    base = f"http://127.0.0.1:{server.server_address[1]}"
    clock = {
        "version": 1, "real_anchor": upstream.anchor, "data_anchor": BEGIN, "office_rate": RATE,
        "other_rate": RATE, "office_start": "07:30", "office_end": "17:00",
    }  # fmt: skip
    urls = {
        "public_service": base + "/mc", "documents": base + "/truc", "einvoice": base + "/thue/"
    }  # fmt: skip
    secrets = dict.fromkeys(
        ("IOC_PUBLIC_SERVICE_PASSWORD", "IOC_DOCUMENTS_SECRET", "IOC_EINVOICE_SECRET"), SECRET
    )
    with product(urls, clock, secrets) as serving:
        yield serving
    server.shutdown()
    server.server_close()


def _loaded(answer: dict[str, Any]) -> bool:
    return all(s["progress"] >= 1.0 and s["quality"] == "fresh" for s in answer["sources"])


def test_all_three_feeds_are_taken_whole_and_one_record_each_is_refused(running: Product) -> None:
    sources = running.wait_for("/api/v1/sources", _loaded, 50)["sources"]
    assert {s["id"]: s["quarantined"] for s in sources} == {
        "public_service": 1, "documents": 1, "einvoice": 1
    }  # fmt: skip


def test_what_was_refused_is_told_with_its_reason(running: Product) -> None:
    running.wait_for("/api/v1/sources", _loaded, 50)
    refused = running.wait_for("/api/v1/quarantine", lambda _: True, 5)
    told = str(refused)
    assert "TrangThai '11'" in told
    assert "StatusCode '07'" in told
    assert "a joint one whole, found '1101'" in told


@pytest.mark.parametrize("worked", WORKED, ids=lambda w: f"{w['id']} {w['period']}")
def test_the_figures_are_those_worked_out_by_hand(worked: dict[str, Any], running: Product) -> None:
    running.wait_for("/api/v1/sources", _loaded, 50)
    differences = {}
    for subject, figures in worked.items():
        if ":" not in subject:
            continue
        query = {"indicator": worked["id"], "subject": subject, "period": worked["period"]}
        answer = httpx2.get(
            f"{running.url}/api/v1/readings/latest", params=query, timeout=10, trust_env=False
        ).json()
        got = [_figures(reading, worked["id"]) for reading in answer["readings"]]
        if got != [figures]:
            differences[subject] = f"worked {figures}, shown {got}"
    assert not differences, f"{worked['why']}\n{differences}"


def _figures(reading: dict[str, Any], indicator: str) -> list[float]:
    assert reading["at"][:16] >= BEGIN[:16]
    assert reading["at"][:16] < "2022-10-14T14:59", "the hour is over: the machine is too slow"
    if indicator == "doc.register_median":
        return [reading["value"], reading["den"]]
    return [n for n in (reading["num"], reading["den"]) if n is not None]


def test_the_other_upstream_was_asked_as_the_pages_say(
    upstream: Upstream, running: Product
) -> None:
    running.wait_for("/api/v1/sources", _loaded, 50)
    # The first session lasts three requests, so one of the two feeds logged in twice.
    log_ins = [path for path in upstream.asked if path in ("/mc/auth", "/thue/token")]
    assert len(log_ins) == 3
    assert set(upstream.asked) == {
        "/mc/auth", "/mc/share", "/truc/packets", "/thue/token", "/thue/tonghop"
    }  # fmt: skip


def test_it_goes_on_where_it_stopped(upstream: Upstream, running: Product) -> None:
    before = running.wait_for("/api/v1/sources", _loaded, 50)["sources"]
    asked, deadline = len(upstream.asked), time.monotonic() + 20
    while set(upstream.asked[asked:]) < {"/mc/share", "/truc/packets", "/thue/tonghop"}:
        assert time.monotonic() < deadline, "no second poll in 200 s of data time"
        time.sleep(0.1)
    after = running.wait_for("/api/v1/sources", _loaded, 10)["sources"]
    assert [s["records"] for s in after] == [s["records"] for s in before]
    assert {path: cursor for path, cursor in upstream.cursors.items() if cursor in ("", "0")} == {}
