"""How commands answer: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.table import Table

from service.app import create_runtime
from service.cli.run import compare_mode
from service.core.context import Context, begin
from service.core.runtime import Runtime
from service.domain.identity import actors
from service.platform import config
from service.platform.config import ConfigError, Settings
from service.platform.db import Database


def runtime() -> Runtime:
    made = create_runtime(config.load(), lambda _: True)[0]
    compare_mode(made.db)
    return made


@contextmanager
def context(made: Runtime) -> Iterator[Context]:
    """An act of the operator at the command line."""
    with made.context("cli", actors.staff("cli")) as begun:
        yield begun


@contextmanager
def act_as_owner(made: Runtime) -> Iterator[Context]:
    """An act of whoever owns the database, for what the application's role may not do: keys of
    staff and marketplace.

    Raises ConfigError when HOLDFAST_OWNER_URL is not set.
    """
    owner = Database(owner_url(made.settings), role=None, mode=made.settings.mode)
    try:
        with owner.transaction() as session:
            yield begin(session, actors.staff("cli"), "cli", made.policies)
    finally:
        owner.dispose()


def owner_url(settings: Settings) -> str:
    if not settings.owner_url:
        raise ConfigError(
            "HOLDFAST_OWNER_URL is required here: keys of staff and of the marketplace are made "
            "by the owner of the database."
        )
    return settings.owner_url


def table(
    title: str, rows: Sequence[Mapping[str, object]], as_json: bool, following: str = ""
) -> None:
    """Print rows; JSON has them as they are."""
    if as_json:
        click.echo(json.dumps(rows, indent=2, default=str))
        return
    made = Table(title=title, title_justify="left")
    for name in rows[0] if rows else ():
        made.add_column(
            name.replace("_", " "), justify="right" if isinstance(rows[0][name], int) else "left"
        )
    for row in rows:
        made.add_row(*(str(value) for value in row.values()))
    Console().print(made if rows else f"{title}: none")
    if following:
        click.echo(following, err=True)
