"""The demo's world: people, keys and the platform's own money.

Written with the same operations, the same gateway and the same sandbox as everything else, so it
cannot show what the service would not do.
"""

from __future__ import annotations

from service.cli.books import post_float
from service.core.context import Context, begin
from service.core.runtime import Runtime
from service.domain.identity import actors
from service.domain.money.money import to_stripe
from service.models import Freelancer, new_id
from service.operations.people import people
from service.operations.staff import staff_members
from service.platform.db import Database

FLOAT = {
    "USD": 200_000,
    "EUR": 200_000,
    "GBP": 200_000,
    "INR": 15_000_000,
    "JPY": 300_000,
    "KWD": 600_000,
}
STAFF = {
    "platform_key": ("platform", "The marketplace"),
    "finance_key": ("finance", "Luca Pacioli"),
    "safety_key": ("safety", "Florence Nightingale"),
    "approver_key": ("approver", "Mary Wollstonecraft"),
    "second_approver_key": ("approver", "Olympe de Gouges"),
    "reviewer_key": ("reviewer", "Hypatia"),
    "admin_key": ("admin", "Al-Khwarizmi"),
}


def people_and_keys(runtime: Runtime, owner_url: str) -> dict[str, str]:
    """Two freelancers and a key for each role; the secrets are returned, once.

    Keys of staff and of the marketplace are made as the database's owner, as they are everywhere.
    """
    found: dict[str, str] = {}
    with runtime.context("seed") as ctx:
        ada, mary = freelancers(ctx)
        for name, owner in (("freelancer_key", ada.id), ("second_freelancer_key", mary.id)):
            found[name] = people.issue_key(ctx, "freelancer", runtime.settings.mode, owner)[1]
    database = Database(owner_url, role=None)
    with database.transaction() as session:
        ctx = begin(session, actors.staff("cli"), "seed", runtime.policies)
        for key, (role, name) in STAFF.items():
            found[key] = staff_key(ctx, role, name, runtime.settings.mode)
    database.dispose()
    return found


def freelancers(ctx: Context) -> tuple[Freelancer, Freelancer]:
    """Ada and Mary."""
    ada = people.create_freelancer(
        ctx,
        external_ref="ada",
        email="ada@lovelace.example",
        display_name="Ada Lovelace",
        country="GB",
    )
    mary = people.create_freelancer(
        ctx,
        external_ref="mary",
        email="mary@somerville.example",
        display_name="Mary Somerville",
        country="GB",
    )
    ctx.session.flush()
    return ada, mary


def staff_key(ctx: Context, role: str, name: str, mode: str) -> str:
    """A key for a person of staff by this name, who is made when there is none, or of the
    marketplace: its secret.
    """
    if role == "platform":
        return people.issue_key(ctx, role, mode, name=name)[1]
    email = f"{name.lower().replace(' ', '.')}@holdfast.example"
    person = staff_members.engage(ctx, name, email, role)
    return people.issue_key(ctx, role, mode, staff_id=person.id)[1]


def operating_float(runtime: Runtime) -> None:
    """The platform's own money, at Stripe and in the books."""
    runtime.stripe.set_manual_payouts()
    for currency, amount in FLOAT.items():
        cause = new_id("flt")
        runtime.stripe.top_up(to_stripe(amount, currency), currency, cause)
        post_float(
            runtime, cause, amount, currency, out=False, reference="The platform's own money"
        )
