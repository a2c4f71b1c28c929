"""From a message's row to an e-mail: template and parameters in, text and HTML of the same content
out.

Links and codes are made here, when the e-mail leaves, and stored nowhere. Which name it carries and
whom a reply reaches is the table of `domain.states.senders`; what a template is made of,
`email_parts`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import cast

from babel.dates import format_datetime

from service.core.context import Context
from service.core.runtime import Runtime
from service.domain.identity import names
from service.domain.identity.names import NameKind
from service.domain.money.money import plain
from service.domain.states.senders import FOR_FREELANCERS, FOR_PAYERS, UNASKED, VOICES, Sender
from service.domain.text import inert
from service.gateways.mail import Email
from service.models import (
    ClientLink,
    Contract,
    Freelancer,
    Message,
    Payment,
)
from service.operations.client_access import codes, links
from service.platform.config import Settings
from service.shared import clients
from service.worker.emails import email_formats, money_emails
from service.worker.emails.email_parts import Button, Pattern, pattern
from service.worker.emails.email_values import (
    Difference,
    EmailParams,
    EmailValues,
    Side,
)


def compose(runtime: Runtime, ctx: Context, message: Message) -> Email:
    """The e-mail of a message, from the present state of what it is about."""
    made_of = pattern(message.template)
    values = _values(runtime, ctx, message, made_of)
    parts = made_of.fill({**message.params, **values}, values.get("link_url", ""))
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
    """(the name an e-mail comes from, whom a reply reaches)."""
    platform, voice = settings.platform_name, VOICES[template]
    if voice is Sender.COLLEAGUE and contract is not None:
        return platform, contract.client.email
    if voice is Sender.PLATFORM or freelancer is None:
        return platform, settings.support_email
    # A name that is stored and would be refused today does not speak: the e-mail is the
    # platform's,
    # the reply theirs.
    refused = names.objection("", freelancer.display_name, NameKind.PERSON, platform)
    return (
        platform if refused else f"{inert.one_line(freelancer.display_name)} via {platform}",
        freelancer.email,
    )


def _values(runtime: Runtime, ctx: Context, message: Message, made_of: Pattern) -> EmailValues:
    """What the message's own parameters do not say already."""
    params = cast("EmailParams", message.params)
    values: EmailValues = {
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
        values["code"] = codes.code_of(runtime.settings.secret_keys[-1], params["challenge"])

    def notice_url(hold_id: str) -> str:
        return f"{runtime.settings.public_url}/f/{runtime.tokens.sign('notice', hold_id)}"

    return {**values, **money_emails.values(ctx, params, contract, notice_url)}


def _writer(contract: Contract, by: str | None) -> str:
    """Whose words an e-mail repeats; empty when they are ours.

    A message from before this was noted is never ours.
    """
    known = {
        "client": contract.client_name,
        "freelancer": contract.freelancer.display_name,
        "system": "",
        "staff": "",
    }
    return known.get(by or "", "One of you")


def _link_values(
    runtime: Runtime, ctx: Context, contract: Contract, params: EmailParams, *, payer: bool
) -> EmailValues:
    """The client's link, the colleague's who paid, or the one that the e-mail is about.

    A freelancer's e-mail never carries it.
    """
    link = (
        clients.link_of_payer(ctx.session, ctx.session.get_one(Payment, params["object"]).payer)
        if payer
        else None
    )
    if "link" in params:
        link = ctx.session.get_one(ClientLink, params["link"])
    link = link or links.current_link(ctx, contract)
    token = runtime.tokens.link(link.id, link.revision)
    return {
        "link_url": f"{runtime.settings.public_url}/l/{token}",
        "link_ends": when(link.expires_at),
    }


def _difference_in(message: Message, ctx: Context) -> Callable[[Difference], str]:
    contract = ctx.session.get(Contract, message.contract_id) if message.contract_id else None
    return lambda changed: difference(changed, contract.currency if contract else "USD")


def difference(changed: Difference, currency: str) -> str:
    """'USD 1,200.00 becomes USD 900.00', 'new: First run', 'dropped: Engine drawings'."""
    before = _said(changed["before"], changed["what"], currency)
    after = _said(changed["after"], changed["what"], currency)
    if changed["before"] is None:
        return f"new: {after}"
    return f"dropped: {before}" if changed["after"] is None else f"{before} becomes {after}"


def _said(value: Side, what: str, currency: str) -> str:
    if isinstance(value, dict):
        return f"{value['title']}, {plain(value['amount'], currency)}"
    return (
        plain(value, currency)
        if what.endswith(" amount") and isinstance(value, int)
        else str(value)
    )


def when(instant: datetime) -> str:
    """'14 December 2026, 18:00 UTC': long, with its zone."""
    return format_datetime(instant, "d MMMM y, HH:mm 'UTC'", locale="en")


def _footer(runtime: Runtime, values: EmailValues, *, linked: bool) -> list[str]:
    ours = (
        f"{runtime.settings.platform_name} holds payments apart from its own money. We never ask "
        "for card details by e-mail."
    )
    lines = [ours]
    if "contract" in values:
        lines.append(f"Contract {values['contract'].id}.")
    if linked and "link_ends" in values:
        lines.append(
            f"The link in this letter works until {values['link_ends']}; no account is needed."
        )
    lines.append(f"Questions about the money: {runtime.settings.support_email}")
    return lines
