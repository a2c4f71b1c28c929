"""What people see of the sandbox's Stripe: the checkout page, the 3-D Secure step, the onboarding
page. No script.
"""

from __future__ import annotations

import re

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.sandbox.errors import StripeRefusal
from service.sandbox.extensions import transaction
from service.sandbox.store import Store
from service.sandbox.stripe import accounts, disputes, payments
from service.sandbox.stripe.objects import SESSION
from service.sandbox.stripe.payout_objects import ACCOUNT, ACCOUNT_LINK

blueprint = Blueprint("people", __name__, url_prefix="/_sandbox/stripe")

TEST_CARDS = [
    ("4242 4242 4242 4242", "succeeds"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "has too little money"),
    ("4000 0000 0000 0069", "has expired"),
    ("4000 0000 0000 0127", "has a wrong code"),
    ("4000 0025 0000 3155", "asks for 3-D Secure"),
    ("4000 0000 0000 0077", "is available at once"),
    ("4000 0000 0000 0259", "is disputed as fraud an hour later"),
    ("4000 0000 0000 2685", "is disputed as not received"),
    ("4000 0000 0000 1976", "brings an inquiry of the bank"),
    ("4000 0000 0000 5423", "brings an early fraud warning"),
    ("4000 0000 0000 5126", "a refund of it fails later"),
    ("4000 0000 0000 7726", "a refund of it is pending first"),
]


def _luhn(number: str) -> bool:
    digits = [int(d) for d in reversed(number)]
    return (
        sum(d if i % 2 == 0 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(digits)) % 10
        == 0
    )


@blueprint.get("/pay/<session_id>")
def pay_page(session_id: str) -> str | tuple[str, int]:
    with transaction() as session:
        store = Store(session, write=False)
        found = store.get(session_id, SESSION)
        hidden = store.hidden(session_id)
    bank = "us_bank_account" in found["payment_method_types"]
    code = 200 if found["status"] == "open" else 410
    return render_template(
        "pay.html",
        session=found,
        items=list(zip(hidden["items"], hidden["amounts"], strict=True)),
        cards=TEST_CARDS,
        bank=bank,
    ), code


@blueprint.post("/pay/<session_id>")
def pay(session_id: str) -> Response | tuple[str, int]:
    number = re.sub("[^0-9]", "", request.form.get("number", ""))
    with transaction() as session:
        store = Store(session)
        found = store.get(session_id, SESSION)
        hidden = store.hidden(session_id)
        if request.form.get("bank_account"):
            payments.pay_by_bank(store, session_id, request.form["bank_account"])
            return redirect(found["success_url"], 303)
        passed = {"pass": True, "fail": False}.get(request.form.get("challenge", ""))
        if not (12 <= len(number) <= 19 and _luhn(number)):
            outcome = "declined:incorrect_number"
        else:
            outcome = payments.pay_by_card(store, session_id, number, challenge_passed=passed)
        if outcome == "paid":
            disputes.follow_card(store, payments.charge_of(store, session_id), number)
    if outcome == "paid":
        return redirect(found["success_url"], 303)
    items = list(zip(hidden["items"], hidden["amounts"], strict=True))
    template = "challenge.html" if outcome == "challenge" else "pay.html"
    reason = outcome.partition(":")[2]
    return render_template(
        template,
        session=found,
        items=items,
        cards=TEST_CARDS,
        number=number,
        reason=reason,
        bank=False,
    ), 200


@blueprint.get("/pay/<session_id>/leave")
def leave(session_id: str) -> Response:
    with transaction() as session:
        found = Store(session, write=False).get(session_id, SESSION)
    return redirect(found["cancel_url"] or found["success_url"], 303)


@blueprint.get("/onboarding/<link_id>")
def onboarding_page(link_id: str) -> str:
    with transaction() as session:
        store = Store(session, write=False)
        link = store.get(link_id, ACCOUNT_LINK)
        hidden = store.hidden(link["account"])
    return render_template("onboarding.html", link=link, hidden=hidden)


@blueprint.post("/onboarding/<link_id>")
def onboard(link_id: str) -> Response:
    with transaction() as session:
        store = Store(session)
        link = store.get(link_id, ACCOUNT_LINK)
        outcome = request.form.get("outcome", "active")
        if outcome not in ("active", "restricted", "bank_fails"):
            raise StripeRefusal(400, "parameter_invalid", "Choose one of the outcomes.")
        account = store.get(link["account"], ACCOUNT)
        bank = store.hidden(link["account"]).get("bank") or store.new_id("ba")
        store.put(account, hidden={"bank_fails": outcome == "bank_fails", "bank": bank})
        accounts.set_transfers(
            store,
            link["account"],
            "restricted" if outcome == "restricted" else "active",
            "requirements_past_due",
        )
    return redirect(str(link["use_case"]["account_onboarding"]["return_url"]), 303)
