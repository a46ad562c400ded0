"""The two pages a person opens in the simulators' program: the switchboard and the sink."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_HEAD = """<!doctype html><html lang="vi"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>
body{{font:15px/1.5 "IBM Plex Sans",system-ui,sans-serif;margin:2rem auto;max-width:70rem;
padding:0 1rem;color:#1c2227;background:#f4f5f6}}
h1{{font-size:1.4rem}}h2{{font-size:1.1rem;margin:2rem 0 .5rem}}
table{{border-collapse:collapse;width:100%;background:#fff}}
td,th{{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #dde1e4;vertical-align:top}}
button{{font:inherit;padding:.15rem .6rem;margin:.1rem;border:1px solid #9aa4ab;border-radius:3px;
background:#fff;cursor:pointer}}button[aria-pressed=true]{{background:#8c2f2f;color:#fff}}
pre{{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;max-height:14rem;overflow:auto}}
small{{color:#5b666e}}</style>
<main>
"""
_SCRIPT = """<script>
for (const b of document.querySelectorAll('button[data-path]')) b.onclick = async () => {
  const on = b.getAttribute('aria-pressed') !== 'true';
  await fetch(b.dataset.path, {method: on ? 'PUT' : 'DELETE',
    headers: {'Content-Type': 'application/json'}, body: on ? '{"on":true}' : undefined});
  location.reload();
};
</script>"""


def switchboard_page(
    now: str,
    rate: float,
    world: str,
    feeds: Iterable[tuple[str, Sequence[str], Sequence[tuple[str, bool]]]],
) -> str:
    """List the feeds with their indicators and a button for each fault."""
    parts = [
        _HEAD.format(title="Hệ thống mô phỏng"),
        "<h1>DỮ LIỆU MÔ PHỎNG · Simulated upstream systems</h1>",
        f"<p>{escape(now)} · ×{rate:g} · {escape(world)}</p>",
    ]
    for name, indicators, faults in feeds:
        parts.append(f"<h2>{escape(name)}</h2><p><small>{escape(', '.join(indicators))}</small><p>")
        parts += [
            f'<button data-path="/control/faults/{escape(name)}/{escape(fault)}" '
            f'aria-pressed="{str(on).lower()}">{escape(fault)}</button>'
            for fault, on in faults
        ]
    parts.append(
        '<h2>Addresses</h2><p><a href="/sink">/sink</a> · <a href="/sink/messages">'
        '/sink/messages</a> · <a href="/control/clock">/control/clock</a> · '
        '<a href="/control/faults">/control/faults</a> · '
        '<a href="/control/ledger">/control/ledger</a></p>'
    )
    return "".join(parts) + _SCRIPT


def sink_page(messages: Sequence[dict[str, Any]]) -> str:
    """List mails and webhooks, the youngest first."""
    rows = [
        "<tr>"
        f"<td>{one['number']}<td>{escape(one['channel'])}"
        f"<td>{escape(one['data_time'])}<br><small>{escape(one['received'])}</small>"
        f"<td>{escape(one['key'])}{_repeat(one['repeats'])}"
        f"<td>{escape(one['to'])}<br>{escape(one['subject'])}"
        f"<td><pre>{escape(one['body'])}</pre>"
        for one in messages
    ]
    head = "<tr><th>#<th>Kênh<th>Lúc<th>Idempotency-Key<th>Đến<th>Nội dung"
    title = "Thư và webhook đã nhận"
    return (
        _HEAD.format(title=title)
        + f"<h1>{title} ({len(rows)})</h1><p><a href='/'>Hệ thống mô phỏng</a></p>"
        + f"<table>{head}{''.join(rows)}</table>"
    )


def _repeat(repeats: int) -> str:
    return f"<br><small>lặp lại lần {repeats}</small>" if repeats else ""
