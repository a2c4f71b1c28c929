"""Invoices and credit notes: one for each fee that was taken or given back, and by a freelancer's
mandate one for the work itself.

A job of the release or refund issues them, so that two releases never wait for each other's number;
the series' lock is held only here. Numbers have no gap, by series of issuer and year, and
PostgreSQL refuses any that would make one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core import repository
from service.core.context import Context
from service.core.repository import EVERYONE, Owner
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.domain.money.causes import Cause
from service.models import Contract, Invoice, Milestone, Refund, Release, new_id
from service.platform.db import fetch
from service.platform.locks import Lock, alone
from service.policies.quotes import decimal
from service.shared import billing

_BOOKED = """
    SELECT min(posted_on) AS posted_on,
        coalesce(sum(amount_minor) FILTER (WHERE account IN ('platform_fees', 'fee_tax_payable')),
        0)::bigint AS fee_minor,
           coalesce(sum(amount_minor) FILTER (WHERE account = 'fee_tax_payable'), 0)::bigint
               AS tax_minor
      FROM ledger_leg WHERE kind = %s AND cause_id = %s
"""


@dataclass(frozen=True)
class _Fact:
    """What an invoice is about.

    `cause`: the release or refund; amounts in minor units, `tax_minor` inside `total_minor`.
    """

    cause: Cause
    contract: Contract
    milestone: Milestone
    on: date
    total_minor: int
    tax_minor: int = 0


def issue(ctx: Context, subject: str) -> None:
    """Everything that a release or a refund after release has to be invoiced as, once."""
    if typeid.kind_of(subject) is ObjectKind.RELEASE:
        _for_release(ctx, ctx.session.get_one(Release, subject))
        return
    refund = ctx.session.get_one(Refund, subject)
    contract, milestone = repository.milestone(
        ctx.session, str(refund.milestone_id), owner=EVERYONE, lock=False
    )
    # A credit note names its invoice: those of the releases come first, however the jobs are run.
    for release in ctx.session.execute(
        select(Release).where(Release.milestone_id == milestone.id).order_by(Release.number)
    ).scalars():
        _for_release(ctx, release)
    booked = fetch(ctx.session, _BOOKED, ("refund_after_release", typeid.decode(refund.id)))[0]
    _credit(
        ctx,
        "fee",
        _Fact(
            Cause(refund.id),
            contract,
            milestone,
            booked.posted_on,
            booked.fee_minor,
            booked.tax_minor,
        ),
    )
    _credit(
        ctx,
        "work",
        _Fact(Cause(refund.id), contract, milestone, booked.posted_on, refund.amount_minor),
    )


def _for_release(ctx: Context, release: Release) -> None:
    contract, milestone = repository.milestone(
        ctx.session, release.milestone_id, owner=EVERYONE, lock=False
    )
    on = fetch(ctx.session, _BOOKED, ("release", typeid.decode(release.id)))[0].posted_on
    if release.fee_minor:
        _invoice(
            ctx,
            "fee",
            _Fact(
                Cause(release.id), contract, milestone, on, release.fee_minor, release.fee_tax_minor
            ),
        )
    declared = repository.tax_identity(ctx.session, contract.freelancer_id)
    if (
        declared is not None
        and declared.invoices_by_mandate
        and declared.signed_at <= release.released_at
    ):
        _invoice(
            ctx, "work", _Fact(Cause(release.id), contract, milestone, on, release.gross_minor)
        )


def _invoice(ctx: Context, kind: str, fact: _Fact) -> None:
    if _issued(ctx.session, kind, fact.cause):
        return
    person, client = _parties(ctx, fact.contract)
    seller, buyer = (ctx.policies.entity.as_party(), person) if kind == "fee" else (person, client)
    category, rate = _tax(ctx, fact) if kind == "fee" else ("O", "0")
    series = (
        f"FEE-{fact.on.year}"
        if kind == "fee"
        else f"W-{fact.contract.freelancer_id[-10:].upper()}-{fact.on.year}"
    )
    # Papers come in several languages: the line keeps only what the milestone is called.
    _add(
        ctx,
        kind,
        series,
        fact,
        {
            "seller": seller,
            "buyer": buyer,
            "tax_category": category,
            "tax_rate": rate,
            "line": fact.milestone.title,
        },
    )


def _tax(ctx: Context, fact: _Fact) -> tuple[str, str]:
    person = fact.contract.freelancer
    if fact.tax_minor:
        found = ctx.policies.fee_tax(person.country, fact.on)
        return "S", decimal(found.rate * 100) if found else "0"
    declared = repository.tax_identity(ctx.session, person.id)
    reverse = declared is not None and ctx.policies.entity.reverse_charges(
        declared.country, declared.vat_id
    )
    return ("AE" if reverse else "O"), "0"


def _parties(ctx: Context, contract: Contract) -> tuple[dict[str, Any], dict[str, Any]]:
    """Freelancer and client as of now: later changes of name do not reach what was issued."""
    declared = repository.tax_identity(ctx.session, contract.freelancer_id)
    person = {
        "name": contract.freelancer.display_name,
        "country": contract.freelancer.country,
        "identifier": contract.freelancer_id,
    }
    if declared is not None:
        person |= declared.printed | ({"vat_id": declared.vat_id} if declared.vat_id else {})
    details = billing.details_of(ctx.session, contract)
    client = {"name": details.addressee, "country": contract.client_country or ""}
    client |= {"street": details.address} if details.address else {}
    return person, client


def _credit(ctx: Context, kind: str, fact: _Fact) -> None:
    """Credit notes over the milestone's invoices, the newest first, none above what its invoice
    still stands for.
    """
    if _issued(ctx.session, f"{kind}_credit", fact.cause):
        return
    left, tax_left = fact.total_minor, fact.tax_minor
    query = (
        select(Invoice)
        .where(Invoice.milestone_id == fact.milestone.id, Invoice.kind == kind)
        .order_by(Invoice.place.desc())
    )
    for number, invoice in enumerate(ctx.session.execute(query).scalars().all(), 1):
        credited = select(
            func.coalesce(func.sum(Invoice.total_minor), 0),
            func.coalesce(func.sum(Invoice.tax_minor), 0),
        ).where(Invoice.corrects_id == invoice.id)
        gone, tax_gone = ctx.session.execute(credited).one()
        part, tax = (
            min(left, invoice.total_minor - gone),
            min(tax_left, invoice.tax_minor - tax_gone),
        )
        cause = Cause(fact.cause.id, number if number > 1 else None)
        if part <= 0:
            continue
        series = (
            f"FEE-CN-{fact.on.year}"
            if kind == "fee"
            else f"WCN-{fact.contract.freelancer_id[-10:].upper()}-{fact.on.year}"
        )
        same = {
            name: getattr(invoice, name)
            for name in ("seller", "buyer", "tax_category", "tax_rate", "line")
        }
        one = _Fact(cause, fact.contract, fact.milestone, fact.on, int(part), int(tax))
        _add(ctx, f"{kind}_credit", series, one, same | {"corrects_id": invoice.id})
        left, tax_left = left - part, tax_left - tax


def _issued(session: Session, kind: str, cause: Cause) -> bool:
    query = select(Invoice.id).where(Invoice.kind == kind, Invoice.cause_id == cause.uuid).limit(1)
    return session.execute(query).first() is not None


def _add(ctx: Context, kind: str, series: str, fact: _Fact, given: dict[str, Any]) -> None:
    alone(ctx.session, Lock.INVOICE, series)
    place = 1 + int(
        ctx.session.execute(
            select(func.coalesce(func.max(Invoice.place), 0)).where(Invoice.series == series)
        ).scalar_one()
    )
    ctx.session.add(
        Invoice(
            id=new_id("inv"),
            number=f"{series}-{place:06d}",
            series=series,
            place=place,
            kind=kind,
            cause_type=fact.cause.type,
            cause_id=fact.cause.uuid,
            cause_sequence=fact.cause.sequence,
            freelancer_id=fact.contract.freelancer_id,
            contract_id=fact.contract.id,
            milestone_id=fact.milestone.id,
            currency=fact.contract.currency,
            net_minor=fact.total_minor - fact.tax_minor,
            tax_minor=fact.tax_minor,
            total_minor=fact.total_minor,
            delivered_on=fact.on,
            issued_on=fact.on,
            issued_at=ctx.now,
            **({"corrects_id": None} | given),
        )
    )
    ctx.session.flush()


# Reading


def find(session: Session, invoice_id: str, *, owner: Owner) -> Invoice:
    """Raises NotFound."""
    found: Invoice = repository.owned(
        session, Invoice, "inv", invoice_id, owner=owner, missing="There is no such invoice."
    )
    return found


def listed(
    session: Session, *, owner: Owner, contract_id: str | None, after: str | None, limit: int
) -> list[Invoice]:
    """Newest first, one more than `limit` when there are more."""
    query = select(Invoice).order_by(Invoice.id.desc()).limit(limit + 1)
    if owner is not EVERYONE:
        query = query.where(Invoice.freelancer_id == owner)
    if contract_id:
        query = query.where(Invoice.contract_id == contract_id)
    if after:
        query = query.where(Invoice.id < after)
    return list(session.execute(query).scalars())
