"""What an amendment changes: which milestones may change and how, and the terms once they are
agreed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core import events
from service.core.context import Context
from service.domain.errors import Invalid, StateConflict
from service.domain.identity import names
from service.domain.identity.names import NameKind
from service.domain.money.money import check_contract_amount
from service.domain.states.names import AmendmentState, ContractState, MilestoneState
from service.models import Amendment, Contract, Milestone, new_id
from service.shared import agreement

_UNPAID = (MilestoneState.PLANNED, MilestoneState.AWAITING_FUNDING)


_AMENDABLE = (ContractState.ACCEPTED, ContractState.ACTIVE)


@dataclass(frozen=True)
class AmendmentRequest:
    """A milestone as it shall be; `milestone_id` of one that exists, None for a new one."""

    milestone_id: str | None
    title: str
    amount_minor: int
    due_on: date | None


def check_amendable(ctx: Context, contract: Contract) -> None:
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


def differences(contract: Contract, wanted: list[AmendmentRequest]) -> list[dict[str, Any]]:
    """Raises Invalid when there are none."""
    before = agreement.text_of(contract)
    after = before | {"milestones": [_line(number, w) for number, w in _numbered(contract, wanted)]}
    changed = agreement.differences(before, after)
    if not changed:
        raise Invalid.one("/milestones", "nothing_changed", "The proposal changes nothing.")
    return changed


def check(ctx: Context, contract: Contract, wanted: list[AmendmentRequest]) -> None:
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
        if m.id not in named and m.state not in (*_UNPAID, MilestoneState.CANCELLED)
    ]
    if left_out:
        raise Invalid.one(
            "/milestones",
            "paid_already",
            f"Milestone {left_out[0].number} is paid, or being paid, and cannot be dropped.",
        )


def apply(ctx: Context, contract: Contract, wanted: list[AmendmentRequest]) -> None:
    known = {m.id: m for m in contract.milestones}
    for number, one in _numbered(contract, wanted):
        milestone = known.get(one.milestone_id or "")
        if milestone is None:
            contract.milestones.append(
                Milestone(
                    id=new_id("mst"),
                    contract_id=contract.id,
                    number=number,
                    state=MilestoneState.PLANNED,
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
        if milestone.id not in kept and milestone.state != MilestoneState.CANCELLED:
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


def stored(one: AmendmentRequest) -> dict[str, Any]:
    return {
        "id": one.milestone_id,
        "title": one.title,
        "amount": one.amount_minor,
        "due_on": one.due_on.isoformat() if one.due_on else None,
    }


def wanted(row: dict[str, Any]) -> AmendmentRequest:
    return AmendmentRequest(
        row["id"],
        row["title"],
        row["amount"],
        date.fromisoformat(row["due_on"]) if row["due_on"] else None,
    )


def open_amendment(session: Session, contract_id: str) -> Amendment | None:
    """The one that waits for its answer."""
    return session.execute(
        select(Amendment).where(
            Amendment.contract_id == contract_id, Amendment.state == AmendmentState.PROPOSED
        )
    ).scalar_one_or_none()
