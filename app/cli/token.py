"""``ioc token``: who may read from elsewhere; a secret is printed once and kept nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import TypeVar

import typer

from app.domain.access import EVERY_SUBJECT, RIGHTS, Grant
from app.domain.tokens import KINDS, make
from app.profile import load_profile, profile_folder
from app.settings import Settings, load_settings
from app.store.embedded import EmbeddedPostgres
from app.store.migrate import upgrade
from app.store.pool import open_pool
from app.store.tokens import Listed, PgTokens

T = TypeVar("T")
group = typer.Typer(no_args_is_help=True, help="Tokens of centres, walls and scrapers.")
_DAYS_AT_MOST = 366
_OF_KIND = {"centre": ("figures", "alerts"), "wall": ("figures", "alerts", "sources")}
_SUBJECT = typer.Option([], help="A subject and all below it, or '*'; repeat for several.")
_RIGHT = typer.Option([], help=f"One of {', '.join(RIGHTS)}; repeat for several.")
_FROM = typer.Option(None, formats=["%Y-%m-%d"], help="First day of the scope, in data time.")
_TO = typer.Option(None, formats=["%Y-%m-%d"], help="Last day of the scope, in data time.")


@group.command("add")
def add(
    name: str = typer.Argument(help="Whose it is, for the list."),
    subject: list[str] = _SUBJECT,
    right: list[str] = _RIGHT,
    kind: str = typer.Option("centre", help=f"One of {', '.join(KINDS)}."),
    days: int = typer.Option(365, help="Until it expires; a year at most."),
    valid_from: datetime | None = _FROM,
    valid_to: datetime | None = _TO,
) -> None:
    """Make a token and print it; nobody can print it again."""
    settings = load_settings()
    if kind not in KINDS:
        raise _wrong(f"kind {kind!r} is unknown; expected one of {', '.join(KINDS)}")
    rights = tuple(right) or _OF_KIND.get(kind, ("metrics",))
    for one in rights:
        if one not in RIGHTS:
            raise _wrong(f"right {one!r} is unknown; expected one of {', '.join(RIGHTS)}")
    if not 1 <= days <= _DAYS_AT_MOST:
        raise _wrong(f"days is {days}; expected 1 to {_DAYS_AT_MOST}; make a new one when it ends")
    grants = _grants(settings, subject, valid_from, valid_to)
    fresh = make(kind)

    async def write(tokens: PgTokens) -> None:
        await tokens.add(fresh, kind=kind, name=name, rights=rights, grants=grants, days=days)

    _with_tokens(settings, write)
    typer.echo(fresh.text)
    typer.echo(f"ioc: this is shown once; to end it: ioc token revoke {fresh.id}", err=True)


@group.command("list")
def listing() -> None:
    """Every token ever made, without its secret."""

    async def read(tokens: PgTokens) -> list[Listed]:
        return await tokens.listed()

    for t in _with_tokens(load_settings(), read):
        state = "alive" if t.alive else "revoked" if t.revoked else "expired"
        used = f"{t.used:%Y-%m-%d %H:%M}" if t.used else "never"
        typer.echo(
            f"{t.id}  {state:8} {t.kind:8} until {t.expires:%Y-%m-%d}  used {used:16}"
            f"  {','.join(t.rights)}  {','.join(t.subjects) or 'nothing'}  {t.name}"
        )


@group.command("rescope")
def rescope(
    token: str = typer.Argument(help="The id, as `ioc token list` shows it."),
    subject: list[str] = _SUBJECT,
    valid_from: datetime | None = _FROM,
    valid_to: datetime | None = _TO,
) -> None:
    """Other subjects for a token; what it holds open is closed within five seconds."""
    settings = load_settings()
    grants = _grants(settings, subject, valid_from, valid_to)
    if not _with_tokens(settings, lambda tokens: tokens.rescope(token, grants)):
        raise _wrong(f"no living token {token!r}; see `ioc token list`")


@group.command("revoke")
def revoke(token: str = typer.Argument(help="The id, as `ioc token list` shows it.")) -> None:
    """End a token; what it holds open is closed within five seconds."""
    if not _with_tokens(load_settings(), lambda tokens: tokens.revoke(token)):
        raise _wrong(f"no living token {token!r}; see `ioc token list`")
    typer.echo(f"ioc: token {token} is revoked")


def _grants(
    settings: Settings, subjects: list[str], begins: datetime | None, ends: datetime | None
) -> list[Grant]:
    known = load_profile(profile_folder(settings.profile)).subjects
    for one in subjects:
        if one != EVERY_SUBJECT and one not in known:
            raise _wrong(f"subject {one!r} is unknown; expected '*' or one like area:080")
    if not subjects:
        raise _wrong("no subject: say what it may see, --subject area:080 or --subject '*'")
    span: tuple[date | None, date | None] = (
        begins.date() if begins else None, ends.date() if ends else None,
    )  # fmt: skip
    return [Grant(one, *span) for one in subjects]


def _wrong(message: str) -> typer.Exit:
    typer.echo(f"ioc: {message}", err=True)
    return typer.Exit(2)


def _with_tokens(settings: Settings, ask: Callable[[PgTokens], Awaitable[T]]) -> T:
    """The running installation's database, else its own server for as long as this takes."""
    server = EmbeddedPostgres(settings.data_dir)
    url = settings.database_url or server.running()
    started = url is None
    try:
        address = url or server.start()
        upgrade(address)
        return asyncio.run(_asked(address, ask))
    finally:
        if started:
            server.stop()


async def _asked(address: str, ask: Callable[[PgTokens], Awaitable[T]]) -> T:
    pool = await open_pool(address, 1)
    try:
        return await ask(PgTokens(pool))
    finally:
        await pool.close()
