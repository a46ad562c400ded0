"""Database: the address a command works with, started for it where nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.settings import Settings
from app.store.embedded import EmbeddedPostgres
from app.store.migrate import upgrade


@contextmanager
def database(settings: Settings) -> Iterator[Settings]:
    """The settings with the address filled in; an installation that runs goes on running."""
    server = EmbeddedPostgres(settings.data_dir)
    url = settings.database_url or server.running()
    started = url is None
    try:
        url = url or server.start()
        if started:
            # Nobody else brings it to the newest schema, and a running one is there already.
            upgrade(url)
        yield settings.model_copy(update={"database_url": url})
    finally:
        if started:
            server.stop()
