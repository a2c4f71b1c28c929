"""One builder for each business event: the only place that knows what is debited and what is
credited.

The chart (`domain.chart`) says which lines each type may have at all, and PostgreSQL refuses the
others. Amounts are minor units of the entry's currency. A builder neither moves states nor counts:
it says in the books what its caller decided.
"""

from __future__ import annotations

from service.ledger.entries.cases import (
    case_authority,
    case_chargeback,
    case_loss,
    case_refund,
    case_remainder,
    confiscate,
    forfeit,
    restore,
)
from service.ledger.entries.disputes import (
    chargeback_fee,
    chargeback_lock,
    chargeback_lost,
    chargeback_open,
    chargeback_reserve_over,
    chargeback_won,
    dispute_lock,
    dispute_settle,
)
from service.ledger.entries.payments import (
    fund,
    fund_processing_fee,
    mature,
    release,
    roll,
    suspend_receipt,
    tax_remit,
)
from service.ledger.entries.payouts import (
    hold_reserve,
    hold_return,
    payout_bounced,
    payout_held,
    payout_paid,
    payout_request,
    payout_returned,
)
from service.ledger.entries.platform import (
    float_movement,
    psp_difference,
)
from service.ledger.entries.refunds import (
    refund_after_release,
    refund_came_back,
    refund_outside,
    refund_request,
    refund_retry,
    refund_succeeded,
    suspense_refund,
)
from service.ledger.entries.reversing import reversal

__all__ = [
    "case_authority",
    "case_chargeback",
    "case_loss",
    "case_refund",
    "case_remainder",
    "chargeback_fee",
    "chargeback_lock",
    "chargeback_lost",
    "chargeback_open",
    "chargeback_reserve_over",
    "chargeback_won",
    "confiscate",
    "dispute_lock",
    "dispute_settle",
    "float_movement",
    "forfeit",
    "fund",
    "fund_processing_fee",
    "hold_reserve",
    "hold_return",
    "mature",
    "payout_bounced",
    "payout_held",
    "payout_paid",
    "payout_request",
    "payout_returned",
    "psp_difference",
    "refund_after_release",
    "refund_came_back",
    "refund_outside",
    "refund_request",
    "refund_retry",
    "refund_succeeded",
    "release",
    "restore",
    "reversal",
    "roll",
    "suspend_receipt",
    "suspense_refund",
    "tax_remit",
]
