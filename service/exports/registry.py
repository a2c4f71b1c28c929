"""Every export there is. Columns only ever grow at the end; `schema_version` says when they did."""

from __future__ import annotations

from service.domain.errors import NotFound
from service.exports.shapes import Column, Export

_ENTRY = Column("event_id", "jnl", "The journal entry")
_LINE = Column("line_no", "number", "Counts the lines of one entry")
_POSTED = Column("posted_on", "day", "The day in the books; it decides the period")
_EFFECTIVE = Column("effective_on", "day", "The earlier day that a late fact belongs to, else the same day")
_CURRENCY = Column("currency", "text", "ISO 4217")
_CONTRACT = Column("contract_id", "ctr", "The contract, if there is one")
_MILESTONE = Column("milestone_id", "mst", "The milestone, if there is one")
_RECORDED = Column("recorded_at", "instant", "When we learned of it")


def _amount(name: str, meaning: str) -> Column:
    return Column(name, "amount", meaning)


EXPORTS = {
    export.code: export
    for export in (
        Export("M1", "history", "Transaction history", 1, (
            _ENTRY, _LINE, Column("occurred_at", "instant", "When it happened"), _POSTED, _EFFECTIVE, Column("party", "text", "freelancer or client"),
            Column("party_id", "any id", "Whose line it is"), Column("type", "text", "release, platform_fee, payout, funding, …"), _CONTRACT,
            Column("contract_title", "text", "Its title"), _MILESTONE, Column("milestone_title", "text", "Its title"),
            Column("counterparty", "text", "The other person of the contract"), Column("client_po", "text", "The client's purchase order number"), _CURRENCY,
            _amount("amount", "Signed from the party's view: what came in is positive"), _amount("running_balance", "The party's balance after this line"),
            Column("payout_id", "pyo", "The payout, for lines about one"), Column("psp_reference", "text", "Stripe's number of the payment or payout"), _RECORDED,
            Column("note", "text", "In words"),
        ), ("amount",), "history_control", for_party=True),
        Export("M2", "earnings", "Earnings and tax summary per freelancer", 1, (
            Column("payee_id", "frl", "The freelancer"), Column("payee", "text", "Their name"), Column("country", "text", "ISO 3166"),
            Column("period_start", "day", "First day"), Column("period_end", "day", "Last day"), _CURRENCY, _amount("opening_balance", "Pending and available before"),
            _amount("gross_released", "Income, before fees"), _amount("refunds_after_release", "Given back"), _amount("platform_fees", "Less what was returned"),
            _amount("fee_tax", "Tax on the fee"), _amount("processing_cost", "Borne by the freelancer"), _amount("other", "Freezes, cases, debts: neither income nor payout"),
            _amount("net_credited", "gross - refunds - fees - tax - processing"), _amount("payouts_initiated", "Less those that failed"),
            _amount("payouts_arrived", "At the bank within the period"), _amount("closing_balance", "opening + net + other - payouts initiated"),
            Column("releases", "number", "How many"), Column("clients", "number", "How many"),
        ), ("gross_released", "net_credited", "closing_balance"), "earnings_control", for_party=True),
        Export("M4", "client_statement", "Client statement", 1, (
            Column("client_id", "cli", "The client"), Column("client", "text", "Their e-mail address"), Column("period_start", "day", "First day"),
            Column("period_end", "day", "Last day"), _CURRENCY, _amount("held_opening", "Held for the client before"), _amount("funded", "Paid into protection"),
            _amount("released", "Released to freelancers"), _amount("refunded_from_escrow", "Given back before release, less what came back"),
            _amount("refunded_after_release", "Given back after release; not part of what was held"), _amount("confiscated", "Taken by a case, less what was given back"),
            _amount("charged_back", "Taken back by a bank"), _amount("held_closing", "Held for the client on the last day"), _amount("of_which_locked", "Of it locked by a dispute"),
        ), ("funded", "held_closing"), "client_statement_control", for_party=True),
        Export("M5", "escrow_balances", "Money held for others", 1, (
            Column("as_of", "day", "At the end of this day"), _CURRENCY, Column("state", "text", "The kind of account"), Column("account_id", "number", "The account in the books"),
            Column("freelancer_id", "frl", "Of the contract, or the owner"), Column("client_id", "cli", "Of the contract, or the owner"), _CONTRACT, _MILESTONE,
            _amount("amount", "What is owed"), Column("since", "day", "The first posting"), Column("last_activity_on", "day", "The newest posting"),
            Column("holds", "number", "Holds that reached it then"),
        ), ("amount",), "trust_control"),
        Export("M6", "journal", "General journal", 1, (
            _ENTRY, _LINE, _POSTED, _EFFECTIVE, Column("kind", "text", "The kind of event"), Column("cause", "text", "What caused it: with the kind, posted once"), _CONTRACT,
            Column("account", "text", "The kind of account"), Column("account_id", "number", "The account in the books"), _CURRENCY, _amount("debit", "Zero or positive"),
            _amount("credit", "Zero or positive"), Column("narration", "text", "In words"), Column("actor", "text", "Who did it"), _RECORDED,
        ), ("debit", "credit"), "journal_control"),
        Export("M7", "trial_balance", "Trial balance", 1, (
            Column("account", "text", "The kind of account"), Column("side", "text", "Where it normally stands"), _CURRENCY, _amount("opening", "Debits less credits before the period"),
            _amount("debits", "In the period"), _amount("credits", "In the period"), _amount("closing", "Debits less credits at its end"),
        ), ("debits", "credits"), "journal_control"),
        Export("M8", "reconciliation", "Three-way reconciliation", 1, (
            Column("as_of", "day", "At the end of this day"), _CURRENCY, _amount("statement_platform", "The platform's balance by Stripe's own rows"),
            _amount("statement_connected", "Sent to connected accounts and not yet at a bank"), _amount("statement_total", "All money at Stripe"),
            _amount("operating", "Of it the platform's own, by the books"), _amount("statement_trust", "Of it other people's, with refunds that have left and not arrived"),
            _amount("refunds_on_their_way", "Left Stripe's balance, not yet with the client"), _amount("outstanding_payouts", "Asked for, not yet at a bank"),
            _amount("adjusted_statement", "statement_trust - outstanding_payouts"), _amount("book_trust", "The books' trust less outstanding payouts"),
            _amount("subledger_total", "What is owed to others less outstanding payouts"), _amount("difference_bank_book", "Has to be zero"),
            _amount("difference_book_sub", "Has to be zero"), Column("unmatched", "number", "Things at Stripe that differ from ours"),
        )),
        Export("S11", "tie_out", "Stripe's rows against ours", 1, (
            Column("psp_reference", "text", "Stripe's number of the charge, refund, transfer, dispute, or ours of a float movement"), _CURRENCY,
            _amount("ours", "What we say it did to the platform's balance"), _amount("theirs", "What Stripe's rows say"), _amount("difference", "theirs - ours"),
            Column("result", "text", "equal, missing (Stripe has no row), extra (we know nothing of it), changed"), Column("since", "day", "Its day"),
        ), ("difference",)),
        Export("M13", "safety_register", "Register of holds, disputes, chargebacks and cases", 1, (
            Column("case_id", "any id", "The hold, dispute, chargeback or case"), Column("kind", "text", "hold, dispute, chargeback, confiscation"), _CONTRACT, _MILESTONE,
            Column("freelancer_id", "frl", "Whom it concerns"), Column("opened_on", "day", "Begun"), Column("opened_by", "text", "By whom"),
            Column("basis", "text", "The reason or the clause"), _CURRENCY, _amount("amount", "In dispute, set aside or to be taken"), _amount("released", "Of it to the freelancer"),
            _amount("refunded", "Of it to the client"), _amount("confiscated", "Of it taken"), _amount("given_back", "Of what was taken"), _amount("still_open", "Of it undecided"),
            Column("state", "text", "Where it stands"), Column("decided_on", "day", "Decided"), Column("decided_by", "text", "By whom"),
            Column("approved_by", "text", "The people who agreed"), Column("appeal_until", "day", "Until when somebody can appeal"), Column("final_on", "day", "Nobody can change it any more"),
        ), ("amount",), "safety_control"),
    )
}  # fmt: skip
"""By the number that finance knows them by."""


def find(code: str) -> Export:
    """By number or name. Raises NotFound."""
    export = EXPORTS.get(code.upper()) or next((e for e in EXPORTS.values() if e.name == code), None)
    if export is None:
        raise NotFound(f"Known exports: {', '.join(f'{e.code} {e.name}' for e in EXPORTS.values())}.")
    return export
