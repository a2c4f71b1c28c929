"""Automatic rules: they look at payments, chargebacks and warnings, never at holds, and may only
ask for a short hold.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from service.core import queue
from service.core.context import Context
from service.domain.identity import typeid
from service.domain.money.money import plain, usd_like
from service.domain.states.job_types import JobType
from service.models import Contract, Payment
from service.platform.db import fetch
from service.policies.rules import RiskRule
from service.shared.hold_checks import HoldTerms

CLAUSE = "Terms, protection of payments"
MOST_REPORTED = 1_000

_FIRST = """
    SELECT count(*) AS n FROM payment p JOIN contract c ON c.id = p.contract_id
     WHERE c.client_id = %s AND p.judgement = 'funded' AND p.succeeded_at < %s
"""
_RECENT = """
    SELECT count(*) AS n FROM payment p JOIN contract c ON c.id = p.contract_id
     WHERE c.freelancer_id = %s AND p.judgement = 'funded' AND p.succeeded_at > %s
         AND p.succeeded_at <= %s
"""
_WARNED = "SELECT count(*) AS n FROM fraud_warning WHERE payment_id = %s AND seen_at <= %s"
_RATIO = """
    SELECT count(DISTINCT b.id) AS taken_back, count(DISTINCT p.id) AS payments
      FROM payment p JOIN contract c ON c.id = p.contract_id LEFT JOIN chargeback b
          ON b.payment_id = p.id AND b.opened_at <= %s
     WHERE c.freelancer_id = %s AND p.judgement = 'funded'
"""
_SAME_PURSE = """
    SELECT count(*) AS n FROM payment p JOIN payout_account a ON a.freelancer_id = %s
        WHERE p.id = %s AND a.instruments ? p.instrument
"""
_PAID_WITH_THAT = """
    SELECT p.id FROM payment p JOIN contract c ON c.id = p.contract_id JOIN payout_account a
        ON a.freelancer_id = c.freelancer_id
     WHERE c.freelancer_id = %s AND a.instruments ? p.instrument AND p.judgement = 'funded'
         ORDER BY p.id DESC LIMIT 100
"""
_FIRED_LATELY = (
    "SELECT 1 FROM hold WHERE rule_id = %s AND subject_id = %s AND starts_at > %s LIMIT 1"
)


def fires(
    ctx: Context, rule: RiskRule, contract: Contract, payment: Payment, at: Any
) -> str | None:
    """What the rule found about a payment at an instant, in words for the person; None when it
    found nothing.
    """
    client, freelancer = typeid.decode(contract.client_id), typeid.decode(contract.freelancer_id)
    if rule.name == "first_payment_size":
        large = payment.amount_minor >= rule.at_least_minor * usd_like(payment.currency)
        first = large and fetch(ctx.session, _FIRST, (client, payment.succeeded_at))[0].n == 0
        return (
            f"{rule.fact} It is over {plain(payment.amount_minor, payment.currency)}."
            if first
            else None
        )
    if rule.name == "velocity":
        found = fetch(
            ctx.session, _RECENT, (freelancer, at - timedelta(hours=rule.within_hours), at)
        )[0].n
        return (
            f"{rule.fact} {found} within {rule.within_hours} hours."
            if found >= rule.at_least_count
            else None
        )
    if rule.name == "payer_is_payee":
        return (
            rule.fact
            if fetch(ctx.session, _SAME_PURSE, (freelancer, typeid.decode(payment.id)))[0].n
            else None
        )
    if rule.name == "early_fraud_warning":
        return (
            rule.fact if fetch(ctx.session, _WARNED, (typeid.decode(payment.id), at))[0].n else None
        )
    row = fetch(ctx.session, _RATIO, (at, freelancer))[0]
    many = (
        row.taken_back >= rule.at_least_count
        and 100 * row.taken_back >= rule.at_least_percent * row.payments
    )
    return f"{rule.fact} {row.taken_back} of {row.payments}." if many else None


def wanted(ctx: Context, contract: Contract, payment: Payment) -> list[HoldTerms]:
    """The holds that enabled rules ask for.

    One that fired about the same within a week does not fire again: rules do not chain.
    """
    found = []
    for rule in ctx.policies.rules.values():
        words = (
            fires(ctx, rule, contract, payment, ctx.now)
            if rule.enabled and payment.judgement == "funded"
            else None
        )
        subject = payment.id if rule.holds == "payment" else contract.freelancer_id
        if words and not fetch(
            ctx.session,
            _FIRED_LATELY,
            (rule.name, typeid.decode(subject), ctx.now - timedelta(days=7)),
        ):
            found.append(
                HoldTerms(
                    subject,
                    rule.reason_code,
                    CLAUSE,
                    words,
                    rule.scopes,
                    rule_id=rule.name,
                    requires=(),
                )
            )
    return found


def look_again(ctx: Context, freelancer_id: str) -> None:
    """A payout account has become known, or changed: what came from its own purse before is looked
    at now.
    """
    ctx.session.flush()
    for row in fetch(ctx.session, _PAID_WITH_THAT, (typeid.decode(freelancer_id),)):
        queue.enqueue(ctx, JobType.RULES_CHECK, typeid.encode("pay", row.id))


_PAST = "SELECT id FROM payment WHERE judgement = 'funded' ORDER BY id DESC LIMIT %s"
_TAKEN_BACK = "SELECT 1 FROM chargeback WHERE payment_id = %s LIMIT 1"


def report(ctx: Context, rule: RiskRule) -> dict[str, Any]:
    """A dry run over the newest thousand payments, each as it stood an hour after it came: whom it
    would have held, and whether it was right.
    """
    rows: list[dict[str, Any]] = []
    right = seen = 0
    for row in fetch(ctx.session, _PAST, (MOST_REPORTED,)):
        seen += 1
        payment = ctx.session.get_one(Payment, typeid.encode("pay", row.id))
        contract = ctx.session.get_one(Contract, payment.contract_id)
        words = fires(
            ctx,
            rule,
            contract,
            payment,
            (payment.succeeded_at or payment.created_at) + timedelta(hours=1),
        )
        if words is None:
            continue
        taken_back = bool(fetch(ctx.session, _TAKEN_BACK, (row.id,)))
        right += taken_back
        rows.append(
            {
                "payment": payment.id,
                "amount": payment.amount_minor,
                "currency": payment.currency,
                "why": words,
                "taken_back_later": taken_back,
            }
        )
    return {
        "rule": rule.name,
        "enabled": rule.enabled,
        "payments_looked_at": seen,
        "would_hold": len(rows),
        "taken_back_later": right,
        "payments": rows[:100],
    }
