"""One builder for each business event: the only place that knows what is debited and what is credited.

The chart (`domain.chart`) says which lines each type may have at all, and PostgreSQL refuses the others. Amounts are minor
units of the entry's currency. A builder neither moves states nor counts: it says in the books what its caller decided.
"""

from __future__ import annotations

from collections.abc import Iterable

from service.domain.causes import Cause
from service.domain.chart import REVERSALS, EntryType
from service.ledger.accounts import (
    DISPUTE_FEES,
    FEE_TAX,
    FORFEITURES,
    LOSSES,
    OPERATING,
    PLATFORM_EQUITY,
    PLATFORM_FEES,
    PROCESSING_RECOVERED,
    PSP_FEES,
    TRUST,
    Account,
    authority_payable,
    available,
    confiscated,
    disputed,
    escrow,
    payout_in_flight,
    pending,
    receivable,
    recoverable,
    refund_in_flight,
    reserved_by_chargeback,
    reserved_by_hold,
    suspense,
    tax_withheld,
    unclaimed,
)
from service.ledger.journal import Entry, Line
from service.models import (
    CaseLine,
    Chargeback,
    Confiscation,
    Contract,
    Hold,
    Milestone,
    Payment,
    Payout,
    Refund,
    Release,
    TaxDue,
)


def reversal(entry: Entry, type: EntryType, cause: Cause, description: str) -> Entry:  # noqa: A002
    """The entry turned round, line by line."""
    assert REVERSALS[type] == entry.type, f"{type} does not turn {entry.type} round"
    lines = tuple(Line(line.credit, line.debit, line.amount_minor) for line in entry.lines)
    return Entry(type, cause, entry.currency, lines, description, entry.contract_id)


# Payments


def fund(payment: Payment, contract: Contract, amounts: Iterable[tuple[Milestone, int]]) -> Entry:
    """The client's payment reaches its milestones; what they paid on top is the platform's."""
    lines = (
        *(Line(TRUST, escrow(milestone.id), amount) for milestone, amount in amounts),
        Line(OPERATING, PROCESSING_RECOVERED, payment.surcharge_minor),
        Line(OPERATING, PLATFORM_FEES, payment.client_fee_minor),
    )
    return Entry(EntryType.FUND, Cause(payment.id), payment.currency, lines, f"Payment {payment.id}", contract.id)


def fund_processing_fee(payment: Payment, currency: str, fee_minor: int) -> Entry:
    """Stripe's fee hits operating, never trust."""
    lines = (Line(PSP_FEES, OPERATING, fee_minor),)
    return Entry(EntryType.FUND_PROCESSING_FEE, Cause(payment.id), currency, lines, "Stripe's fee", payment.contract_id)


def suspend_receipt(payment: Payment, contract: Contract, currency: str, received_minor: int, why: str) -> Entry:
    lines = (Line(TRUST, suspense(payment.id), received_minor),)
    return Entry(EntryType.SUSPEND_RECEIPT, Cause(payment.id), currency, lines, f"Money received: {why}", contract.id)


def roll(contract: Contract, milestone: Milestone, rest: Milestone, amount_minor: int) -> Entry:
    """What is still held of a milestone becomes a milestone of its own."""
    lines = (Line(escrow(milestone.id), escrow(rest.id), amount_minor),)
    return Entry(EntryType.ROLL, Cause(rest.id), contract.currency, lines, f"Rest of milestone {milestone.id}", contract.id)


# Releases


def release(contract: Contract, made: Release, taxes: Iterable[tuple[str, int]]) -> Entry:
    """Gross out of escrow: net to pending, fee, tax on it, processing cost, withheld tax (by due), debts; trust to operating."""
    held, freelancer = escrow(made.milestone_id), made.freelancer_id
    lines = (
        Line(held, pending(freelancer), made.net_minor - made.recovered_minor),
        Line(held, PLATFORM_FEES, made.fee_minor - made.fee_tax_minor),
        Line(held, FEE_TAX, made.fee_tax_minor),
        Line(held, PROCESSING_RECOVERED, made.processing_minor),
        *(Line(held, tax_withheld(due_id), amount) for due_id, amount in taxes),
        Line(held, recoverable(freelancer), made.recovered_minor),
        Line(OPERATING, TRUST, made.fee_minor + made.processing_minor + made.recovered_minor),
    )
    what = f"Release {made.number} of milestone {made.milestone_id}"
    return Entry(EntryType.RELEASE, Cause(made.id), made.currency, lines, what, contract.id)


def mature(made: Release, amount_minor: int) -> Entry:
    """The security period is over."""
    lines = (Line(pending(made.freelancer_id), available(made.freelancer_id), amount_minor),)
    return Entry(EntryType.MATURE, Cause(made.id), made.currency, lines, "Security period over", made.contract_id)


def tax_remit(due: TaxDue, amount_minor: int, reference: str) -> Entry:
    """The platform has paid a month's withheld tax from its own bank account."""
    lines = (Line(tax_withheld(due.id), PLATFORM_EQUITY, amount_minor), Line(OPERATING, TRUST, amount_minor))
    what = f"{due.regime} of {due.month:%Y-%m} paid: {reference}"
    return Entry(EntryType.TAX_REMIT, Cause(due.id), due.currency, lines, what)


# Refunds


def refund_request(contract: Contract, milestone: Milestone, refund: Refund) -> Entry:
    """Held money starts its way back."""
    lines = (Line(escrow(milestone.id), refund_in_flight(refund.id), refund.amount_minor),)
    what = f"Refund of milestone {milestone.id}"
    return Entry(EntryType.REFUND_REQUEST, Cause(refund.id), contract.currency, lines, what, contract.id)


def refund_after_release(
    contract: Contract,
    milestone: Milestone,
    refund: Refund,
    *,
    available_minor: int,
    pending_minor: int,
    owed_minor: int,
    fee_minor: int,
    fee_tax_minor: int,
) -> Entry:
    """The freelancer gives back what they have or owes it; the platform gives back its fee (`fee_tax_minor` of it tax).

    Fee and debt are financed from the platform's own money: other people's is never short.
    """
    back, freelancer = refund_in_flight(refund.id), contract.freelancer_id
    lines = (
        Line(available(freelancer), back, available_minor),
        Line(pending(freelancer), back, pending_minor),
        Line(recoverable(freelancer), back, owed_minor),
        Line(PLATFORM_FEES, back, fee_minor - fee_tax_minor),
        Line(FEE_TAX, back, fee_tax_minor),
        Line(TRUST, OPERATING, fee_minor + owed_minor),
    )
    what = f"Refund after release, milestone {milestone.id}"
    return Entry(EntryType.REFUND_AFTER_RELEASE, Cause(refund.id), contract.currency, lines, what, contract.id)


def suspense_refund(contract: Contract, payment: Payment, refund: Refund) -> Entry:
    lines = (Line(suspense(payment.id), refund_in_flight(refund.id), refund.amount_minor),)
    what = f"Return of payment {payment.id}"
    return Entry(EntryType.SUSPENSE_REFUND, Cause(refund.id), refund.currency, lines, what, contract.id)


def refund_retry(contract: Contract, refund: Refund) -> Entry:
    """Another attempt to give a client what they are owed."""
    lines = (Line(unclaimed(contract.client_id), refund_in_flight(refund.id), refund.amount_minor),)
    what = f"Another attempt of {refund.cause}"
    return Entry(EntryType.REFUND_RETRY, Cause(refund.id), refund.currency, lines, what, contract.id)


def refund_succeeded(contract: Contract, refund: Refund) -> Entry:
    lines = (Line(refund_in_flight(refund.id), TRUST, refund.amount_minor),)
    return Entry(EntryType.REFUND_SUCCEEDED, Cause(refund.id), refund.currency, lines, "Refund arrived", contract.id)


def refund_came_back(contract: Contract, refund: Refund, to: Account, *, bounced: bool) -> Entry:
    """It failed on its way, or had arrived and `bounced`: held again, in suspense, or owed to the client."""
    type_ = EntryType.REFUND_BOUNCED if bounced else EntryType.REFUND_FAILED
    lines = (Line(TRUST if bounced else refund_in_flight(refund.id), to, refund.amount_minor),)
    return Entry(type_, Cause(refund.id), refund.currency, lines, "Refund came back", contract.id)


def refund_outside(contract: Contract, refund: Refund, currency: str, taken: Iterable[tuple[Account, int]], lost_minor: int) -> Entry:
    """Made at Stripe and not by us: out of what the payment still holds here, the rest is lost."""
    lines = (*(Line(account, TRUST, amount) for account, amount in taken), Line(LOSSES, OPERATING, lost_minor))
    what = "Refund made at Stripe"
    return Entry(EntryType.REFUND_OUTSIDE, Cause(refund.id), currency, lines, what, contract.id)


# Payouts


def payout_request(payout: Payout) -> Entry:
    """The money leaves the balance. `holds` of the payout tells a request that a hold delayed from the first one."""
    lines = (Line(available(payout.freelancer_id), payout_in_flight(payout.id), payout.amount_minor),)
    cause = Cause(payout.id, payout.holds or None)
    return Entry(EntryType.PAYOUT_REQUEST, cause, payout.currency, lines, f"Payout {payout.id}")


def payout_held(payout: Payout) -> Entry:
    """A hold stopped it before it left. `holds` counts the ones before this one."""
    cause = Cause(payout.id, payout.holds)
    return reversal(payout_request(payout), EntryType.PAYOUT_HELD, cause, f"Payout {payout.id} is held")


def payout_paid(payout: Payout) -> Entry:
    """The bank has it: out of trust."""
    lines = (Line(payout_in_flight(payout.id), TRUST, payout.amount_minor),)
    return Entry(EntryType.PAYOUT_PAID, Cause(payout.id), payout.currency, lines, f"Payout {payout.id} arrived")


def payout_returned(payout: Payout) -> Entry:
    """It failed or was taken back: the freelancer's again, not aged anew."""
    what = f"Payout {payout.id} returned"
    return reversal(payout_request(payout), EntryType.PAYOUT_RETURNED, Cause(payout.id), what)


def payout_bounced(payout: Payout) -> Entry:
    """The bank sent it back after it had arrived."""
    lines = (Line(TRUST, available(payout.freelancer_id), payout.amount_minor),)
    what = f"Payout {payout.id} came back"
    return Entry(EntryType.PAYOUT_BOUNCED, Cause(payout.id), payout.currency, lines, what)


# Holds over an amount


def hold_reserve(hold: Hold, freelancer_id: str, amount_minor: int) -> Entry:
    lines = (Line(available(freelancer_id), reserved_by_hold(hold.id), amount_minor),)
    return Entry(EntryType.HOLD_RESERVE, Cause(hold.id), hold.currency or "", lines, f"Set aside by {hold.id}")


def hold_return(hold: Hold, freelancer_id: str, left_minor: int) -> Entry:
    """What is left of it is available again."""
    aside = hold_reserve(hold, freelancer_id, left_minor)
    return reversal(aside, EntryType.HOLD_RETURN, Cause(hold.id), f"{hold.id} has ended")


# Disputes


def dispute_lock(contract: Contract, milestone: Milestone, dispute_id: str, amount_minor: int) -> Entry:
    """Exactly what is disputed."""
    lines = (Line(escrow(milestone.id), disputed(milestone.id), amount_minor),)
    what = f"Locked by {dispute_id}"
    return Entry(EntryType.DISPUTE_LOCK, Cause(dispute_id), contract.currency, lines, what, contract.id)


def dispute_settle(contract: Contract, milestone: Milestone, dispute_id: str, amount_minor: int) -> Entry:
    """Unlocked, to go where the outcome says."""
    locked = dispute_lock(contract, milestone, dispute_id, amount_minor)
    return reversal(locked, EntryType.DISPUTE_SETTLE, Cause(dispute_id), f"Unlocked after {dispute_id}")


# Chargebacks


def _round(chargeback: Chargeback) -> Cause:
    """A bank that takes a won case up again pulls again: each round after the first is a cause of its own."""
    return Cause(chargeback.id, chargeback.round if chargeback.round > 1 else None)


def _chargeback(type_: EntryType, chargeback: Chargeback, lines: Iterable[Line], description: str) -> Entry:
    return Entry(
        type_,
        _round(chargeback),
        chargeback.currency,
        tuple(lines),
        description,
        chargeback.contract_id,
    )


def chargeback_open(chargeback: Chargeback) -> Entry:
    """The bank has pulled the money; the platform bears it until it is decided."""
    lines = (Line(receivable(chargeback.id), OPERATING, chargeback.amount_minor),)
    return _chargeback(EntryType.CHARGEBACK_OPEN, chargeback, lines, f"Chargeback {chargeback.id}")


def chargeback_fee(chargeback: Chargeback) -> Entry:
    lines = (Line(DISPUTE_FEES, OPERATING, chargeback.fee_minor),)
    return _chargeback(EntryType.CHARGEBACK_FEE, chargeback, lines, "Stripe's chargeback fee")


def chargeback_lock(chargeback: Chargeback, held: Iterable[tuple[str, int]], taken: Iterable[tuple[Account, int]]) -> Entry:
    """`held`: what is still in escrow, by milestone; `taken`: what is here otherwise (pending, available, owed), by account."""
    aside = reserved_by_chargeback(chargeback.id)
    lines = [Line(escrow(milestone_id), disputed(milestone_id), amount) for milestone_id, amount in held]
    lines += [Line(account, aside, amount) for account, amount in taken]
    return _chargeback(EntryType.CHARGEBACK_LOCK, chargeback, lines, f"Locked by chargeback {chargeback.id}")


def chargeback_won(
    contract: Contract,
    chargeback: Chargeback,
    held: Iterable[tuple[str, int]],
    *,
    reserved_minor: int,
    owed_minor: int,
    cleared: Iterable[tuple[str, int]] = (),
) -> Entry:
    """Held again (by milestone), available again, owed to the client again; the bank gave the amount back.

    `cleared`: what cases had paid of it is theirs again, by case, until people decide about it anew.
    """
    aside, paid = reserved_by_chargeback(chargeback.id), list(cleared)
    open_minor = chargeback.amount_minor - sum(amount for _, amount in paid)
    lines = [
        Line(OPERATING, receivable(chargeback.id), open_minor),
        *(Line(TRUST, confiscated(case_id), amount) for case_id, amount in paid),
        *(Line(disputed(milestone_id), escrow(milestone_id), amount) for milestone_id, amount in held),
        Line(aside, available(contract.freelancer_id), reserved_minor),
        Line(aside, unclaimed(contract.client_id), owed_minor),
    ]
    return _chargeback(EntryType.CHARGEBACK_WON, chargeback, lines, f"Chargeback {chargeback.id} won")


def chargeback_lost(
    contract: Contract,
    chargeback: Chargeback,
    held: Iterable[tuple[str, int]],
    *,
    reserved_minor: int,
    freed_minor: int,
    owed_minor: int,
    debt_minor: int,
    lost_minor: int,
) -> Entry:
    """Locked money pays for it, from trust to operating in the same entry.

    `held`: by milestone; `reserved_minor`: taken of the freelancer's; `freed_minor`: theirs again because they are
    protected; `owed_minor`: what was the client's already; `debt_minor`: paid out, owed now; `lost_minor`: the platform's.
    """
    aside, pulled, held = reserved_by_chargeback(chargeback.id), receivable(chargeback.id), list(held)
    from_trust = sum(amount for _, amount in held) + reserved_minor + owed_minor
    lines = [
        *(Line(disputed(milestone_id), pulled, amount) for milestone_id, amount in held),
        Line(aside, available(contract.freelancer_id), freed_minor),
        Line(aside, pulled, reserved_minor),
        Line(recoverable(contract.freelancer_id), pulled, debt_minor),
        Line(LOSSES, pulled, lost_minor),
        Line(aside, pulled, owed_minor),
        Line(OPERATING, TRUST, from_trust),
    ]
    return _chargeback(EntryType.CHARGEBACK_LOST, chargeback, lines, f"Chargeback {chargeback.id} lost")


def chargeback_reserve_over(contract: Contract, chargeback: Chargeback, reserved_minor: int) -> Entry:
    lines = (Line(reserved_by_chargeback(chargeback.id), available(contract.freelancer_id), reserved_minor),)
    return _chargeback(EntryType.CHARGEBACK_RESERVE_OVER, chargeback, lines, "Reserved long enough")


# Cases


def confiscate(case: Confiscation, lines: Iterable[tuple[Account, int]]) -> Entry:
    """All lines of a case in one entry; nobody's income."""
    taken = confiscated(case.id)
    postings = tuple(Line(account, taken, amount) for account, amount in lines)
    return Entry(EntryType.CONFISCATE, Cause(case.id), case.currency, postings, f"Case {case.id}")


def _case_line(type_: EntryType, case: Confiscation, line: CaseLine, postings: tuple[Line, ...], contract: Contract | None = None) -> Entry:
    what = f"Case {case.id}, line {line.number}: {line.target}"
    cause = Cause(case.id, line.number)
    return Entry(type_, cause, case.currency, postings, what, contract.id if contract else None)


def case_refund(case: Confiscation, line: CaseLine, refund_id: str, contract: Contract | None) -> Entry:
    """To the client, by the way it came."""
    postings = (Line(confiscated(case.id), refund_in_flight(refund_id), line.amount_minor),)
    return _case_line(EntryType.CASE_REFUND, case, line, postings, contract)


def case_authority(case: Confiscation, line: CaseLine, contract: Contract | None) -> Entry:
    postings = (Line(confiscated(case.id), authority_payable(case.id), line.amount_minor),)
    return _case_line(EntryType.CASE_AUTHORITY, case, line, postings, contract)


def case_remainder(case: Confiscation, line: CaseLine, contract: Contract | None) -> Entry:
    """What is left is the person's again."""
    postings = (Line(confiscated(case.id), available(case.freelancer_id), line.amount_minor),)
    return _case_line(EntryType.CASE_REMAINDER, case, line, postings, contract)


def case_loss(case: Confiscation, line: CaseLine, contract: Contract | None) -> Entry:
    """A proven loss of the platform is made good, from trust to operating in the same entry."""
    postings = (Line(confiscated(case.id), LOSSES, line.amount_minor), Line(OPERATING, TRUST, line.amount_minor))
    return _case_line(EntryType.CASE_LOSS, case, line, postings, contract)


def case_chargeback(case: Confiscation, line: CaseLine, contract: Contract | None) -> Entry:
    """What a bank has pulled is paid for, from trust to operating in the same entry: a later loss then posts nothing."""
    pulled = receivable(line.chargeback_id or "")
    postings = (Line(confiscated(case.id), pulled, line.amount_minor), Line(OPERATING, TRUST, line.amount_minor))
    return _case_line(EntryType.CASE_CHARGEBACK, case, line, postings, contract)


def forfeit(case: Confiscation, line: CaseLine) -> Entry:
    """To the platform, where an operator has a legal basis for it."""
    postings = (Line(confiscated(case.id), FORFEITURES, line.amount_minor), Line(OPERATING, TRUST, line.amount_minor))
    return _case_line(EntryType.FORFEIT, case, line, postings)


def restore(case: Confiscation, line: CaseLine, source: Account, to: Account) -> Entry:
    """Back where it came from; what became the platform's goes from operating to trust in the same entry."""
    postings = [Line(source, to, line.amount_minor)]
    if source.owner is None:
        postings.append(Line(TRUST, OPERATING, line.amount_minor))
    what = f"Case {case.id}, line {line.number}: restored"
    return Entry(EntryType.RESTORE, Cause(case.id, line.number), case.currency, tuple(postings), what)


# The platform's own money


def float_movement(movement_id: str, amount_minor: int, currency: str, *, out: bool, reference: str) -> Entry:
    """Put into the operating balance, or taken out."""
    put_in = Entry(
        EntryType.FLOAT_IN,
        Cause(movement_id),
        currency,
        (Line(OPERATING, PLATFORM_EQUITY, amount_minor),),
        reference,
    )
    return reversal(put_in, EntryType.FLOAT_OUT, put_in.cause, reference) if out else put_in
