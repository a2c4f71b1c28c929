"""From a message's row to a letter: template and parameters in, text and HTML of the same content out.

Links and codes are made here, when the letter leaves, and stored nowhere. A template is a subject line, paragraphs, and
at most one button; both forms are built from the same blocks, so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from babel.dates import format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import escape

from service.act import Act
from service.domain import typeid
from service.domain.money import plain
from service.domain.typeid import ObjectKind
from service.gateways.mail import Letter
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
from service.operations import links, tax_dues
from service.policies.quotes import decimal
from service.runtime import Runtime
from service.worker import letters_safety

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "letters"), autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True  # noqa: S701  text; the HTML is escaped below
)  # fmt: skip
_BUTTON = "[button] "


@dataclass(frozen=True)
class _Content:
    subject: str
    paragraphs: list[str]
    button: tuple[str, str] | None


def compose(ctx: Runtime, act: Act, message: Message) -> Letter:
    """The letter of a message, from the present state of what it is about."""
    values = _values(ctx, act, message)
    content = _content(_TEMPLATES.get_template(f"{message.template}.txt").render(values), values.get("link_url", ""))
    freelancer = values.get("freelancer")
    to_client = freelancer is not None and message.recipient != freelancer.email
    platform = ctx.settings.platform_name
    return Letter(
        message_id=message.id,
        to=message.recipient,
        from_name=f"{freelancer.display_name} via {platform}" if to_client and freelancer else platform,
        from_address=ctx.settings.mail_from,
        reply_to=freelancer.email if to_client and freelancer else None,
        subject=content.subject,
        text=_as_text(content, _footer(ctx, values)),
        html=_as_html(content, _footer(ctx, values), platform),
        date=act.now,
    )


def _values(ctx: Runtime, act: Act, message: Message) -> dict[str, Any]:
    params = message.params
    values: dict[str, Any] = {"platform": ctx.settings.platform_name, "when": when, "difference": _difference_in(message, act), **params}
    contract = act.session.get(Contract, message.contract_id) if message.contract_id else None
    if contract is not None:
        link = act.session.get_one(ClientLink, params["link"]) if "link" in params else links.current_link(act, contract)
        values |= {
            "contract": contract,
            "freelancer": contract.freelancer,
            "total": plain(contract.total_minor, contract.currency),
            "link_url": f"{ctx.settings.public_url}/l/{ctx.tokens.link(link.id, link.revision)}",
            "link_ends": when(link.expires_at),
        }
        milestone = next((m for m in contract.milestones if m.id == params["object"]), None)
        if milestone is not None:
            values |= {"milestone": milestone, "milestone_amount": plain(milestone.amount_minor, contract.currency)}
    if "challenge" in params:
        values["code"] = links.code_of(ctx.settings.secret_keys[-1], params["challenge"])
    return values | _money_values(act, params, contract, lambda hold_id: f"{ctx.settings.public_url}/f/{ctx.tokens.sign('notice', hold_id)}")


def _difference_in(message: Message, act: Act) -> Callable[[dict[str, Any]], str]:
    contract = act.session.get(Contract, message.contract_id) if message.contract_id else None
    return lambda changed: difference(changed, contract.currency if contract else "USD")


def difference(changed: dict[str, Any], currency: str) -> str:
    """'USD 1,200.00 becomes USD 900.00', 'new: First run', 'dropped: Engine drawings'."""
    before, after = (_said(changed[side], changed["what"], currency) for side in ("before", "after"))
    if changed["before"] is None:
        return f"new: {after}"
    return f"dropped: {before}" if changed["after"] is None else f"{before} becomes {after}"


def _said(value: Any, what: str, currency: str) -> str:
    if isinstance(value, dict):
        return f"{value['title']}, {plain(value['amount'], currency)}"
    return plain(value, currency) if what.endswith(" amount") and value is not None else str(value)


def _money_values(act: Act, params: dict[str, Any], contract: Contract | None, notice_url: Callable[[str], str]) -> dict[str, Any]:
    object_id: str = params["object"]
    kind = typeid.kind_of(object_id)
    found: dict[str, Any] = _disagreement_values(act, object_id, contract) | letters_safety.values(act, params, contract, notice_url)
    if kind is ObjectKind.PAYMENT:
        payment = act.session.get_one(Payment, object_id)
        titles = [act.session.get_one(Milestone, line.milestone_id).title for line in payment.lines]
        found |= {"payment": payment, "titles": titles, "paid": plain(payment.total_minor, payment.currency)}
    if kind is ObjectKind.PAYOUT:
        payout = act.session.get_one(Payout, object_id)
        found |= {"payout": payout, "freelancer": act.session.get_one(Freelancer, payout.freelancer_id)}
    if kind is ObjectKind.FREELANCER:
        found["freelancer"] = act.session.get_one(Freelancer, object_id)
    if kind is ObjectKind.REFUND:
        refund = act.session.get_one(Refund, object_id)
        found["refund"] = refund
    if "release" in params:
        release = act.session.get_one(Release, params["release"])
        for name in ("gross", "fee", "net", "processing"):
            found[name] = plain(getattr(release, f"{name}_minor"), release.currency)
        found |= {"release_row": release, "taxes": [_tax(tax) for tax in tax_dues.of_release(act.session, release.id) if tax.amount_minor]}
    currency = params.get("currency") or (contract.currency if contract else None)
    if "refund" in params and currency:
        found["refund_text"] = plain(params["refund"], currency)
    if "fact" in params:
        found["news"] = _NEWS.get(params["fact"])
    if "amount" in params and currency:
        found["amount_text"] = plain(params["amount"], currency)
    return found


_NUMBER = {"number_on_file": "your tax number is on file", "no_number_on_file": "no tax number of yours is on file"}


def _tax(tax: Withholding) -> dict[str, str]:
    return {"amount": plain(tax.amount_minor, tax.currency), "rate": decimal(Fraction(tax.rate) * 100), "legal_ref": tax.legal_ref, "why": _NUMBER[tax.reason]}


_NEWS = {"dispute.answered": "answered", "dispute.offer_made": "offer", "dispute.mediation_opened": "mediation", "dispute.arbitration_opened": "arbitration"}


def _disagreement_values(act: Act, object_id: str, contract: Contract | None) -> dict[str, Any]:
    if contract is None:
        return {}
    found: dict[str, Any] = {}
    kind = typeid.kind_of(object_id)
    if kind is ObjectKind.DISPUTE:
        found["dispute"] = act.session.get_one(Dispute, object_id)
    if kind is ObjectKind.REFUND_REQUEST:
        found["request"] = act.session.get_one(RefundRequest, object_id)
    if kind is ObjectKind.CHARGEBACK:
        found["chargeback"] = act.session.get_one(Chargeback, object_id)
    about = found.get("dispute") or found.get("request")
    if about is not None:
        found["milestone_title"] = act.session.get_one(Milestone, about.milestone_id).title
    return found


def when(instant: datetime) -> str:
    """'14 December 2026, 18:00 UTC': long, with its zone."""
    return format_datetime(instant, "d MMMM y, HH:mm 'UTC'", locale="en")


def _content(rendered: str, link_url: str) -> _Content:
    subject, _, body = rendered.partition("\n")
    blocks = [" ".join(block.split()) for block in body.split("\n\n") if block.strip()]
    button = next((block.removeprefix(_BUTTON) for block in blocks if block.startswith(_BUTTON)), None)
    return _Content(subject.strip(), [b for b in blocks if not b.startswith(_BUTTON)], (button, link_url) if button else None)


def _footer(ctx: Runtime, values: dict[str, Any]) -> list[str]:
    lines = [f"{ctx.settings.platform_name} holds payments apart from its own money. We never ask for card details by e-mail."]
    if "contract" in values:
        lines.append(f"Contract {values['contract'].id}. The link in this letter works until {values['link_ends']}; no account is needed.")
    lines.append(f"Questions about the money: {ctx.settings.support_email}")
    return lines


def _as_text(content: _Content, footer: list[str]) -> str:
    parts = list(content.paragraphs)
    if content.button:
        parts.insert(min(2, len(parts)), f"{content.button[0]}:\n{content.button[1]}")
    return "\n\n".join([*parts, "-- ", *footer]) + "\n"


def _as_html(content: _Content, footer: list[str], platform: str) -> str:
    paragraphs = [f'<p style="margin:0 0 16px">{escape(p)}</p>' for p in content.paragraphs]
    if content.button:
        label, url = content.button
        style = "display:inline-block;background:#14532d;color:#ffffff;padding:13px 22px;border-radius:8px;text-decoration:none;font-weight:600"
        paragraphs.insert(min(2, len(paragraphs)), f'<p style="margin:8px 0 24px"><a href="{escape(url)}" style="{style}">{escape(label)}</a></p>')
    small = "".join(f'<p style="margin:0 0 6px">{escape(line)}</p>' for line in footer)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(content.subject)}</title></head>"
        '<body style="margin:0;background:#f4f5f1;color:#1d2a22;font:16px/1.55 system-ui,-apple-system,Segoe UI,sans-serif">'
        '<div style="max-width:560px;margin:0 auto;padding:28px 20px">'
        f'<p style="font-weight:700;color:#14532d;margin:0 0 18px">{escape(platform)}</p>'
        f'<div style="background:#ffffff;border:1px solid #dfe3da;border-radius:12px;padding:26px 24px 12px">{"".join(paragraphs)}</div>'
        f'<div style="color:#5d6a60;font-size:13px;padding:16px 6px">{small}</div></div></body></html>'
    )
