"""`staff`: people of staff and their keys, made as the owner of the database."""

from __future__ import annotations

import click

from service.cli import show
from service.models import STAFF_ROLES
from service.operations.people import people
from service.operations.staff import staff_access, staff_members
from service.shared import clients


@click.group()
def staff() -> None:
    """People of staff. Needs HOLDFAST_OWNER_URL, except for looking."""


@staff.command(name="add")
@click.argument("name")
@click.argument("role", type=click.Choice(STAFF_ROLES))
@click.option("--email", required=True, help="Theirs alone: it tells two people of one name apart.")
def add(name: str, role: str, email: str) -> None:
    """Make a key for a person and print it, once.

    Somebody who is there already gets another key, and stays one person.
    """
    made = show.runtime()
    with show.act_as_owner(made) as ctx:
        person = staff_members.engage(ctx, name, clients.normalised(email), role)
        _, secret = people.issue_key(ctx, role, made.settings.mode, staff_id=person.id)
    click.echo(secret)
    click.echo(f"Of {person.name} ({person.id}). Keep it: it cannot be shown again.", err=True)


@staff.command(name="end")
@click.argument("person")
def end(person: str) -> None:
    """Somebody has left (stf_…): their keys and browsers open nothing from now on."""
    with show.act_as_owner(show.runtime()) as ctx:
        found = staff_members.leave(ctx, staff_members.find(ctx.session, person))
    click.echo(f"{found.name} has left.")


@staff.command(name="link")
@click.argument("key")
def link(key: str) -> None:
    """Print a link that opens the console once, within 15 minutes, for the person of a staff key
    (key_…).
    """
    made = show.runtime()
    with show.act_as_owner(made) as ctx:
        token = staff_access.make_link(ctx, key)
    click.echo(f"{made.settings.public_url}/staff/enter/{token}")


@staff.command(name="list")
@click.option("--json", "as_json", is_flag=True)
def everybody(as_json: bool) -> None:
    """Everybody who may come into the console, by each of their keys."""
    made = show.runtime()
    with made.db.transaction() as session:
        rows = [
            {
                "person": one.staff_id,
                "name": one.name,
                "email": one.email or "",
                "role": one.role,
                "key": one.key_id,
                "ends": f"…{one.hint}",
            }
            for one in staff_access.staff(session)
        ]
    show.table("Staff", rows, as_json)
