"""Which of a contract's pages each kind of link opens: the client's own, a colleague's who may pay,
one's who may only look.

One table for every page and form under `/c/`; `session.visitor` asks it before anything else
happens. A page that is not in it is the client's own.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class LinkRole(StrEnum):
    """As rows of links keep it."""

    PAYER = "payer"
    PAY_ONLY = "pay_only"
    VIEWER = "viewer"


LOOK: Final = frozenset(LinkRole)
PAY: Final = frozenset({LinkRole.PAYER, LinkRole.PAY_ONLY})
OWN: Final = frozenset({LinkRole.PAYER})

OPENED_BY: Final[dict[str, frozenset[LinkRole]]] = {
    "access.change_people": OWN,
    "access.people": OWN,
    "access.stop": OWN,
    "changes.amendment_form": OWN,
    "changes.answer_amendment": OWN,
    "changes.change": OWN,
    "changes.change_form": OWN,
    "changes.end": OWN,
    "changes.end_form": OWN,
    "changes.unknown": OWN,
    "changes.unknown_form": OWN,
    "changes.versions": LOOK,
    "client.accept": OWN,
    "client.accept_form": OWN,
    "client.cancel": OWN,
    "client.cancel_form": OWN,
    "client.contract": LOOK,
    "client.decline": OWN,
    "client.decline_form": OWN,
    "client.receipt": LOOK,
    "client.receipt_pdf": LOOK,
    "client.receipts": LOOK,
    "disagree.dispute_form": OWN,
    "disagree.dispute_page": LOOK,
    "disagree.file": LOOK,
    "disagree.move_dispute": OWN,
    "disagree.open_dispute": OWN,
    "disagree.show_evidence": OWN,
    "entry.ask_code": OWN,
    "entry.check_code": OWN,
    "entry.code": OWN,
    "hold.appeal": OWN,
    "hold.page": OWN,
    "hold.statement": OWN,
    "pay.back": PAY,
    "pay.form": PAY,
    "pay.pay": PAY,
    "refund.form": OWN,
    "refund.refund": OWN,
    "review.approve": OWN,
    "review.choose": OWN,
    "review.form": OWN,
    "review.request_changes": OWN,
}
"""By endpoint.

A hold's reasons and a case's statement are about the client as a person, so they are the client's
own.
"""

REFUSALS: Final = {
    LinkRole.PAY_ONLY: "This link may look and pay, but not decide.",
    LinkRole.VIEWER: "This link may look, but not pay or decide.",
}


def may(role: str, endpoint: str) -> bool:
    """Whether a link of this role opens the page."""
    return role in OPENED_BY.get(endpoint, OWN)
