"""A direct contract becomes one of another kind: the old one ends with what is paid, the rest goes
on in a new contract.

What the old one promised stays as it was: its fees, and that it never counts. The proposal is an
amendment that names the new kind; the client's agreement to it is their acceptance of the new
contract, with evidence of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from service.core import events
from service.core.context import Context
from service.domain.errors import Forbidden, Invalid, StateConflict
from service.domain.identity.actors import SYSTEM
from service.domain.states.names import AmendmentState, ContractState, MilestoneState
from service.domain.states.proof import AgreementEvidence
from service.domain.states.terms import ClientTerms, ContractTerms
from service.escrow import states
from service.models import Acceptance, Amendment, Contract, Milestone, new_id
from service.operations.contracts import amendments
from service.policies.quotes import Quote
from service.shared import agreement, hold_checks

_UNPAID = (MilestoneState.PLANNED, MilestoneState.AWAITING_FUNDING)
_OF_ITS_OWN = ("kind", "fee_rate", "milestones")
"""Terms that a new contract does not take over: what it is converted to, the rate that only its
kind may have, and of the milestones those that are not paid.
"""
_COPIED = (
    "freelancer_id",
    "client_id",
    "client_alias_id",
    *(f"client_{term.name}" for term in fields(ClientTerms) if term.name != "email"),
    *(
        {"metadata": "metadata_"}.get(term.name, term.name)
        for term in fields(ContractTerms)
        if term.name not in ("client", *_OF_ITS_OWN)
    ),
)
"""The columns of whoever the two are, and of every other term: a new term is taken over."""


@dataclass
class _Offered:
    """What `agreement.fresh_quote` needs of a contract that does not exist yet."""

    kind: str
    currency: str
    milestones: list[Milestone]
    processing_borne_by: str
    freelancer_id: str
    client_alias_id: str
    quote: None = None
    fee_rate: None = None


def propose(ctx: Context, contract: Contract, kind: str, note: str) -> Amendment:
    """Ask the client to go on as another kind once what is paid is done.

    Raises StateConflict, Invalid.
    """
    hold_checks.refuse(ctx, "amend", hold_checks.subjects_of(contract))
    _check_convertible(ctx, contract)
    moving = _moving(contract)
    if not moving:
        raise Invalid.one(
            "/kind",
            "nothing_left",
            "Every milestone is paid, or being paid: there is nothing left to go on with.",
        )
    amendment = _proposal(ctx, contract, kind, note, moving)
    amendments.put_forward(ctx, contract, amendment)
    return amendment


def _check_convertible(ctx: Context, contract: Contract) -> None:
    """Raises StateConflict."""
    waiting = select(Amendment.id).where(
        Amendment.contract_id == contract.id, Amendment.state == AmendmentState.PROPOSED
    )
    if (
        contract.state != ContractState.ACTIVE
        or contract.kind != "direct"
        or ctx.session.execute(waiting).first()
    ):
        raise StateConflict(
            "Only a direct contract that is under way, without an open amendment, is converted.",
            {"current_state": contract.state, "allowed_actions": []},
        )


def _proposal(
    ctx: Context,
    contract: Contract,
    kind: str,
    note: str,
    moving: list[Milestone],
) -> Amendment:
    changed: list[dict[str, Any]] = [{"what": "kind", "before": contract.kind, "after": kind}]
    changed += [
        {"what": f"milestone {m.number}", "before": "in this contract", "after": "in the new one"}
        for m in moving
    ]
    return Amendment(
        id=new_id("amd"),
        contract_id=contract.id,
        state=AmendmentState.PROPOSED,
        proposed_by=ctx.role,
        base_text_version=contract.text_version,
        note=note,
        milestones=[
            {
                "id": m.id,
                "title": m.title,
                "amount": m.amount_minor,
                "due_on": m.due_on.isoformat() if m.due_on else None,
            }
            for m in moving
        ],
        differences=changed,
        converts_to=kind,
        proposed_at=ctx.now,
        expires_at=ctx.now + timedelta(days=ctx.policies.windows.amendment_days),
        answered_at=None,
    )


def offered(ctx: Context, contract: Contract, kind: str) -> Quote:
    """The quote of the new contract, for the page on which the client decides."""
    moving = [m for m in contract.milestones if m.state in _UNPAID]
    return agreement.fresh_quote(
        ctx,
        _Offered(
            kind,
            contract.currency,
            moving,
            contract.processing_borne_by,
            contract.freelancer_id,
            contract.client_alias_id,
        ),
    )


def agree(
    ctx: Context, contract: Contract, amendment: Amendment, evidence: AgreementEvidence
) -> Contract:
    """The client agrees: the old contract keeps what is paid, the new one begins, accepted.

    Raises StateConflict, Forbidden, Invalid.
    """
    hold_checks.refuse(ctx, "amend", hold_checks.subjects_of(contract))
    agreement.check_names(ctx, evidence)
    if amendment.proposed_by == ctx.role:
        raise Forbidden("The other side has to agree.")
    moving = _moving(contract)
    if [m.id for m in moving] != [row["id"] for row in amendment.milestones]:
        raise Invalid.one(
            "/milestones",
            "paid_already",
            "Something was paid since this was proposed; ask for a new proposal.",
        )
    events.transition(ctx, amendment, "accept", contract=contract)
    amendment.answered_at = ctx.now
    fresh = _new_contract(ctx, contract, str(amendment.converts_to), moving)
    for milestone in moving:
        events.transition(
            ctx, milestone, "cancel", contract=contract, actor="system", moved_to=fresh.id
        )
    states.after_change(ctx, contract)
    ctx.session.flush()
    _accept(ctx, fresh, evidence)
    return fresh


def _moving(contract: Contract) -> list[Milestone]:
    return [m for m in contract.milestones if m.state in _UNPAID]


def _new_contract(ctx: Context, old: Contract, kind: str, moving: list[Milestone]) -> Contract:
    fresh = _draft(ctx, old, kind)
    fresh.milestones = [
        Milestone(
            id=new_id("mst"),
            number=i,
            state=MilestoneState.PLANNED,
            title=m.title,
            amount_minor=m.amount_minor,
            due_on=m.due_on,
        )
        for i, m in enumerate(moving, 1)
    ]
    fresh.client, fresh.freelancer = old.client, old.freelancer
    ctx.session.add(fresh)
    events.record(
        ctx.as_(SYSTEM),
        "contract.created",
        fresh,
        to_state=ContractState.DRAFT,
        converted_from=old.id,
    )
    ctx.session.flush()
    return fresh


def _draft(ctx: Context, old: Contract, kind: str) -> Contract:
    return Contract(
        id=new_id("ctr"),
        kind=kind,
        state=ContractState.DRAFT,
        version=1,
        policy_version=ctx.policies.windows.version,
        text_version=0,
        text_hash=None,
        quote=None,
        fee_rate=None,
        converted_from=old.id,
        created_at=ctx.now,
        updated_at=ctx.now,
        sent_at=ctx.now,
        offer_expires_at=None,
        viewed_at=ctx.now,
        accepted_at=None,
        fund_by=None,
        closed_at=None,
        **{name: getattr(old, name) for name in _COPIED},
    )


def _accept(ctx: Context, fresh: Contract, evidence: AgreementEvidence) -> None:
    fresh.quote = agreement.quote_of(ctx, fresh)
    text = agreement.new_version(ctx, fresh)
    ctx.session.flush()
    events.transition(ctx, fresh, "carry_over", actor="system", converted_from=fresh.converted_from)
    ctx.session.add(
        Acceptance(
            contract_id=fresh.id,
            text_version=fresh.text_version,
            text_hash=fresh.text_hash,
            text=text,
            quote=fresh.quote,
            accepted_at=ctx.now,
            **evidence.columns(),
        )
    )
    states.accepted(ctx, fresh)
