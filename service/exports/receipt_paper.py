"""A client's payment receipt as a paper, in the language they agreed in."""

from __future__ import annotations

from service.models import Acceptance, Contract, Payment
from service.papers import Paper, Table
from service.papers.words import LANGUAGES, day, money, say


def language_of(acceptance: Acceptance | None) -> str:
    """The client's, where papers come in it; else English."""
    found = acceptance.locale[:2].lower() if acceptance else "en"
    return found if found in LANGUAGES else "en"


def render(payment: Payment, contract: Contract, acceptance: Acceptance | None, platform: str, language: str) -> bytes:
    """The PDF; the same payment gives the same bytes. `payment` has succeeded."""
    assert payment.succeeded_at is not None
    currency = payment.received_currency or payment.currency
    payer = [acceptance.company or acceptance.full_name, acceptance.address or ""] if acceptance else [contract.client_name]
    facts = [(say("number", language), payment.id), (say("received", language), day(payment.succeeded_at.date(), language))]
    facts += [(say("for_work_by", language), contract.freelancer.display_name), (say("contract", language), contract.title)]
    facts += [(say("purchase_order", language), acceptance.purchase_order)] if acceptance and acceptance.purchase_order else []
    facts += [(say("paid_with", language), say("card_ending", language, last4=payment.card_last4))] if payment.card_last4 else []
    titles = {m.id: f"{m.number}. {m.title}" for m in contract.milestones}
    lines = [[titles[line.milestone_id], money(line.amount_minor, payment.currency, language)] for line in payment.lines]
    extra = (("platform_fee", payment.client_fee_minor), ("processing", payment.surcharge_minor))
    lines += [[say(word, language), money(minor, payment.currency, language)] for word, minor in extra if minor]
    lines.append([say("total", language), money(payment.received_minor or payment.total_minor, currency, language)])
    return Paper(
        platform, language, say("receipt", language), payment.id, parties=[(say("buyer", language), [line for line in payer if line])], facts=facts,
        tables=[Table(say("what", language), [say("what", language), say("amount", language)], lines, (1,))], notes=[say("receipt_note", language)],
    ).pdf(payment.succeeded_at)  # fmt: skip
