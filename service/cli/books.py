"""The books and the clock: `ledger verify|float|resume`, `clock`."""

from __future__ import annotations

import sys
from datetime import timedelta

import click
from rich.console import Console
from sqlalchemy import text

from service import ledger as books
from service.cli import show
from service.core.runtime import Runtime
from service.domain.errors import Unavailable
from service.domain.money.money import CURRENCIES, plain, to_stripe
from service.ledger import entries, fresh_checks
from service.models import new_id
from service.operations.finance import reconciliation
from service.platform import clock as clocks
from service.platform.db import Database
from service.sandbox import runner
from service.sandbox.panel.requests import parse_span
from service.sandbox.waiting import wait_for_worker


@click.group()
def ledger() -> None:
    """The books: are they right, and the platform's own money."""


@ledger.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--stripe/--no-stripe", default=True, help="Compare with Stripe's balance as well.")
def verify(as_json: bool, stripe: bool) -> None:
    """Recompute everything from the first entry: counters, milestones, the trust identity, the
    chain of seals, and Stripe's balance.

    What is found is kept: the nightly check and the pages go on from here.
    """
    made = show.runtime()
    told = made.stripe.balance() if stripe else {}
    with show.context(made) as ctx:
        kept = fresh_checks.keep(ctx, whole=True)
        found = list(kept.checks)
        if stripe:
            found.append(
                reconciliation.compare_with_stripe(
                    ctx.session, reconciliation.at_stripe(ctx.session, told)
                )
            )
    rows = [
        {
            "check": c.name,
            "compared": c.compared,
            "result": "ok" if c.ok else "DIFFERS",
            "differences": c.differences or "",
        }
        for c in found
    ]
    show.table("The books", rows, as_json)
    if not as_json:
        show.table(
            "Trial balance",
            [_line(line) for line in kept.lines if line.debits_minor or line.credits_minor],
            as_json,
        )
    if not all(c.ok for c in found):
        click.echo(
            "The books differ. Payouts stay stopped until a person runs: holdfast ledger resume",
            err=True,
        )
        sys.exit(1)
    Console(stderr=True).print("The books are right.")


def _line(line: books.TrialLine) -> dict[str, str]:
    return {
        "account": line.kind,
        "debits": plain(line.debits_minor, line.currency),
        "credits": plain(line.credits_minor, line.currency),
        "balance": plain(line.balance_minor, line.currency),
    }


@ledger.command(name="float")
@click.argument("amount_minor", type=click.IntRange(1))
@click.argument("currency", type=click.Choice(sorted(CURRENCIES)))
@click.option("--out", is_flag=True, help="Take money out instead of putting it in.")
@click.option("--reference", required=True, help="What it was: the bank's reference.")
def float_(amount_minor: int, currency: str, out: bool, reference: str) -> None:
    """Write down that the platform put its own money in (or took it out).

    In the sandbox, also do it.
    """
    made = show.runtime()
    cause = new_id("flt")
    if made.settings.sandbox and not out:
        made.stripe.top_up(to_stripe(amount_minor, currency), currency, cause)
    post_float(made, cause, amount_minor, currency, out=out, reference=reference)
    click.echo(
        f"{plain(amount_minor, currency)} {'out of' if out else 'into'} operating. Next: "
        "holdfast ledger verify"
    )


def post_float(
    made: Runtime, cause: str, amount_minor: int, currency: str, *, out: bool, reference: str
) -> None:
    with show.context(made) as ctx:
        books.post(
            ctx, entries.float_movement(cause, amount_minor, currency, out=out, reference=reference)
        )


@ledger.command()
def resume() -> None:
    """Let payouts continue after a person has looked at a difference."""
    with show.context(show.runtime()) as ctx:
        reconciliation.resume_payouts(ctx)
    click.echo("Payouts continue.")


@click.command()
@click.option(
    "--advance", help="Move the sandbox clock forward: 90s, 36h, 14d. Due work is done on the way."
)
def clock(advance: str | None) -> None:
    """What time it is for the service; in the sandbox, move it."""
    made = show.runtime()
    if advance:
        if not made.settings.sandbox:
            raise click.UsageError("Only the sandbox clock can be moved.")
        with made.db.transaction() as session:
            target = clocks.now(session) + parse_span(advance)
        if not runner.advance(made.db, wait_for_worker, target):
            raise Unavailable("The worker has not finished what was due. Is it running?")
    with made.db.transaction() as session:
        click.echo(clocks.now(session).isoformat())


def set_clock(db: Database, offset: timedelta) -> None:
    """Begin a new sandbox world at another instant, past or future."""
    with db.transaction() as session:
        session.execute(text("UPDATE installation SET clock_offset = :offset"), {"offset": offset})
