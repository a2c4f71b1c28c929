"""Looking after it: `doctor`, `keys`, `events`, `jobs`, `openapi`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click
from sqlalchemy import select, text

from service.api.framework.openapi import as_yaml
from service.app import create_app
from service.cli import show
from service.core import queue, staff_tasks
from service.core.runtime import Runtime
from service.domain.errors import HoldfastError, NotFound
from service.gateways import GatewayError
from service.models import Event, Installation
from service.operations.people import people
from service.platform import clock
from service.platform.config import Settings
from service.platform.db import APP_ROLE, migrate


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option(
    "--fix", is_flag=True, help="Set what can be set: Stripe's payout schedule to manual."
)
def doctor(as_json: bool, fix: bool) -> None:
    """Check configuration, database, migrations, clock, queue and Stripe, and say what to do."""
    made = show.runtime()
    if fix:
        made.stripe.set_manual_payouts()
    rows = [_checked(name, check, made) for name, check in _CHECKS.items()]
    show.table("Doctor", rows, as_json)
    if any(row["result"] != "ok" for row in rows):
        sys.exit(1)


def _checked(name: str, check: Callable[[Runtime], str | None], made: Runtime) -> dict[str, str]:
    try:
        advice = check(made)
    except (HoldfastError, GatewayError) as error:
        advice = getattr(error, "said", str(error))
    return {"check": name, "result": "ok" if advice is None else "look", "what to do": advice or ""}


def _database(made: Runtime) -> str | None:
    with made.db.transaction() as session:
        return migrate.unfit(session.connection())


def _mode(made: Runtime) -> str | None:
    with made.db.transaction() as session:
        found = session.execute(select(Installation.mode)).scalar_one()
    return (
        None
        if found == made.settings.mode
        else f"the database was made for {found}; use another one"
    )


_WHO_WE_ARE = """
    SELECT l.rolname AS name, l.rolsuper AS superuser, l.rolcreaterole AS makes_roles,
        l.rolbypassrls AS bypasses, l.rolreplication AS replicates,
           current_user AS working_as,
           (SELECT array_agg(r.rolname::text ORDER BY r.rolname) FROM pg_roles r
             WHERE r.rolname NOT IN (l.rolname, :app) AND pg_has_role(l.rolname, r.oid, 'MEMBER'))
                 AS may_become,
           (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = 'hf' AND pg_has_role(l.rolname, c.relowner, 'MEMBER')) AS owns
      FROM pg_roles l WHERE l.rolname = session_user
"""


def _rights(made: Runtime) -> str | None:
    """The role that logs in is neither superuser nor owner, and can become nothing bigger than the
    application's role.
    """
    with made.db.transaction() as session:
        who = session.execute(text(_WHO_WE_ARE), {"app": APP_ROLE}).one()
    powers = [
        words
        for has, words in (
            (who.superuser, "is a superuser"),
            (who.owns, "owns tables, or may become who does"),
            (who.makes_roles, "may make roles"),
            (who.bypasses, "bypasses the security of rows"),
            (who.replicates, "may replicate"),
            (who.may_become, f"may become {', '.join(who.may_become or ())}"),
        )
        if has
    ]
    if not powers:
        return None
    return (
        f"{who.name}, whom the application logs in as, {' and '.join(powers)}; SET ROLE NONE "
        "undoes all our limits. Give it a log-in of its own: docs/upgrading.md"
    )


def _queue(made: Runtime) -> str | None:
    with made.db.transaction() as session:
        figures = queue.figures(session, clock.now(session))
    if figures.dead:
        return f"{figures.dead} dead jobs; see: holdfast jobs"
    return (
        f"the oldest due job waits {figures.oldest_seconds:.0f} s; is a worker running?"
        if figures.oldest_seconds > 600
        else None
    )


def _payout_schedule(made: Runtime) -> str | None:
    return (
        None
        if made.stripe.payouts_are_manual()
        else "Stripe would sweep held money to the bank; run: holdfast doctor --fix"
    )


def _books(made: Runtime) -> str | None:
    with made.db.transaction() as session:
        stopped = session.execute(select(Installation.payouts_stopped)).scalar_one()
    return f"payouts are stopped: {stopped}; run: holdfast ledger verify" if stopped else None


_CHECKS: dict[str, Callable[[Runtime], str | None]] = {
    "database at this version": _database,
    "mode of the database": _mode,
    "rights of the application": _rights,
    "queue": _queue,
    "Stripe's payouts are manual": _payout_schedule,
    "books": _books,
}


@click.group()
def keys() -> None:
    """API keys."""


@keys.command(name="create")
@click.argument("role", type=click.Choice(["freelancer", "platform"]))
@click.option("--freelancer", help="For a freelancer's key: frl_…")
@click.option("--name", help="For a marketplace's key: what it is for.")
def create_key(role: str, freelancer: str | None, name: str | None) -> None:
    """Make a key of a freelancer or of the marketplace and print it, once.

    One of staff: holdfast staff add.
    """
    if (role == "freelancer") != (freelancer is not None):
        raise click.UsageError("--freelancer goes with the role freelancer, and only with it.")
    made = show.runtime()
    with show.context(made) if freelancer else show.act_as_owner(made) as ctx:
        if freelancer:
            people.find_freelancer(ctx.session, freelancer)
        _, secret = people.issue_key(ctx, role, made.settings.mode, freelancer, name=name)
    _print_secret(secret)


def _print_secret(secret: str) -> None:
    click.echo(secret)
    click.echo("Keep it: it is stored only as a digest and cannot be shown again.", err=True)


@click.command()
@click.option("--limit", default=20, type=click.IntRange(1, 1000))
@click.option("--json", "as_json", is_flag=True)
def events(limit: int, as_json: bool) -> None:
    """The newest facts."""
    made = show.runtime()
    with made.db.transaction() as session:
        found = (
            session.execute(select(Event).order_by(Event.number.desc()).limit(limit))
            .scalars()
            .all()
        )
    rows = [
        {
            "at": f"{e.occurred_at:%Y-%m-%d %H:%M:%S}",
            "type": e.type,
            "object": e.object_id,
            "actor": e.actor,
        }
        for e in reversed(found)
    ]
    show.table("Events", rows, as_json)


@click.command()
@click.option("--revive", type=int, help="Give a dead job a fresh set of tries.")
@click.option("--json", "as_json", is_flag=True)
def jobs(revive: int | None, as_json: bool) -> None:
    """Jobs that used up their tries, and tasks that wait for a person."""
    made = show.runtime()
    with made.db.transaction() as session:
        if revive is not None and not queue.revive(session, revive, clock.now(session)):
            raise NotFound("There is no such dead job.")
        dead, tasks = queue.dead_jobs(session), staff_tasks.open_tasks(session)
    show.table("Dead jobs", dead, as_json)
    show.table("Tasks for a person", tasks, as_json)


@click.command()
@click.argument("target", type=click.Path(path_type=Path), default=Path("openapi.yaml"))
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON instead.")
def openapi(target: Path, as_json: bool) -> None:
    """Write openapi.yaml from the code."""
    spec = specification()
    if as_json:
        click.echo(json.dumps(spec))
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(as_yaml(spec))
    click.echo(f"{target} written.")


def specification() -> dict[str, object]:
    """The API's description; needs no database."""
    made: dict[str, object] = create_app(blank()).extensions["openapi"]()
    return made


def blank() -> Settings:
    """Settings of an application that is looked at and not run."""
    return Settings(
        mode="sandbox",
        database_url="postgresql://nobody@localhost/none",
        secret_keys=("0" * 32,),
        signing_key="0" * 64,
        stripe_webhook_secrets=("none",),
    )
