"""What e-mails about holds and appeals say besides the contract: the reason in words, what is
stopped, what is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from service.core.context import Context
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.domain.money.money import plain
from service.domain.states.names import RequirementState
from service.domain.states.restrictions import FOR_CLIENTS, SCOPES
from service.models import Appeal, Confiscation, Contract, Freelancer, Hold
from service.operations.safety.reasons import HIDDEN, stopped_by
from service.shared import hold_checks
from service.worker.emails.email_values import EmailParams, EmailValues

_TARGETS = {
    "client": "to the client, by the way it came",
    "same_contract_refund": "to the client, by the way it came",
    "authority": "to an authority, by its order",
    "same_contract_chargeback": "to the bank that took the payment back",
    "proven_loss": "for a proven loss",
    "remainder_to_person": "stays yours",
    "forfeit": "forfeited",
}


def values(
    ctx: Context,
    params: EmailParams,
    contract: Contract | None,
    notice_url: Callable[[str], str],
) -> EmailValues:
    """For an object of `hld_…` or `apl_…`, or the neutral e-mail to the other side of a
    contract.
    """
    object_id = params["object"]
    kind = typeid.kind_of(object_id)
    if kind is ObjectKind.APPEAL:
        appeal = ctx.session.get_one(Appeal, object_id)
        return {
            "appeal": appeal,
            "freelancer": _person(ctx, appeal.freelancer_id),
            "link_url": notice_url(appeal.hold_id),
        }
    if kind is ObjectKind.CASE:
        case = ctx.session.get_one(Confiscation, object_id)
        return {
            **_of_case(case),
            "freelancer": _person(ctx, case.freelancer_id),
            "link_url": notice_url(case.hold_id),
        }
    if kind is ObjectKind.CONTRACT and "hold" in params:
        return _of_hold(ctx, ctx.session.get_one(Hold, params["hold"]), FOR_CLIENTS)
    if kind is ObjectKind.HOLD:
        hold = ctx.session.get_one(Hold, object_id)
        return {
            **_of_hold(ctx, hold),
            "freelancer": _person(ctx, hold.freelancer_id),
            "link_url": notice_url(hold.id),
        }
    if "held" in params and contract is not None:
        decided = datetime.fromisoformat(params["next_decision_at"])
        return {"held_text": plain(params["held"], contract.currency), "decided": decided}
    return {}


def _of_case(case: Confiscation) -> EmailValues:
    lines = [
        f"{plain(line.amount_minor, case.currency)} {_TARGETS[line.target]}" for line in case.lines
    ]
    restored = [
        f"{plain(line.amount_minor, case.currency)}: {line.restore_note}" for line in case.lines
    ]
    return {
        "case": case,
        "lines": "; ".join(lines),
        "restored": "; ".join(restored),
        "sum": plain(sum(line.amount_minor for line in case.lines), case.currency),
    }


_ABOUT = {
    "contract": ", in one contract",
    "milestone": ", for one milestone",
    "payment": ", for what one payment paid for",
    "payout": ", for one payout",
}


def _of_hold(ctx: Context, hold: Hold, words: dict[str, str] = SCOPES) -> EmailValues:
    reason = ctx.policies.reasons[hold.reason_code]
    told, stopped = hold.disclosure == "full", stopped_by(hold)
    amount = (
        f"exactly {plain(hold.amount_minor, hold.currency)}"
        if hold.amount_minor is not None and hold.currency
        else None
    )
    return {
        "hold": hold,
        "reason": reason.code.replace("_", " ") if told else "we may not say why",
        "statement": f"{reason.text} {hold.facts} (Clause: {hold.clause}.)" if told else HIDDEN,
        "stopped": amount or "; ".join(words[one] for one in stopped if one in words),
        "about": _ABOUT.get(hold.subject_kind, ""),
        "payouts_waited": "outflow" in stopped,
        "asked": ", ".join(
            r.kind.replace("_", " ")
            for r in hold.requirements
            if r.state in (RequirementState.OPEN, RequirementState.REFUSED)
        ),
        "next_decision_at": hold_checks.next_decision_at(hold),
    }


def _person(ctx: Context, freelancer_id: str | None) -> Freelancer | None:
    return ctx.session.get(Freelancer, freelancer_id) if freelancer_id else None
