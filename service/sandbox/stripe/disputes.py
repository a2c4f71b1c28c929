"""Banks that take payments back: disputes, inquiries, early fraud warnings, evidence, and how they
end.
"""

from __future__ import annotations

from datetime import timedelta

from service.sandbox.errors import StripeRefusal
from service.sandbox.store import CARDS, FEES, PLATFORM, Store
from service.sandbox.stripe.balance import transaction
from service.sandbox.stripe.objects import (
    CHARGE,
    DISPUTE,
    FILE,
    Charge,
    Dispute,
    File,
    FraudWarning,
)
from service.sandbox.stripe.params import Params
from service.sandbox.stripe.webhooks import emit

DISPUTED = {"4000000000000259": "fraudulent", "4000000000002685": "product_not_received"}
INQUIRED = "4000000000001976"
WARNED = "4000000000005423"
COMES_AFTER = timedelta(hours=1)
EVIDENCE_WITHIN = timedelta(days=20)
BANK_TAKES = timedelta(days=60)
_FEE = {"USD": 1500, "EUR": 2000, "GBP": 2000, "JPY": 1500, "INR": 150_000, "KWD": 5000}
OVER = ("won", "lost", "warning_closed", "prevented")


def follow_card(store: Store, charge_id: str, number: str) -> None:
    """What Stripe's test cards bring about some time after the charge."""
    if number in DISPUTED or number == INQUIRED:
        store.at(store.now + COMES_AFTER, "dispute.open", charge_id)
    if number == WARNED:
        store.at(store.now + COMES_AFTER, "fraud.warn", charge_id)


def open_by_card(store: Store, charge_id: str) -> None:
    number, charge = str(store.hidden(charge_id).get("card", "")), store.get(charge_id, CHARGE)
    if charge["disputed"] or charge["amount_refunded"] == charge["amount"]:
        return  # the client has the money back, or contests it already
    open_dispute(store, charge_id, DISPUTED.get(number, "general"), inquiry=number == INQUIRED)


def open_dispute(
    store: Store, charge_id: str, reason: str, amount: int | None = None, *, inquiry: bool = False
) -> Dispute:
    """The bank contests a charge, or (an inquiry) only asks.

    A contest takes the amount and a fee at once.
    """
    charge = store.get(charge_id, CHARGE)
    left = charge["amount"] - charge["amount_refunded"]
    amount = left if amount is None else amount
    if charge["disputed"] or not 1 <= amount <= left:
        raise StripeRefusal(
            400, "charge_disputed", "This charge cannot be disputed over that amount."
        )
    dispute = _dispute(store, charge, reason, amount, inquiry=inquiry)
    store.put(dispute)
    charge["disputed"] = True
    store.put(charge)
    if not inquiry:
        _withdraw(store, dispute)
    store.at(store.now + EVIDENCE_WITHIN, "dispute.overdue", dispute["id"])
    emit(store, "charge.dispute.created", dispute)
    if not inquiry:
        emit(store, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def _dispute(
    store: Store,
    charge: Charge,
    reason: str,
    amount: int,
    *,
    inquiry: bool,
) -> Dispute:
    due_by = int((store.now + EVIDENCE_WITHIN).timestamp())
    return {
        "id": store.new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": store.timestamp,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": due_by,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def _withdraw(store: Store, dispute: Dispute) -> None:
    code, amount = dispute["currency"].upper(), dispute["amount"]
    fee = _FEE.get(code, 0)
    dispute["balance_transactions"].append(
        transaction(
            store, dispute["id"], "adjustment", -amount, fee, dispute["currency"], store.now
        )
    )
    store.put(dispute)
    store.move(code, {PLATFORM: -amount - fee, CARDS: amount, FEES: fee})


def escalate(store: Store, dispute_id: str) -> Dispute:
    """An inquiry becomes a dispute: now the money is taken."""
    dispute = store.get(dispute_id, DISPUTE)
    if dispute["status"] not in ("warning_needs_response", "warning_under_review"):
        raise StripeRefusal(400, "resource_state_invalid", "Only an inquiry can escalate.")
    dispute |= {"status": "needs_response", "is_charge_refundable": False}
    _withdraw(store, dispute)
    emit(store, "charge.dispute.updated", dispute)
    emit(store, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def close(store: Store, dispute_id: str, outcome: str) -> Dispute:
    """The bank has decided: `won`, `lost`; `warning_closed` for an inquiry."""
    dispute = store.get(dispute_id, DISPUTE)
    inquiry = dispute["status"].startswith("warning_")
    if (
        dispute["status"] in OVER
        or (inquiry != (outcome == "warning_closed"))
        or outcome not in OVER
    ):
        raise StripeRefusal(400, "resource_state_invalid", f"This dispute is {dispute['status']}.")
    dispute["status"] = outcome
    if outcome == "won":
        back = transaction(
            store, dispute_id, "adjustment", dispute["amount"], 0, dispute["currency"], store.now
        )
        dispute["balance_transactions"].append(back)
        store.move(
            dispute["currency"].upper(), {PLATFORM: dispute["amount"], CARDS: -dispute["amount"]}
        )
    store.put(dispute)
    if outcome != "lost":
        charge = store.get(dispute["charge"], CHARGE)
        charge["disputed"] = False
        store.put(charge)
    if outcome == "won":
        emit(store, "charge.dispute.funds_reinstated", dispute)
    emit(store, "charge.dispute.closed", dispute)
    return dispute


def reopen(store: Store, dispute_id: str) -> Dispute:
    """The cardholder's bank takes a won case up again, and the money with it."""
    dispute = store.get(dispute_id, DISPUTE)
    if dispute["status"] != "won":
        raise StripeRefusal(
            400, "resource_state_invalid", "Only a won dispute can be taken up again."
        )
    due_by = int((store.now + EVIDENCE_WITHIN).timestamp())
    dispute |= {
        "status": "appeal_needs_response",
        "evidence_details": dispute["evidence_details"] | {"due_by": due_by},
    }
    code, amount = dispute["currency"].upper(), dispute["amount"]
    dispute["balance_transactions"].append(
        transaction(store, dispute_id, "adjustment", -amount, 0, dispute["currency"], store.now)
    )
    store.put(dispute)
    store.move(code, {PLATFORM: -amount, CARDS: amount})
    emit(store, "charge.dispute.updated", dispute)
    return dispute


def overdue(store: Store, dispute_id: str) -> None:
    """Nobody answered in time: lost, as banks do it; an inquiry is closed."""
    status = store.get(dispute_id, DISPUTE)["status"]
    if status in ("needs_response", "appeal_needs_response"):
        close(store, dispute_id, "lost")
    elif status == "warning_needs_response":
        close(store, dispute_id, "warning_closed")


def update(store: Store, dispute_id: str, body: Params) -> Dispute:
    """Evidence: staged, or submitted, which a bank takes once.

    Stripe's magic words decide at once; else the bank takes its time.
    """
    dispute = store.get(dispute_id, DISPUTE)
    if not dispute["status"].endswith("needs_response"):
        raise StripeRefusal(
            400,
            "resource_state_invalid",
            f"This dispute is {dispute['status']}: evidence can no longer be changed.",
        )
    evidence = body.part("evidence")
    if "uncategorized_file" in evidence:
        store.get(evidence.text("uncategorized_file"), FILE)
    dispute["evidence"] |= evidence.given
    details = dispute["evidence_details"]
    details["has_evidence"] = True
    if body.raw("submit", "true") in (True, "true"):
        inquiry = dispute["status"].startswith("warning_")
        dispute["status"] = dispute["status"].replace("needs_response", "under_review")
        details |= {
            "submission_count": details["submission_count"] + 1,
            "submission_method": "manual",
        }
        store.put(dispute)
        emit(store, "charge.dispute.updated", dispute)
        words = str(dispute["evidence"].get("uncategorized_text", ""))
        if not inquiry and ("winning_evidence" in words or "losing_evidence" in words):
            return close(store, dispute_id, "won" if "winning_evidence" in words else "lost")
        store.at(store.now + BANK_TAKES, "dispute.decide", dispute_id)
    return store.put(dispute)


def decide(store: Store, dispute_id: str) -> None:
    """After its two months the bank decides as the switch `bank_decides` says: for us, unless set
    otherwise.
    """
    status = store.get(dispute_id, DISPUTE)["status"]
    if status == "warning_under_review":
        close(store, dispute_id, "warning_closed")
    elif status.endswith("under_review"):
        close(store, dispute_id, str(store.setting("bank_decides", "won")))


def concede(store: Store, dispute_id: str) -> Dispute:
    return close(store, dispute_id, "lost")


def warn(store: Store, charge_id: str) -> FraudWarning:
    """An early fraud warning: often a dispute follows."""
    charge = store.get(charge_id, CHARGE)
    warning: FraudWarning = {
        "id": store.new_id("issfr"),
        "object": "radar.early_fraud_warning",
        "actionable": not charge["refunded"],
        "charge": charge_id,
        "created": store.timestamp,
        "fraud_type": "made_with_stolen_card",
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
    store.put(warning)
    emit(store, "radar.early_fraud_warning.created", warning)
    return warning


def create_file(store: Store, body: Params) -> File:
    """An uploaded file; the sandbox keeps its size and name, not its bytes."""
    upload = body.part("file")
    name = upload.text("name")
    made: File = {
        "id": store.new_id("file"),
        "object": "file",
        "created": store.timestamp,
        "filename": name,
        "purpose": body.raw("purpose"),
        "size": upload.number("size"),
        "type": name.rpartition(".")[2],
    }
    return store.put(made)
