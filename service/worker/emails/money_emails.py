"""What e-mails about payments, releases, refunds, payouts and disputes say besides the contract."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from service.core.context import Context
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.domain.money.money import plain
from service.models import (
    Chargeback,
    Contract,
    Dispute,
    Freelancer,
    Milestone,
    Payment,
    Payout,
    Refund,
    RefundRequest,
    Release,
    Withholding,
)
from service.operations.tax import tax_dues
from service.policies.quotes import decimal
from service.worker.emails import safety_emails
from service.worker.emails.email_values import EmailParams, EmailValues, TaxLine


def values(
    ctx: Context,
    params: EmailParams,
    contract: Contract | None,
    notice_url: Callable[[str], str],
) -> EmailValues:
    currency = params.get("currency") or (contract.currency if contract else None)
    found: EmailValues = {
        **_disagreement_values(ctx, params["object"], contract),
        **safety_emails.values(ctx, params, contract, notice_url),
        **_object_values(ctx, params["object"]),
    }
    if "release" in params:
        found |= _release_values(ctx, params["release"])
    if "refund" in params and currency:
        found["refund_text"] = plain(params["refund"], currency)
    if "fact" in params:
        found["news"] = _NEWS.get(params["fact"])
    if "amount" in params and currency:
        found["amount_text"] = plain(params["amount"], currency)
    return found


def _object_values(ctx: Context, object_id: str) -> EmailValues:
    """Of a payment, a payout, a refund or a person; nothing of other objects."""
    session, kind = ctx.session, typeid.kind_of(object_id)
    if kind is ObjectKind.PAYMENT:
        payment = session.get_one(Payment, object_id)
        return {
            "payment": payment,
            "titles": [session.get_one(Milestone, one.milestone_id).title for one in payment.lines],
            "paid": plain(payment.total_minor, payment.currency),
        }
    if kind is ObjectKind.PAYOUT:
        payout = session.get_one(Payout, object_id)
        return {
            "payout": payout,
            "freelancer": session.get_one(Freelancer, payout.freelancer_id),
        }
    if kind is ObjectKind.FREELANCER:
        return {"freelancer": session.get_one(Freelancer, object_id)}
    if kind is ObjectKind.REFUND:
        return {"refund": session.get_one(Refund, object_id)}
    return {}


def _release_values(ctx: Context, release_id: str) -> EmailValues:
    release = ctx.session.get_one(Release, release_id)
    taxes = tax_dues.of_release(ctx.session, release.id)
    return {
        "release_row": release,
        "gross": plain(release.gross_minor, release.currency),
        "fee": plain(release.fee_minor, release.currency),
        "net": plain(release.net_minor, release.currency),
        "processing": plain(release.processing_minor, release.currency),
        "taxes": [_tax(tax) for tax in taxes if tax.amount_minor],
    }


_NUMBER = {
    "number_on_file": "your tax number is on file",
    "no_number_on_file": "no tax number of yours is on file",
}


def _tax(tax: Withholding) -> TaxLine:
    return {
        "amount": plain(tax.amount_minor, tax.currency),
        "rate": decimal(Fraction(tax.rate) * 100),
        "legal_ref": tax.legal_ref,
        "why": _NUMBER[tax.reason],
    }


_NEWS = {
    "dispute.answered": "answered",
    "dispute.offer_made": "offer",
    "dispute.mediation_opened": "mediation",
    "dispute.arbitration_opened": "arbitration",
}


def _disagreement_values(ctx: Context, object_id: str, contract: Contract | None) -> EmailValues:
    if contract is None:
        return {}
    session, kind = ctx.session, typeid.kind_of(object_id)
    if kind is ObjectKind.DISPUTE:
        dispute = session.get_one(Dispute, object_id)
        return {
            "dispute": dispute,
            "disputed": plain(dispute.amount_minor, contract.currency),
            "milestone_title": session.get_one(Milestone, dispute.milestone_id).title,
        }
    if kind is ObjectKind.REFUND_REQUEST:
        request = session.get_one(RefundRequest, object_id)
        return {
            "request": request,
            "milestone_title": session.get_one(Milestone, request.milestone_id).title,
        }
    if kind is ObjectKind.CHARGEBACK:
        return {"chargeback": session.get_one(Chargeback, object_id)}
    return {}
