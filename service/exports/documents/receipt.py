"""A client's payment receipt as a paper, in the language they agreed in: from what was written down
with the payment.
"""

from __future__ import annotations

from service.documents import Document, Table
from service.documents.wording import LANGUAGES, day, money, say
from service.domain.money.receipts import ReceiptContent
from service.models import Payment


def language_of(content: ReceiptContent) -> str:
    """The client's, where papers come in it; else English."""
    found = content.locale[:2].lower()
    return found if found in LANGUAGES else "en"


def render(payment: Payment, content: ReceiptContent, platform: str, language: str) -> bytes:
    """The PDF. `payment` has succeeded: its id and instant are on it, and all else is `content`."""
    assert payment.succeeded_at is not None
    return Document(
        platform,
        language,
        say("receipt", language),
        payment.id,
        parties=[(say("buyer", language), list(content.buyer))],
        facts=_facts(payment, content, language),
        tables=[
            Table(
                say("what", language),
                [say("what", language), say("amount", language)],
                _lines(content, language),
                (1,),
            )
        ],
        notes=[say("receipt_note", language)],
    ).pdf(payment.succeeded_at)


def _facts(payment: Payment, content: ReceiptContent, language: str) -> list[tuple[str, str]]:
    assert payment.succeeded_at is not None
    facts = [
        (say("number", language), payment.id),
        (say("received", language), day(payment.succeeded_at.date(), language)),
        (say("for_work_by", language), content.seller),
        (say("contract", language), content.title),
    ]
    if content.purchase_order:
        facts.append((say("purchase_order", language), content.purchase_order))
    if content.card_last4:
        facts.append(
            (say("paid_with", language), say("card_ending", language, last4=content.card_last4))
        )
    return facts


def _lines(content: ReceiptContent, language: str) -> list[list[str]]:
    lines = [
        [line.title, money(line.amount_minor, content.currency, language)] for line in content.lines
    ]
    extra = (("platform_fee", content.client_fee_minor), ("processing", content.surcharge_minor))
    lines += [
        [say(word, language), money(minor, content.currency, language)]
        for word, minor in extra
        if minor
    ]
    lines.append(
        [say("total", language), money(content.received_minor, content.received_currency, language)]
    )
    return lines
