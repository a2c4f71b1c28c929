"""Paying: what and how, off to Stripe, and the page to come back to, which trusts our own record
and never the address.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.core import repository
from service.core.context import Context
from service.domain.errors import Conflict, Invalid, NotFound
from service.domain.identity.actors import PSP
from service.domain.money.money import to_stripe
from service.domain.money.psp import CheckoutSnapshot
from service.gateways import GatewayError
from service.gateways.stripe import CheckoutLine, CheckoutOrder
from service.http import web
from service.models import Contract, Payment
from service.operations.client_access.sessions import Visitor
from service.operations.payments import checkout, payments
from service.pages.formatting import payable
from service.pages.session import use_form, visitor
from service.platform.failpoint import failpoint
from service.policies.processing import METHODS
from service.policies.quotes import client_fee_on, promised, surcharge
from service.shared import clients

blueprint = Blueprint("pay", __name__)
_MAX_ROUNDS = 3


@blueprint.get("/c/<contract_id>/pay")
def form(contract_id: str) -> str:
    with web.context() as ctx:
        found, _ = visitor(ctx, contract_id)
        return _page(found, None, set(request.args.getlist("milestone")))


def _page(found: Contract, problem: str | None, chosen: set[str]) -> str:
    runtime = web.runtime()
    options, own = payable(found), promised(found.quote).own
    cost = {
        m.id: surcharge(
            runtime.policies, found.currency, [m.amount_minor], found.processing_borne_by
        )[1]
        for m in options
    }
    amounts = [m.amount_minor for m in options]
    everything = (
        surcharge(runtime.policies, found.currency, amounts, found.processing_borne_by)[1]
        if options
        else 0
    )
    bank_debit = runtime.policies.bank_debit and found.currency in METHODS["us_bank_account"]
    by_bank = (
        surcharge(
            runtime.policies, found.currency, amounts, found.processing_borne_by, "us_bank_account"
        )[1]
        if options and bank_debit
        else 0
    )
    return render_template(
        "pay.html",
        contract=found,
        freelancer=found.freelancer,
        payable=options,
        cost=cost,
        everything=everything,
        by_bank=by_bank,
        problem=problem,
        client_fee={m.id: client_fee_on(own, m.amount_minor) for m in options},
        chosen=chosen or {m.id for m in options[:1]},
        bank_debit=bank_debit,
    )


@blueprint.post("/c/<contract_id>/pay")
def pay(contract_id: str) -> Response | tuple[str, int]:
    """Two short transactions around each call to Stripe.

    The payment's row exists before Stripe hears of it.
    """
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        use_form(ctx, who)  # a second press finds the open payment again: nothing to refuse
        if "method" not in request.form:
            return _page(
                found, "Choose how you want to pay.", set(request.form.getlist("milestone"))
            ), 422
        unknown = set(request.form) - {"form_token", "milestone", "method"}
        if unknown:
            raise Invalid.one(
                sorted(unknown)[0],
                "unknown_field",
                "The form has a field that does not belong there.",
            )
    payment = _open_payment(contract_id, who)
    if payment.session_url is None:
        with web.context(who.actor) as ctx:
            order = _order(
                ctx,
                repository.contract(ctx.session, contract_id, owner=repository.EVERYONE),
                payment,
            )
        snapshot = web.runtime().stripe.create_checkout(order)
        failpoint("after_checkout_created")
        with web.context(who.actor) as ctx:
            _, locked = repository.payment(ctx.session, payment.id, lock=True)
            checkout.attach(locked, snapshot.session_id, snapshot.url or "", snapshot.expires_at)
            payment = locked
    return redirect(payment.session_url or "", 303)


def _open_payment(contract_id: str, who: Visitor) -> Payment:
    """The one open attempt over these milestones.

    Others in the way are closed at Stripe first, here only on its word.
    """
    for _ in range(_MAX_ROUNDS):
        with web.context(who.actor) as ctx:
            locked = repository.contract(
                ctx.session, contract_id, owner=repository.EVERYONE, lock=True
            )
            started = checkout.start(
                ctx, locked, request.form.getlist("milestone"), request.form["method"]
            )
        if started.payment is not None:
            return started.payment
        for other in started.in_the_way:
            if other.session_id is None:
                with web.context() as ctx:
                    contract, found = repository.payment(ctx.session, other.id, lock=True)
                    if found.session_id is None:
                        payments.abandon(ctx, contract, found)
            else:
                _apply_checkout(web.runtime().stripe.expire_checkout(other.session_id))
    raise Conflict(
        "Another payment for this milestone is being made. Please look again in a minute."
    )


def _apply_checkout(snapshot: CheckoutSnapshot) -> None:
    with web.context(PSP) as ctx:
        payments.apply_checkout(ctx, snapshot)


def _order(ctx: Context, found: Contract, payment: Payment) -> CheckoutOrder:
    base = web.runtime().settings.public_url
    back = f"{base}/c/{found.id}/payments/{payment.id}"
    titles = {m.id: m.title for m in found.milestones}
    lines = [
        CheckoutLine(titles[line.milestone_id], to_stripe(line.amount_minor, payment.currency))
        for line in payment.lines
    ]
    if payment.surcharge_minor:
        lines.append(
            CheckoutLine("Processing cost", to_stripe(payment.surcharge_minor, payment.currency))
        )
    if payment.client_fee_minor:
        lines.append(
            CheckoutLine(
                "Fee of the platform", to_stripe(payment.client_fee_minor, payment.currency)
            )
        )
    windows = web.runtime().policies.windows
    colleague = clients.link_of_payer(ctx.session, payment.payer)
    return CheckoutOrder(
        payment_id=payment.id,
        contract_id=found.id,
        currency=payment.currency,
        lines=lines,
        client_email=(colleague and colleague.passed_to) or found.client.email,
        method=payment.method,
        success_url=back,
        cancel_url=back,
        expires_at=payment.created_at + timedelta(minutes=windows.checkout_minutes),
    )


def _mine(contract_id: str, payment_id: str) -> Payment:
    with web.context() as ctx:
        visitor(ctx, contract_id)
        parent, payment = repository.payment(ctx.session, payment_id)
        if parent.id != contract_id:
            raise NotFound("There is no such payment.")
        return payment


@blueprint.get("/c/<contract_id>/payments/<payment_id>")
def back(contract_id: str, payment_id: str) -> tuple[str, int]:
    """Our own record first; Stripe is asked once when it is still open.

    What the address says counts for nothing.
    """
    payment = _mine(contract_id, payment_id)
    unknown = False
    if payment.state in checkout.UNFINISHED and payment.session_id:
        try:
            _apply_checkout(web.runtime().stripe.fetch_checkout(payment.session_id))
        except GatewayError:
            unknown = True
    with web.context() as ctx:
        found, _ = visitor(ctx, contract_id)
        payment = repository.payment(ctx.session, payment_id)[1]
        titles = {m.id: m.title for m in found.milestones}
        page = render_template(
            "payment.html",
            contract=found,
            freelancer=found.freelancer,
            payment=payment,
            unknown=unknown,
            titles=[titles[line.milestone_id] for line in payment.lines],
        )
    return page, 200
