"""To whom a paper is addressed, and what a receipt says: written down with the payment, so that
nothing later changes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.context import Context
from service.domain.money.receipts import ReceiptContent, ReceiptLine
from service.models import Acceptance, Contract, Payment, Receipt


@dataclass(frozen=True)
class BillingDetails:
    """What a client gave for their books, when they agreed; an amendment without new details leaves
    them as they are.
    """

    name: str
    company: str | None = None
    address: str | None = None
    vat_id: str | None = None
    purchase_order: str | None = None
    locale: str = "en"

    @property
    def addressee(self) -> str:
        return self.company or self.name


def details_of(session: Session, contract: Contract) -> BillingDetails:
    """The newest that the client gave, here or in the contract that this one carries on; else their
    name alone.
    """
    query = (
        select(Acceptance)
        .where(Acceptance.contract_id == contract.id)
        .order_by(Acceptance.text_version.desc())
    )
    agreed = list(session.execute(query.limit(100)).scalars())
    given = next(
        (one for one in agreed if one.company or one.address or one.vat_id or one.purchase_order),
        None,
    )
    if given is not None:
        return BillingDetails(
            given.full_name,
            given.company,
            given.address,
            given.vat_id,
            given.purchase_order,
            given.locale,
        )
    if contract.converted_from is not None:
        return details_of(session, session.get_one(Contract, contract.converted_from))
    name = contract.client_company or (agreed[0].full_name if agreed else contract.client_name)
    return BillingDetails(name, locale=agreed[0].locale if agreed else "en")


def write_receipt(ctx: Context, contract: Contract, payment: Payment) -> ReceiptContent:
    """What the receipt of a payment says, once: payer, work, lines, total.

    The payment has arrived.
    """
    content = _content(contract, payment, details_of(ctx.session, contract))
    ctx.session.add(Receipt(payment_id=payment.id, content=content.stored(), written_at=ctx.now))
    return content


def receipt_of(ctx: Context, contract: Contract, payment: Payment) -> ReceiptContent:
    """As it was written with the payment; of a payment from before 0.2, as it is written when
    somebody first asks.
    """
    kept = ctx.session.get(Receipt, payment.id)
    return ReceiptContent.read(kept.content) if kept else write_receipt(ctx, contract, payment)


def _content(contract: Contract, payment: Payment, details: BillingDetails) -> ReceiptContent:
    titles = {m.id: f"{m.number}. {m.title}" for m in contract.milestones}
    return ReceiptContent(
        buyer=tuple(line for line in (details.addressee, details.address) if line),
        purchase_order=details.purchase_order,
        locale=details.locale,
        seller=contract.freelancer.display_name,
        contract=contract.id,
        title=contract.title,
        currency=payment.currency,
        lines=tuple(
            ReceiptLine(titles[line.milestone_id], line.amount_minor) for line in payment.lines
        ),
        client_fee_minor=payment.client_fee_minor,
        surcharge_minor=payment.surcharge_minor,
        received_minor=payment.received_minor or payment.total_minor,
        received_currency=payment.received_currency or payment.currency,
        held=payment.judgement == "funded",
        card_last4=payment.card_last4,
    )
