"""`holdfast`: run the service, look after it.

Results go to stdout, messages to stderr; `--json` everywhere.

Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 conflict, 5 unavailable.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from service import __version__
from service.cli import admin, books, demo, exports, fees, run, staff, tax
from service.domain.errors import Conflict, DatabaseRefused, HoldfastError, NotFound, Unavailable
from service.platform.config import ConfigError
from service.platform.db import ModeMismatch
from service.platform.db.migrate import MigrationRefused
from service.platform.db.programs import EmbeddedError
from service.policies import PolicyError

_EXITS: tuple[tuple[type[Exception], int], ...] = ((NotFound, 3), (Conflict, 4), (Unavailable, 5))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="holdfast")
@click.option(
    "--world",
    type=click.Path(path_type=Path),
    help="The folder of a demo to act on, when HOLDFAST_DATABASE_URL is not set.",
)
@click.pass_context
def cli(context: click.Context, world: Path | None) -> None:
    """Direct Contracts with protected payments. Start with `holdfast demo`."""
    looks_after = context.invoked_subcommand not in (
        "demo",
        "serve",
        "worker",
        "migrate",
        "fees",
        "verify",
    )
    if looks_after and not os.environ.get("HOLDFAST_DATABASE_URL"):
        os.environ.update(demo.environment_of(world or demo.default_folder()))


for _command in (
    demo.demo,
    run.serve,
    run.worker,
    run.migrate,
    admin.doctor,
    admin.keys,
    staff.staff,
    admin.events,
    admin.openapi,
    admin.jobs,
    books.ledger,
    books.clock,
    exports.export,
    exports.verify,
    fees.fees,
    tax.fx,
    tax.tax,
):
    cli.add_command(_command)


def main() -> None:
    """The program's entry: our own refusals become a sentence and an exit code, never a trace."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (ConfigError, EmbeddedError, MigrationRefused, ModeMismatch, PolicyError) as error:
        click.echo(f"holdfast: {error}", err=True)
        sys.exit(2 if isinstance(error, ConfigError | ModeMismatch) else 1)
    except DatabaseRefused as error:
        click.echo(f"holdfast: the database refuses HOLDFAST_DATABASE_URL: {error.said}", err=True)
        sys.exit(5)
    except HoldfastError as error:
        click.echo(f"holdfast: {error}", err=True)
        sys.exit(next((code for kind, code in _EXITS if isinstance(error, kind)), 1))
