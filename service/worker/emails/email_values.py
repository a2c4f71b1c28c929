"""What e-mails are made of: the parameters that a message keeps, and the values that its template
shows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Required, TypedDict

from service.models import (
    Appeal,
    Chargeback,
    Confiscation,
    Contract,
    Dispute,
    Freelancer,
    Hold,
    Milestone,
    Payment,
    Payout,
    Refund,
    RefundRequest,
    Release,
)


class EmailParams(TypedDict, total=False):
    """What a message keeps of the fact that it tells, as far as it is read here: ids, minor units,
    instants in ISO form. A template shows the others as they are.
    """

    object: Required[str]
    fact: str
    by: str
    link: str
    challenge: str
    release: str
    hold: str
    held: int
    next_decision_at: str
    refund: int
    amount: int
    currency: str


class PartOfOffer(TypedDict):
    """A milestone as an earlier or later text has it; the amount in minor units."""

    title: str
    amount: int


Side = str | int | PartOfOffer | None


class Difference(TypedDict):
    """What changed between two texts of a contract; None on the side that did not have it."""

    what: str
    before: Side
    after: Side


class TaxLine(TypedDict):
    """A tax that was withheld from a release, in words."""

    amount: str
    rate: str
    legal_ref: str
    why: str


class EmailValues(TypedDict, total=False):
    """By the names that templates know; amounts are texts with their currency."""

    platform: str
    when: Callable[[datetime], str]
    difference: Callable[[Difference], str]
    writer: str
    contract: Contract
    freelancer: Freelancer | None
    total: str
    milestone: Milestone
    milestone_amount: str
    link_url: str
    link_ends: str
    code: str
    payment: Payment
    titles: list[str]
    paid: str
    payout: Payout
    refund: Refund
    refund_text: str
    amount_text: str
    news: str | None
    release_row: Release
    gross: str
    fee: str
    net: str
    processing: str
    taxes: list[TaxLine]
    dispute: Dispute
    disputed: str
    request: RefundRequest
    chargeback: Chargeback
    milestone_title: str
    appeal: Appeal
    case: Confiscation
    lines: str
    restored: str
    sum: str
    hold: Hold
    reason: str
    statement: str
    stopped: str
    about: str
    payouts_waited: bool
    asked: str
    next_decision_at: datetime
    held_text: str
    decided: datetime
