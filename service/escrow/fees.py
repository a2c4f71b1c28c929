"""What a release takes as fee, and what a refund after release gives back: by the schedules that
the quote froze.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.core.context import Context
from service.domain.money.fees import cumulative_fee, tax_on_fee
from service.domain.money.money import round_half_up
from service.models import Contract, Milestone
from service.policies.quotes import Pair, promised
from service.shared import agreement


@dataclass(frozen=True)
class Fee:
    """All that is taken or given back as fee; `tax_minor` of it is tax."""

    amount_minor: int
    tax_minor: int = 0


def schedule_id(contract: Contract) -> str:
    """Of the schedule by which the contract's fees are measured."""
    return promised(contract.quote).own.id


def _on_top(pair: Pair) -> bool:
    return pair.own.tax == "on_top"


def _taken(pair: Pair, milestone: Milestone) -> int:
    """The fee by the schedule that was taken so far, without tax on top of it."""
    return milestone.fee_taken_minor - (milestone.fee_tax_taken_minor if _on_top(pair) else 0)


def _returned(pair: Pair, milestone: Milestone) -> int:
    return milestone.fee_returned_minor - (milestone.fee_tax_returned_minor if _on_top(pair) else 0)


def take(ctx: Context, contract: Contract, milestone: Milestone, gross_minor: int) -> Fee:
    """The fee on this release: on everything released so far, less what was taken; never more than
    the release itself.
    """
    pair = promised(contract.quote)
    if milestone.billed_before_minor is None:
        known = (
            agreement.billed_before(ctx, contract.client_alias_id, contract.currency, alone=True)
            if pair.lifetime
            else 0
        )
        milestone.billed_before_minor = known
    due = cumulative_fee(
        pair.own, pair.normal, milestone.released_minor + gross_minor, milestone.billed_before_minor
    )
    # A release of a few minor units can be smaller than its rounded share; what is not taken now is
    # taken by the next one.
    fee = min(due - _taken(pair, milestone), gross_minor)
    tax = (
        agreement.fee_tax_of(ctx, contract.freelancer_id, ctx.today)
        if pair.own.tax != "none"
        else None
    )
    if tax is None:
        return Fee(fee)
    share = tax_on_fee(fee, tax.rate, inside=not _on_top(pair))
    return (
        Fee(min(fee + share, gross_minor), min(share, gross_minor - fee))
        if _on_top(pair)
        else Fee(fee, share)
    )


def give_back(contract: Contract, milestone: Milestone, left_minor: int) -> Fee:
    """What goes back when only `left_minor` of the released stays released, with its share of the
    tax.
    """
    pair = promised(contract.quote)
    due = (
        cumulative_fee(pair.own, pair.normal, left_minor, milestone.billed_before_minor or 0)
        if left_minor
        else 0
    )
    taken, returned = _taken(pair, milestone), _returned(pair, milestone)
    fee = max(0, taken - due - returned)
    if not taken or not milestone.fee_tax_taken_minor:
        return Fee(fee)
    tax = (
        round_half_up(milestone.fee_tax_taken_minor * (returned + fee), taken)
        - milestone.fee_tax_returned_minor
    )
    return Fee(fee + tax, tax) if _on_top(pair) else Fee(fee, tax)
