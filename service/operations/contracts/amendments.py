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
from service.core.context import Act
from service.domain.errors import Forbidden, Invalid, StateConflict
from service.domain.identity import names
from service.domain.identity.actors import SYSTEM
from service.domain.identity.names import NameKind
from service.domain.identity.typeid import ObjectKind
from service.domain.money.money import check_contract_amount
from service.domain.states.proof import AgreementEvidence
from service.escrow import states
from service.models import Acceptance, Amendment, Contract, Milestone, new_id
from service.shared import agreement, holds, outreach
from service.shared.outreach import LetterKind

_UNPAID = ("planned", "awaiting_funding")
_AMENDABLE = ("accepted", "active")


@dataclass(frozen=True)
class Wanted:
    """A milestone as it shall be; `milestone_id` of one that exists, None for a new one."""

    milestone_id: str | None
    title: str
    amount_minor: int
    due_on: date | None


def propose(act: Act, contract: Contract, wanted: list[Wanted], note: str) -> Amendment:
    """Put new terms to the other side.

    Raises StateConflict while another amendment is open, Invalid for what cannot be changed.
    """
    holds.refuse(act, "amend", holds.subjects_of(contract))
    _check_amendable(act, contract)
    _check(act, contract, wanted)
    changed = _differences(contract, wanted)
    amendment = Amendment(
        id=new_id("amd"),
        contract_id=contract.id,
        state="proposed",
        proposed_by=act.role,
        base_text_version=contract.text_version,
        note=note,
        milestones=[_stored(w) for w in wanted],
        differences=changed,
        converts_to=None,
        proposed_at=act.now,
        expires_at=act.now + timedelta(days=act.policies.windows.amendment_days),
        answered_at=None,
    )
    act.session.add(amendment)
    if act.role == "freelancer":
        outreach.count(act, contract, LetterKind.AMENDMENT)
    events.record(
        act,
        "amendment.proposed",
        amendment,
        contract=contract,
        to_state="proposed",
        by=act.role,
        differences=changed,
        note=note,
    )
    queue.enqueue(act, "amendment_expiry", amendment.id, amendment.expires_at)
    states.touch(act, contract)
    return amendment


def _check_amendable(act: Act, contract: Contract) -> None:
    """Raises StateConflict."""
    if contract.state not in _AMENDABLE:
        raise StateConflict(
            "Only an accepted contract is amended.",
            {"current_state": contract.state, "allowed_actions": []},
        )
    if open_amendment(act.session, contract.id) is not None:
        raise StateConflict(
            "Another amendment waits for its answer.",
            {"current_state": contract.state, "allowed_actions": []},
        )


def _differences(contract: Contract, wanted: list[Wanted]) -> list[dict[str, Any]]:
    """Raises Invalid when there are none."""
    before = agreement.text_of(contract)
    after = before | {"milestones": [_line(number, w) for number, w in _numbered(contract, wanted)]}
    changed = agreement.differences(before, after)
    if not changed:
        raise Invalid.one("/milestones", "nothing_changed", "The proposal changes nothing.")
    return changed


def accept(
    act: Act, contract: Contract, amendment: Amendment, evidence: AgreementEvidence | None = None
) -> None:
    """The other side agrees; from this commit on the new terms bind.

    `evidence`: of the client's agreement, as at the acceptance.

    Raises StateConflict, Forbidden for the proposer, Invalid when a payment has overtaken the
    proposal.
    """
    holds.refuse(act, "amend", holds.subjects_of(contract))
    if amendment.proposed_by == act.role:
        raise Forbidden("The other side has to agree.")
    wanted = [_wanted(row) for row in amendment.milestones]
    _check(act, contract, wanted)
    events.move(act, amendment, "accept", contract=contract)
    amendment.answered_at = act.now
    _apply(act, contract, wanted)
    contract.quote = agreement.fresh_quote(act, contract)
    text = agreement.new_version(act, contract)
    if evidence is not None:
        agreement.check_names(act, evidence)
        act.session.add(
            Acceptance(
                contract_id=contract.id,
                text_version=contract.text_version,
                text_hash=contract.text_hash,
                text=text,
                quote=contract.quote,
                accepted_at=act.now,
                **evidence.columns(),
            )
        )
    states.after_change(act, contract)


def reject(act: Act, contract: Contract, amendment: Amendment, reason: str = "") -> None:
    """The other side says no; everything stays.

    Raises StateConflict, Forbidden for the proposer.
    """
    if amendment.proposed_by == act.role:
        raise Forbidden("The other side has to answer; you can withdraw it.")
    events.move(act, amendment, "reject", contract=contract, reason=reason)
    amendment.answered_at = act.now
    states.touch(act, contract)


def withdraw(act: Act, contract: Contract, amendment: Amendment) -> None:
    """The proposer takes it back. Raises StateConflict, Forbidden for the other side."""
    if amendment.proposed_by != act.role:
        raise Forbidden("Only who proposed can withdraw.")
    events.move(act, amendment, "withdraw", contract=contract)
    amendment.answered_at = act.now
    states.touch(act, contract)


def expire(act: Act, contract: Contract, amendment: Amendment) -> bool:
    """A week without an answer. Returns False when it was answered."""
    if amendment.state != "proposed" or amendment.expires_at > act.now:
        return False
    events.move(act.as_(SYSTEM), amendment, "expire", contract=contract)
    amendment.answered_at = act.now
    return True


def _check(act: Act, contract: Contract, wanted: list[Wanted]) -> None:
    if not 1 <= len(wanted) <= act.policies.windows.milestones_max:
        raise Invalid.one(
            "/milestones",
            "milestone_count",
            f"A contract has 1 to {act.policies.windows.milestones_max} milestones.",
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
                f"/milestones/{i}/title", one.title, NameKind.TITLE, act.policies.platform_name
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


def _apply(act: Act, contract: Contract, wanted: list[Wanted]) -> None:
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
            events.move(act, milestone, "cancel", contract=contract, actor="system")


def _numbered(contract: Contract, wanted: list[Wanted]) -> list[tuple[int, Wanted]]:
    """Milestones that exist keep their number; new ones go on counting."""
    numbers = {m.id: m.number for m in contract.milestones}
    following = max(numbers.values()) + 1
    found = []
    for one in wanted:
        number = numbers.get(one.milestone_id or "", following)
        following += number == following
        found.append((number, one))
    return found


def _line(number: int, one: Wanted) -> dict[str, Any]:
    return {
        "number": number,
        "title": one.title,
        "amount": one.amount_minor,
        "due_on": one.due_on.isoformat() if one.due_on else None,
    }


def _stored(one: Wanted) -> dict[str, Any]:
    return {
        "id": one.milestone_id,
        "title": one.title,
        "amount": one.amount_minor,
        "due_on": one.due_on.isoformat() if one.due_on else None,
    }


def _wanted(row: dict[str, Any]) -> Wanted:
    return Wanted(
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
