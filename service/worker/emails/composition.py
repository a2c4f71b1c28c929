"""From a message's row to a letter: template and parameters in, text and HTML of the same content
out.

Links and codes are made here, when the letter leaves, and stored nowhere. Which name it carries and
whom a reply reaches is the table of `domain.voices`; what a template is made of, `letter_parts`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from typing import Any

from babel.dates import format_datetime

from service.core.context import Context
from service.core.runtime import Runtime
from service.domain.identity import names, typeid
from service.domain.identity.names import NameKind
from service.domain.identity.typeid import ObjectKind
from service.domain.money.money import plain
from service.domain.states.senders import FOR_FREELANCERS, FOR_PAYERS, UNASKED, VOICES, Sender
from service.domain.text import inert
from service.gateways.mail import Email
from service.models import (
    Chargeback,
    ClientLink,
    Contract,
    Dispute,
    Freelancer,
    Message,
    Milestone,
    Payment,
    Payout,
    Refund,
    RefundRequest,
    Release,
    Withholding,
)
from service.operations.client_access import links
from service.operations.tax import tax_dues
from service.platform.config import Settings
from service.policies.quotes import decimal
from service.shared import clients
from service.worker.emails import email_formats, safety_emails
from service.worker.emails.email_parts import Button, Pattern, pattern


def compose(runtime: Runtime, ctx: Context, message: Message) -> Email:
    """The letter of a message, from the present state of what it is about."""
    made_of = pattern(message.template)
    values = _values(runtime, ctx, message, made_of)
    parts = made_of.fill(values, values.get("link_url", ""))
    platform = runtime.settings.platform_name
    footer = _footer(runtime, values, linked=any(isinstance(part, Button) for part in parts.parts))
    from_name, reply_to = sender(
        runtime.settings, message.template, values.get("freelancer"), values.get("contract")
    )
    return Email(
        message_id=message.id,
        to=message.recipient,
        from_name=from_name,
        from_address=runtime.settings.mail_from,
        reply_to=reply_to,
        subject=parts.subject,
        text=email_formats.as_text(parts, footer, platform),
        html=email_formats.as_html(parts, footer, platform),
        date=ctx.now,
        unsubscribe=runtime.settings.support_email if message.template in UNASKED else None,
    )


def sender(
    settings: Settings, template: str, freelancer: Freelancer | None, contract: Contract | None
) -> tuple[str, str]:
    """(the name a letter comes from, whom a reply reaches)."""
    platform, voice = settings.platform_name, VOICES[template]
    if voice is Sender.COLLEAGUE and contract is not None:
        return platform, contract.client.email
    if voice is Sender.PLATFORM or freelancer is None:
        return platform, settings.support_email
    # A name that is stored and would be refused today does not speak: the letter is the platform's,
    # the reply theirs.
    refused = names.objection("", freelancer.display_name, NameKind.PERSON, platform)
    return (
        platform if refused else f"{inert.one_line(freelancer.display_name)} via {platform}",
        freelancer.email,
    )


def _values(runtime: Runtime, ctx: Context, message: Message, made_of: Pattern) -> dict[str, Any]:
    params = message.params
    values: dict[str, Any] = params | {
        "platform": runtime.settings.platform_name,
        "when": when,
        "difference": _difference_in(message, ctx),
        "writer": "",
    }
    contract = ctx.session.get(Contract, message.contract_id) if message.contract_id else None
    if contract is not None:
        values |= {
            "contract": contract,
            "freelancer": contract.freelancer,
            "writer": _writer(contract, params.get("by")),
            "total": plain(contract.total_minor, contract.currency),
        }
        if made_of.buttons and message.template not in FOR_FREELANCERS:
            values |= _link_values(
                runtime, ctx, contract, params, payer=message.template in FOR_PAYERS
            )
        milestone = next((m for m in contract.milestones if m.id == params["object"]), None)
        if milestone is not None:
            values |= {
                "milestone": milestone,
                "milestone_amount": plain(milestone.amount_minor, contract.currency),
            }
    if "challenge" in params:
        values["code"] = links.code_of(runtime.settings.secret_keys[-1], str(params["challenge"]))
    return values | _money_values(
        ctx,
        params,
        contract,
        lambda hold_id: f"{runtime.settings.public_url}/f/{runtime.tokens.sign('notice', hold_id)}",
    )


def _writer(contract: Contract, by: object) -> str:
    """Whose words a letter repeats; empty when they are ours.

    A message from before this was noted is never ours.
    """
    known = {
        "client": contract.client_name,
        "freelancer": contract.freelancer.display_name,
        "system": "",
        "staff": "",
    }
    return known.get(str(by or ""), "One of you")


def _link_values(
    runtime: Runtime, ctx: Context, contract: Contract, params: dict[str, Any], *, payer: bool
) -> dict[str, Any]:
    """The client's link, the colleague's who paid, or the one that the letter is about.

    A freelancer's letter never carries it.
    """
    link = (
        clients.link_of_payer(ctx.session, ctx.session.get_one(Payment, params["object"]).payer)
        if payer
        else None
    )
    if "link" in params:
        link = ctx.session.get_one(ClientLink, params["link"])
    link = link or links.current_link(ctx, contract)
    return {
        "link_url": f"{runtime.settings.public_url}/l/{runtime.tokens.link(link.id, link.revision)}",
        "link_ends": when(link.expires_at),
    }


def _difference_in(message: Message, ctx: Context) -> Callable[[dict[str, Any]], str]:
    contract = ctx.session.get(Contract, message.contract_id) if message.contract_id else None
    return lambda changed: difference(changed, contract.currency if contract else "USD")


def difference(changed: dict[str, Any], currency: str) -> str:
    """'USD 1,200.00 becomes USD 900.00', 'new: First run', 'dropped: Engine drawings'."""
    before, after = (
        _said(changed[side], changed["what"], currency) for side in ("before", "after")
    )
    if changed["before"] is None:
        return f"new: {after}"
    return f"dropped: {before}" if changed["after"] is None else f"{before} becomes {after}"


def _said(value: Any, what: str, currency: str) -> str:
    if isinstance(value, dict):
        return f"{value['title']}, {plain(value['amount'], currency)}"
    return plain(value, currency) if what.endswith(" amount") and value is not None else str(value)


def _money_values(
    ctx: Context,
    params: dict[str, Any],
    contract: Contract | None,
    notice_url: Callable[[str], str],
) -> dict[str, Any]:
    object_id: str = params["object"]
    kind = typeid.kind_of(object_id)
    found: dict[str, Any] = _disagreement_values(ctx, object_id, contract) | safety_emails.values(
        ctx, params, contract, notice_url
    )
    if kind is ObjectKind.PAYMENT:
        payment = ctx.session.get_one(Payment, object_id)
        titles = [ctx.session.get_one(Milestone, line.milestone_id).title for line in payment.lines]
        found |= {
            "payment": payment,
            "titles": titles,
            "paid": plain(payment.total_minor, payment.currency),
        }
    if kind is ObjectKind.PAYOUT:
        payout = ctx.session.get_one(Payout, object_id)
        found |= {
            "payout": payout,
            "freelancer": ctx.session.get_one(Freelancer, payout.freelancer_id),
        }
    if kind is ObjectKind.FREELANCER:
        found["freelancer"] = ctx.session.get_one(Freelancer, object_id)
    if kind is ObjectKind.REFUND:
        refund = ctx.session.get_one(Refund, object_id)
        found["refund"] = refund
    if "release" in params:
        found |= _release_values(ctx, params["release"])
    currency = params.get("currency") or (contract.currency if contract else None)
    if "refund" in params and currency:
        found["refund_text"] = plain(params["refund"], currency)
    if "fact" in params:
        found["news"] = _NEWS.get(params["fact"])
    if "amount" in params and currency:
        found["amount_text"] = plain(params["amount"], currency)
    return found


def _release_values(ctx: Context, release_id: str) -> dict[str, Any]:
    release = ctx.session.get_one(Release, release_id)
    taxes = tax_dues.of_release(ctx.session, release.id)
    return {
        name: plain(getattr(release, f"{name}_minor"), release.currency)
        for name in ("gross", "fee", "net", "processing")
    } | {"release_row": release, "taxes": [_tax(tax) for tax in taxes if tax.amount_minor]}


_NUMBER = {
    "number_on_file": "your tax number is on file",
    "no_number_on_file": "no tax number of yours is on file",
}


def _tax(tax: Withholding) -> dict[str, str]:
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


def _disagreement_values(ctx: Context, object_id: str, contract: Contract | None) -> dict[str, Any]:
    if contract is None:
        return {}
    found: dict[str, Any] = {}
    kind = typeid.kind_of(object_id)
    if kind is ObjectKind.DISPUTE:
        dispute = ctx.session.get_one(Dispute, object_id)
        found |= {"dispute": dispute, "disputed": plain(dispute.amount_minor, contract.currency)}
    if kind is ObjectKind.REFUND_REQUEST:
        found["request"] = ctx.session.get_one(RefundRequest, object_id)
    if kind is ObjectKind.CHARGEBACK:
        found["chargeback"] = ctx.session.get_one(Chargeback, object_id)
    about = found.get("dispute") or found.get("request")
    if about is not None:
        found["milestone_title"] = ctx.session.get_one(Milestone, about.milestone_id).title
    return found


def when(instant: datetime) -> str:
    """'14 December 2026, 18:00 UTC': long, with its zone."""
    return format_datetime(instant, "d MMMM y, HH:mm 'UTC'", locale="en")


def _footer(runtime: Runtime, values: dict[str, Any], *, linked: bool) -> list[str]:
    lines = [
        (
            f"{runtime.settings.platform_name} holds payments apart from its own money. We never ask for "
            "card details by e-mail."
        )
    ]
    if "contract" in values:
        lines.append(f"Contract {values['contract'].id}.")
    if linked and "link_ends" in values:
        lines.append(
            f"The link in this letter works until {values['link_ends']}; no account is needed."
        )
    lines.append(f"Questions about the money: {runtime.settings.support_email}")
    return lines
