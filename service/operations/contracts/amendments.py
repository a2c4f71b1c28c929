"""Changing an accepted contract: one proposes new terms, the other agrees, and only then they bind.

Fee schedules never change.

What is paid keeps its amount; what is not may be re-priced, re-dated, renamed, added, split (drop
one, add two) or dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events, queue, repository
from service.core.context import Context
from service.domain.errors import Forbidden, Invalid, StateConflict
from service.domain.identity import names
from service.domain.identity.actors import SYSTEM
from service.domain.identity.names import NameKind
from service.domain.identity.typeid import ObjectKind
from service.domain.money.money import check_contract_amount
from service.domain.states.job_types import JobType
from service.domain.states.proof import AgreementEvidence
from service.escrow import states
from service.models import Acceptance, Amendment, Contract, Milestone, new_id
from service.shared import agreement, holds, outreach
from service.shared.outreach import LetterKind

_UNPAID = ("planned", "awaiting_funding")
_AMENDABLE = ("accepted", "active")


@dataclass(frozen=True)
class AmendmentRequest:
    """A milestone as it shall be; `milestone_id` of one that exists, None for a new one."""

    milestone_id: str | None
    title: str
    amount_minor: int
    due_on: date | None


def propose(
    ctx: Context, contract: Contract, wanted: list[AmendmentRequest], note: str
) -> Amendment:
    """Put new terms to the other side.

    Raises StateConflict while another amendment is open, Invalid for what cannot be changed.
    """
    holds.refuse(ctx, "amend", holds.subjects_of(contract))
    _check_amendable(ctx, contract)
    _check(ctx, contract, wanted)
    changed = _differences(contract, wanted)
    amendment = Amendment(
        id=new_id("amd"),
        contract_id=contract.id,
        state="proposed",
        proposed_by=ctx.role,
        base_text_version=contract.text_version,
        note=note,
        milestones=[_stored(w) for w in wanted],
        differences=changed,
        converts_to=None,
        proposed_at=ctx.now,
        expires_at=ctx.now + timedelta(days=ctx.policies.windows.amendment_days),
        answered_at=None,
    )
    ctx.session.add(amendment)
    if ctx.role == "freelancer":
        outreach.count(ctx, contract, LetterKind.AMENDMENT)
    events.record(
        ctx,
        "amendment.proposed",
        amendment,
        contract=contract,
        to_state="proposed",
        by=ctx.role,
        differences=changed,
        note=note,
    )
    queue.enqueue(ctx, JobType.AMENDMENT_EXPIRY, amendment.id, amendment.expires_at)
    states.touch(ctx, contract)
    return amendment


def _check_amendable(ctx: Context, contract: Contract) -> None:
    """Raises StateConflict."""
    if contract.state not in _AMENDABLE:
        raise StateConflict(
            "Only an accepted contract is amended.",
            {"current_state": contract.state, "allowed_actions": []},
        )
    if open_amendment(ctx.session, contract.id) is not None:
        raise StateConflict(
            "Another amendment waits for its answer.",
            {"current_state": contract.state, "allowed_actions": []},
        )


def _differences(contract: Contract, wanted: list[AmendmentRequest]) -> list[dict[str, Any]]:
    """Raises Invalid when there are none."""
    before = agreement.text_of(contract)
    after = before | {"milestones": [_line(number, w) for number, w in _numbered(contract, wanted)]}
    changed = agreement.differences(before, after)
    if not changed:
        raise Invalid.one("/milestones", "nothing_changed", "The proposal changes nothing.")
    return changed


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
    holds.refuse(ctx, "amend", holds.subjects_of(contract))
    if amendment.proposed_by == ctx.role:
        raise Forbidden("The other side has to agree.")
    wanted = [_wanted(row) for row in amendment.milestones]
    _check(ctx, contract, wanted)
    events.transition(ctx, amendment, "accept", contract=contract)
    amendment.answered_at = ctx.now
    _apply(ctx, contract, wanted)
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
    if amendment.state != "proposed" or amendment.expires_at > ctx.now:
        return False
    events.transition(ctx.as_(SYSTEM), amendment, "expire", contract=contract)
    amendment.answered_at = ctx.now
    return True


def _check(ctx: Context, contract: Contract, wanted: list[AmendmentRequest]) -> None:
    if not 1 <= len(wanted) <= ctx.policies.windows.milestones_max:
        raise Invalid.one(
            "/milestones",
            "milestone_count",
            f"A contract has 1 to {ctx.policies.windows.milestones_max} milestones.",
        )
    known = {m.id: m for m in contract.milestones}
    named = [w.milestone_id for w in wanted if w.milestone_id]
    if len(set(named)) != len(named) or not set(named) <= set(known):
        raise Invalid.one(
            "/milestones", "unknown_milestone", "Name each milestone of this contract at most once."
        )
    for i, one in enumerate(wanted):
        check_contract_amount(one.amount_minor, contract.currency, f"/milestones/{i}/amount")
        milestone = known.get(one.milestone_id or "")
        if milestone is None or milestone.title != one.title:
            names.check(
                f"/milestones/{i}/title", one.title, NameKind.TITLE, ctx.policies.platform_name
            )
        if (
            milestone is not None
            and milestone.state not in _UNPAID
            and one.amount_minor != milestone.amount_minor
        ):
            raise Invalid.one(
                f"/milestones/{i}/amount",
                "paid_already",
                "What is paid, or being paid, keeps its amount.",
            )
    _check_left_out(contract, named)


def _check_left_out(contract: Contract, named: list[str]) -> None:
    """What is paid, or being paid, cannot be dropped. Raises Invalid."""
    left_out = [
        m
        for m in contract.milestones
        if m.id not in named and m.state not in (*_UNPAID, "cancelled")
    ]
    if left_out:
        raise Invalid.one(
            "/milestones",
            "paid_already",
            f"Milestone {left_out[0].number} is paid, or being paid, and cannot be dropped.",
        )


def _apply(ctx: Context, contract: Contract, wanted: list[AmendmentRequest]) -> None:
    known = {m.id: m for m in contract.milestones}
    for number, one in _numbered(contract, wanted):
        milestone = known.get(one.milestone_id or "")
        if milestone is None:
            contract.milestones.append(
                Milestone(
                    id=new_id("mst"),
                    contract_id=contract.id,
                    number=number,
                    state="planned",
                    title=one.title,
                    amount_minor=one.amount_minor,
                    due_on=one.due_on,
                )
            )
        else:
            milestone.title, milestone.due_on = one.title, one.due_on
            if milestone.amount_minor != one.amount_minor:
                milestone.amount_minor = one.amount_minor
    kept = {w.milestone_id for w in wanted}
    for milestone in known.values():
        if milestone.id not in kept and milestone.state != "cancelled":
            events.transition(ctx, milestone, "cancel", contract=contract, actor="system")


def _numbered(
    contract: Contract, wanted: list[AmendmentRequest]
) -> list[tuple[int, AmendmentRequest]]:
    """Milestones that exist keep their number; new ones go on counting."""
    numbers = {m.id: m.number for m in contract.milestones}
    following = max(numbers.values()) + 1
    found = []
    for one in wanted:
        number = numbers.get(one.milestone_id or "", following)
        following += number == following
        found.append((number, one))
    return found


def _line(number: int, one: AmendmentRequest) -> dict[str, Any]:
    return {
        "number": number,
        "title": one.title,
        "amount": one.amount_minor,
        "due_on": one.due_on.isoformat() if one.due_on else None,
    }


def _stored(one: AmendmentRequest) -> dict[str, Any]:
    return {
        "id": one.milestone_id,
        "title": one.title,
        "amount": one.amount_minor,
        "due_on": one.due_on.isoformat() if one.due_on else None,
    }


def _wanted(row: dict[str, Any]) -> AmendmentRequest:
    return AmendmentRequest(
        row["id"],
        row["title"],
        row["amount"],
        date.fromisoformat(row["due_on"]) if row["due_on"] else None,
    )


def open_amendment(session: Session, contract_id: str) -> Amendment | None:
    """The one that waits for its answer."""
    return session.execute(
        select(Amendment).where(Amendment.contract_id == contract_id, Amendment.state == "proposed")
    ).scalar_one_or_none()


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
