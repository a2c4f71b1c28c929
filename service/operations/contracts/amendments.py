"""A change to a running contract: proposed, then agreed to, refused, withdrawn or expired."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, queue, repository
from service.core.context import Context
from service.domain.errors import Forbidden
from service.domain.identity.actors import SYSTEM, ActorKind
from service.domain.identity.typeid import ObjectKind
from service.domain.states.job_types import JobType
from service.domain.states.names import AmendmentState
from service.domain.states.proof import AgreementEvidence
from service.escrow import states
from service.models import Acceptance, Amendment, Contract, new_id
from service.operations.contracts import amendment_terms
from service.shared import agreement, hold_checks, outreach
from service.shared.outreach import EmailKind


def propose(
    ctx: Context, contract: Contract, wanted: list[amendment_terms.AmendmentRequest], note: str
) -> Amendment:
    """Put new terms to the other side.

    Raises StateConflict while another amendment is open, Invalid for what cannot be changed.
    """
    hold_checks.refuse(ctx, "amend", hold_checks.subjects_of(contract))
    amendment_terms.check_amendable(ctx, contract)
    amendment_terms.check(ctx, contract, wanted)
    amendment = Amendment(
        id=new_id("amd"),
        contract_id=contract.id,
        state=AmendmentState.PROPOSED,
        proposed_by=ctx.role,
        base_text_version=contract.text_version,
        note=note,
        milestones=[amendment_terms.stored(w) for w in wanted],
        differences=amendment_terms.differences(contract, wanted),
        converts_to=None,
        proposed_at=ctx.now,
        expires_at=ctx.now + timedelta(days=ctx.policies.windows.amendment_days),
        answered_at=None,
    )
    put_forward(ctx, contract, amendment)
    return amendment


def put_forward(ctx: Context, contract: Contract, amendment: Amendment) -> None:
    """The proposal is on its way: counted, told to the other side, and open until it expires."""
    ctx.session.add(amendment)
    if ctx.role == ActorKind.FREELANCER:
        outreach.count(ctx, contract, EmailKind.AMENDMENT)
    events.record(
        ctx,
        "amendment.proposed",
        amendment,
        contract=contract,
        to_state=AmendmentState.PROPOSED,
        by=ctx.role,
        differences=amendment.differences,
        note=amendment.note,
    )
    queue.enqueue(ctx, JobType.AMENDMENT_EXPIRY, amendment.id, amendment.expires_at)
    states.touch(ctx, contract)


def accept(
    ctx: Context,
    contract: Contract,
    amendment: Amendment,
    evidence: AgreementEvidence | None = None,
) -> None:
    """The other side agrees; from this commit on the new terms bind.

    `evidence`: of the client's agreement, as at the acceptance.

    Raises StateConflict, Forbidden for the proposer, Invalid when a payment has overtaken the
    proposal.
    """
    hold_checks.refuse(ctx, "amend", hold_checks.subjects_of(contract))
    if amendment.proposed_by == ctx.role:
        raise Forbidden("The other side has to agree.")
    wanted = [amendment_terms.wanted(row) for row in amendment.milestones]
    amendment_terms.check(ctx, contract, wanted)
    events.transition(ctx, amendment, "accept", contract=contract)
    amendment.answered_at = ctx.now
    amendment_terms.apply(ctx, contract, wanted)
    contract.quote = agreement.fresh_quote(ctx, contract)
    text = agreement.new_version(ctx, contract)
    if evidence is not None:
        agreement.check_names(ctx, evidence)
        ctx.session.add(
            Acceptance(
                contract_id=contract.id,
                text_version=contract.text_version,
                text_hash=contract.text_hash,
                text=text,
                quote=contract.quote,
                accepted_at=ctx.now,
                **evidence.columns(),
            )
        )
    states.after_change(ctx, contract)


def reject(ctx: Context, contract: Contract, amendment: Amendment, reason: str = "") -> None:
    """The other side says no; everything stays.

    Raises StateConflict, Forbidden for the proposer.
    """
    if amendment.proposed_by == ctx.role:
        raise Forbidden("The other side has to answer; you can withdraw it.")
    events.transition(ctx, amendment, "reject", contract=contract, reason=reason)
    amendment.answered_at = ctx.now
    states.touch(ctx, contract)


def withdraw(ctx: Context, contract: Contract, amendment: Amendment) -> None:
    """The proposer takes it back. Raises StateConflict, Forbidden for the other side."""
    if amendment.proposed_by != ctx.role:
        raise Forbidden("Only who proposed can withdraw.")
    events.transition(ctx, amendment, "withdraw", contract=contract)
    amendment.answered_at = ctx.now
    states.touch(ctx, contract)


def expire(ctx: Context, contract: Contract, amendment: Amendment) -> bool:
    """A week without an answer. Returns False when it was answered."""
    if amendment.state != AmendmentState.PROPOSED or amendment.expires_at > ctx.now:
        return False
    events.transition(ctx.as_(SYSTEM), amendment, "expire", contract=contract)
    amendment.answered_at = ctx.now
    return True


def find(session: Session, contract_id: str, amendment_id: str) -> Amendment:
    """Raises NotFound."""
    missing, whose = "There is no such amendment.", Amendment.contract_id
    found: Amendment = repository.owned(
        session,
        Amendment,
        ObjectKind.AMENDMENT,
        amendment_id,
        owner=contract_id,
        missing=missing,
        whose=whose,
    )
    return found


def of_contract(session: Session, contract_id: str) -> list[Amendment]:
    """All of them, newest first, at most 100."""
    return list(
        session.execute(
            select(Amendment)
            .where(Amendment.contract_id == contract_id)
            .order_by(Amendment.id.desc())
            .limit(100)
        ).scalars()
    )
