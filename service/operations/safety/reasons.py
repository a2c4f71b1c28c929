"""The statement of reasons: what a person on hold can read, modelled on art. 17 of the Digital
Services Act.
"""

from __future__ import annotations

from typing import Any

from service.core.context import Context
from service.domain.identity import actors
from service.domain.states.restrictions import SCOPES, stops
from service.ledger import accounts, balance
from service.models import Hold
from service.platform.db import fetch
from service.shared import hold_checks

_MONEY = """
    SELECT a.currency, a.kind, sum(b.credits - b.debits)::bigint AS amount_minor
      FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
     WHERE a.owner IN (SELECT hold_owners(%s)) AND a.kind = ANY (%s) AND b.credits > b.debits
         GROUP BY 1, 2 ORDER BY 1, 2
"""
_STOPS = {
    "release": ("escrow", "disputed"),
    "refund": ("escrow", "suspense"),
    "outflow": ("pending", "available"),
}
HIDDEN = "The law does not allow us to say more about this at present."


def statement(ctx: Context, hold: Hold, *, staff: bool = False) -> dict[str, Any]:
    """What is restricted and exactly how much, since when, on what facts and which clause, what
    still works, what to do, what comes next.
    """
    reason = ctx.policies.reasons[hold.reason_code]
    told = staff or hold.disclosure == "full"
    stopped = stopped_by(hold)
    shown: dict[str, Any] = {
        "id": hold.id,
        "object": "hold",
        "state": hold.state,
        "subject_kind": hold.subject_kind,
        "freelancer": hold.freelancer_id,
        "scopes": hold.scopes,
        "restricted": [SCOPES[scope] for scope in stopped],
        "still_possible": [words for scope, words in SCOPES.items() if scope not in stopped],
        "amount": hold.amount_minor,
        "currency": hold.currency,
        "money": money(ctx, hold),
        "since": hold.starts_at.isoformat(),
        "reason_code": hold.reason_code if told else None,
        "reason": reason.text if told else HIDDEN,
        "clause": hold.clause if told else None,
        "facts": hold.facts if told else None,
        "public_reason": hold.facts if told else HIDDEN,
        "automated": hold.automated,
        "rule": hold.rule_id if told else None,
        "disclosure": hold.disclosure,
        "requirements": [_requirement(r) for r in hold.requirements],
        "effects": [_effect(e) for e in hold.effects],
        "expires_at": _iso(hold.expires_at),
        "next_decision_at": None
        if hold.ended_at
        else hold_checks.next_decision_at(hold).isoformat(),
        "appeal": _way_to_appeal(hold),
        "ended_at": _iso(hold.ended_at),
        "end_reason": hold.end_reason if told else None,
    }
    return shown | _for_staff(hold) if staff else shown


def stopped_by(hold: Hold) -> list[str]:
    """The scopes in which a hold stops something; one over an amount sets it aside and stops
    nothing else.
    """
    return [] if hold.amount_minor is not None else stops(hold.subject_kind, hold.scopes)


def money(ctx: Context, hold: Hold) -> list[dict[str, Any]]:
    """The sums that this hold keeps, from the books: per currency and place."""
    if hold.ended_at is not None:
        return []
    if hold.currency is not None:
        aside = balance(ctx.session, accounts.reserved_by_hold(hold.id), hold.currency)
        return [{"currency": hold.currency, "where": "reserve", "amount": aside}] if aside else []
    kinds = sorted({kind for scope in hold.scopes for kind in _STOPS.get(scope, ())})
    rows = fetch(ctx.session, _MONEY, (hold.subject_id, kinds))
    return [
        {"currency": row.currency, "where": row.kind, "amount": row.amount_minor} for row in rows
    ]


def _requirement(one: Any) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "state": one.state,
        "due_at": one.due_at.isoformat(),
        "answer": one.answer,
        "files": one.file_ids or [],
    }


def _effect(one: Any) -> dict[str, str]:
    return {
        "what": one.what,
        "object": one.object_id,
        "outcome": one.outcome,
        "at": one.at.isoformat(),
    }


def _way_to_appeal(hold: Hold) -> dict[str, Any]:
    return {
        "until": hold.appeal_until.isoformat(),
        "how": f"POST /v1/holds/{hold.id}/appeals",
        "free": True,
        "decided_by": "another person",
    }


def _for_staff(hold: Hold) -> dict[str, Any]:
    return {
        "opened_by": str(hold.opened_by),
        "confirmed_by": actors.text(hold.confirmed_by),
        "confirm_by": _iso(hold.confirm_by),
        "internal_note": hold.internal_note,
    }


def _iso(instant: Any) -> str | None:
    return instant.isoformat() if instant is not None else None
