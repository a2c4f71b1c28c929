"""A contract before anybody has agreed: written, changed, forgotten; its terms are checked and
quoted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from service.core import events, repository
from service.core.context import Context
from service.domain.errors import Invalid, Stale, StateConflict
from service.domain.money.fees import SURCHARGE_FORBIDDEN
from service.domain.money.money import check_contract_amount
from service.domain.states.names import ContractState, MilestoneState
from service.domain.states.terms import ContractTerms
from service.escrow.states import touch
from service.models import Contract, Milestone, new_id
from service.operations.contracts import offers
from service.shared import agreement, clients, hold_checks, outreach
from service.shared.outreach import EmailKind

_EDITABLE = (ContractState.DRAFT, ContractState.SENT, ContractState.CHANGE_REQUESTED)


def create(ctx: Context, freelancer_id: str, terms: ContractTerms) -> Contract:
    """A draft.

    Raises Invalid for terms that could never be sent, so that the writer learns it now.
    """
    hold_checks.refuse(ctx, "contract_create", [freelancer_id])
    _check(ctx, freelancer_id, terms)
    client, alias = clients.find_or_make(ctx, freelancer_id, terms.client.email)
    contract = Contract(
        id=new_id("ctr"),
        kind=terms.kind,
        state=ContractState.DRAFT,
        version=1,
        freelancer_id=freelancer_id,
        client_id=client.id,
        client_alias_id=alias.id,
        currency=terms.currency,
        policy_version=ctx.policies.windows.version,
        text_version=0,
        text_hash=None,
        quote=None,
        created_at=ctx.now,
        updated_at=ctx.now,
        sent_at=None,
        offer_expires_at=None,
        viewed_at=None,
        accepted_at=None,
        fund_by=None,
        closed_at=None,
        **_columns(terms),
    )
    contract.milestones = _milestones(terms)
    contract.client = client
    ctx.session.add(contract)
    events.record(ctx, "contract.created", contract, to_state=ContractState.DRAFT)
    return contract


def edit(ctx: Context, contract: Contract, terms: ContractTerms, if_match: int) -> Contract:
    """Replace the terms of a draft; of an offer that was sent, make a new version that the client
    is told of.

    Raises Stale when someone edited it meanwhile, StateConflict once it is accepted or after too
    many new versions.
    """
    if contract.version != if_match:
        raise Stale("The contract has changed since it was read.")
    if contract.state not in _EDITABLE:
        raise StateConflict(
            "An accepted contract changes by an amendment that both agree to.",
            {"current_state": contract.state, "allowed_actions": ["amendments"]},
        )
    if terms.currency != contract.currency:
        raise Invalid.one(
            "/currency", "fixed", "The currency of a contract is fixed when it is created."
        )
    _check(ctx, contract.freelancer_id, terms)
    _apply(ctx, contract, terms)
    if contract.state == ContractState.DRAFT:
        events.record(ctx, "contract.edited", contract)
    else:
        _revise(ctx, contract)
    touch(ctx, contract)
    return contract


def _apply(ctx: Context, contract: Contract, terms: ContractTerms) -> None:
    client, alias = clients.find_or_make(ctx, contract.freelancer_id, terms.client.email)
    contract.client_id, contract.client_alias_id, contract.client = client.id, alias.id, client
    contract.kind = terms.kind
    for name, value in _columns(terms).items():
        setattr(contract, name, value)
    contract.milestones = _milestones(terms)


def _revise(ctx: Context, contract: Contract) -> None:
    """The words that the client may have read stay as they were, under their own number and hash;
    the offer's clock restarts.
    """
    windows = ctx.policies.windows
    if contract.offer_restarts >= windows.offer_restarts_max:
        raise StateConflict(
            f"An offer can be changed {windows.offer_restarts_max} times; withdraw it and make a "
            "new one.",
            {"current_state": contract.state, "allowed_actions": ["withdraw"]},
        )
    before = agreement.version_of(ctx.session, contract, contract.text_version)
    contract.quote = None
    contract.quote = agreement.quote_of(ctx, contract)
    after = agreement.new_version(ctx, contract)
    contract.offer_restarts += 1
    offers.answer_change(ctx, contract, "revised")
    changed = agreement.differences(before, after) if before else []
    outreach.count(ctx, contract, EmailKind.REVISION)
    events.transition(
        ctx, contract, "revise", text_version=contract.text_version, differences=changed
    )
    offers.start_clock(ctx, contract)


def old_drafts(ctx: Context) -> list[str]:
    """Drafts that nobody has touched for a long time, at most 1,000."""
    query = select(Contract.id).where(
        Contract.state == ContractState.DRAFT, Contract.updated_at < _drafts_until(ctx)
    )
    return list(ctx.session.execute(query.order_by(Contract.updated_at).limit(1_000)).scalars())


def _drafts_until(ctx: Context) -> datetime:
    return ctx.now - timedelta(days=ctx.policies.windows.draft_days)


def forget_draft(ctx: Context, contract_id: str) -> bool:
    """Throw a draft away, unless it was touched or is gone. Returns whether it was thrown away."""
    query = select(Contract).where(Contract.id == contract_id)
    contract: Contract | None = repository.one_or_none(ctx.session, query, lock=True)
    if (
        contract is None
        or contract.state != ContractState.DRAFT
        or contract.updated_at >= _drafts_until(ctx)
    ):
        return False
    events.record(ctx, "contract.draft_deleted", contract, public=False)
    ctx.session.delete(contract)
    return True


def _check(ctx: Context, freelancer_id: str, terms: ContractTerms) -> None:
    windows = ctx.policies.windows
    if terms.currency not in ctx.policies.currencies:
        raise Invalid.one(
            "/currency",
            "unknown_currency",
            f"Contracts can be in {', '.join(ctx.policies.currencies)}.",
        )
    if not 1 <= len(terms.milestones) <= windows.milestones_max:
        raise Invalid.one(
            "/milestones",
            "milestone_count",
            f"A contract has 1 to {windows.milestones_max} milestones.",
        )
    for i, milestone in enumerate(terms.milestones):
        check_contract_amount(milestone.amount_minor, terms.currency, f"/milestones/{i}/amount")
    terms.check_names(ctx.policies.platform_name)
    country = terms.client.country
    if terms.processing_borne_by in ("client", "split") and not ctx.policies.surcharge_legal_basis:
        if country is None:
            raise Invalid.one(
                "/client/country",
                "country_needed",
                "Say the client's country: where they live decides who may bear the processing "
                "cost.",
            )
        if country in SURCHARGE_FORBIDDEN:
            raise Invalid.one(
                "/processing_borne_by",
                "surcharge_forbidden",
                f"Payers in {country} may not be charged the processing cost.",
            )
    same_person = clients.objections(
        repository.freelancer(ctx.session, freelancer_id), terms.client.email, terms.relation
    )
    if same_person:
        raise Invalid("These two cannot have a contract.", errors=same_person)
    _check_rate(ctx, terms)


def _check_rate(ctx: Context, terms: ContractTerms) -> None:
    if terms.fee_rate is None:
        return
    schedule = ctx.policies.schedule_for(terms.kind, ctx.today, terms.currency)
    if schedule.rate_range is None:
        raise Invalid.one("/fee_rate", "no_range", f"{schedule.id} has one price for everybody.")
    low, high = schedule.rate_range
    if not low <= Fraction(terms.fee_rate) <= high:
        raise Invalid.one(
            "/fee_rate", "outside_range", f"{schedule.id} leaves a rate from {low} to {high}."
        )


def _columns(terms: ContractTerms) -> dict[str, Any]:
    return {
        "client_name": terms.client.name,
        "client_company": terms.client.company,
        "client_country": terms.client.country,
        "title": terms.title,
        "description": terms.description,
        "relation": terms.relation,
        "fee_rate": terms.fee_rate,
        "review_period_days": terms.review_period_days,
        "processing_borne_by": terms.processing_borne_by,
        "metadata_": terms.metadata or {},
    }


def _milestones(terms: ContractTerms) -> list[Milestone]:
    return [
        Milestone(
            id=new_id("mst"),
            number=i,
            state=MilestoneState.PLANNED,
            title=m.title,
            amount_minor=m.amount_minor,
            due_on=m.due_on,
        )
        for i, m in enumerate(terms.milestones, start=1)
    ]
