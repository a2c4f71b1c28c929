"""Every export there is. Columns only ever grow at the end; `schema_version` says when they did."""

from __future__ import annotations

from service.domain.errors import NotFound
from service.exports.columns import CONTRACT, CURRENCY, EFFECTIVE, ENTRY, HOME, LINE, MILESTONE, POSTED, RECORDED, amount, day, decimal, number, text
from service.exports.documents.tax_registry import TAX_EXPORTS
from service.exports.shapes import Column, Export

EXPORTS = {
    export.code: export
    for export in (
        Export("M1", "history", "Transaction history", 3, (
            ENTRY, LINE, Column("occurred_at", "instant", "When it happened"), POSTED, EFFECTIVE, text("party", "freelancer or client"),
            Column("party_id", "any id", "Whose line it is"), text("type", "release, platform_fee, payout, hold_reserve, funding, dispute_lock, …"), CONTRACT,
            text("contract_title", "Its title"), MILESTONE, text("milestone_title", "Its title"),
            text("counterparty", "The other person of the contract"), text("client_po", "The client's purchase order number"), CURRENCY,
            amount("amount", "Signed from the party's view: what came in is positive"), amount("running_balance", "The party's balance after this line"),
            Column("payout_id", "pyo", "The payout, for lines about one"), text("psp_reference", "Stripe's number of the payment or payout"), RECORDED,
            text("note", "In words"), text("document_no", "The invoice or credit note about this line"), *HOME,
            amount("locked", "Of what is held for a client: locked by a dispute or a bank (positive) or free again; the balance stays as it is"),
        ), ("amount",), "history_control", ("party", "party_id", "currency"), for_party=True, converts=True, own_zone=True),
        Export("M2", "earnings", "Earnings and tax summary per freelancer", 4, (
            Column("payee_id", "frl", "The freelancer"), text("payee", "Their name"), text("country", "ISO 3166"),
            day("period_start", "First day"), day("period_end", "Last day"), CURRENCY, amount("opening_balance", "Pending and available before"),
            amount("gross_released", "Income, before fees"), amount("refunds_after_release", "Given back"), amount("platform_fees", "Less what was returned"),
            amount("fee_tax", "Tax on the fee"), amount("processing_cost", "Borne by the freelancer"), amount("other", "Freezes, cases, debts: neither income nor payout"),
            amount("net_credited", "gross - refunds - fees - tax - processing - tax withheld"), amount("payouts_initiated", "Less those that failed"),
            amount("payouts_arrived", "At the bank within the period"), amount("closing_balance", "opening + net + other - payouts initiated"),
            number("releases", "How many"), number("clients", "How many"), text("home_currency", "The currency that was asked for as well"),
            decimal("home_gross", "Each line converted and rounded, then summed"), decimal("home_refunds", "Likewise"), decimal("home_fees", "Fees, tax on them, processing; likewise"),
            decimal("home_net", "home_gross - home_refunds - home_fees"), number("lines_without_rate", "Lines that no stored rate reaches: the home figures lack them"),
            amount("tax_withheld", "For tax offices: the person's own tax, paid ahead"), amount("in_transit", "Payouts on their way on the last day"),
            amount("held_in_escrow", "Held in their contracts on the last day: no income yet"), amount("set_aside", "By holds over an amount and chargebacks, on the last day"),
            amount("of_which_frozen", "Of the closing balance: under a hold of the person"), amount("confiscated", "Taken by cases in the period"),
            amount("confiscation_returned", "Given back by cases in the period"), amount("recovered", "Debts taken out of releases in the period"),
            amount("owed_to_platform", "Debts on the last day"), amount("payouts_failed", "Payouts that came back in the period"),
        ), ("gross_released", "net_credited", "closing_balance"), "earnings_control", ("payee_id", "currency"), for_party=True, converts=True, pdf=True, own_zone=True),
        Export("M4", "client_statement", "Client statement", 2, (
            Column("client_id", "cli", "The client"), text("client", "Their e-mail address"), day("period_start", "First day"),
            day("period_end", "Last day"), CURRENCY, amount("held_opening", "Held for the client before"), amount("funded", "Paid into protection"),
            amount("released", "Released to freelancers"), amount("refunded_from_escrow", "Given back before release, less what came back"),
            amount("refunded_after_release", "Given back after release; not part of what was held"), amount("confiscated", "Taken by a case"),
            amount("charged_back", "Taken back by a bank, or locked for it after a refund could not be delivered"), amount("held_closing", "Held for the client on the last day"), amount("of_which_locked", "Of it locked by a dispute"),
            amount("of_which_frozen", "Of it reached by a hold"), amount("of_which_on_its_way", "Of it in refunds that have not arrived"),
            amount("returned_after_confiscation", "What cases gave back: held again until a refund of it arrives"), amount("refunded_after_confiscation", "Of that, arrived"),
            amount("returned_by_freelancers", "After a release: held again until the refund arrives"), amount("received_unmatched", "Wrong, late or double money"),
            amount("refunded_unmatched", "Of that, given back"), amount("processing_paid", "The client's part of the processing cost, paid on top"),
            amount("client_fee_paid", "The platform's fee for the client, paid on top"), text("released_by_freelancer", "What each freelancer was released in the period"),
            text("payment_methods", "How the period's payments were made"),
        ), ("funded", "held_closing"), "client_statement_control", ("client_id", "currency"), for_party=True, pdf=True, own_zone=True),
        Export("M5", "escrow_balances", "Money held for others", 1, (
            day("as_of", "At the end of this day"), CURRENCY, text("state", "The kind of account"), number("account_id", "The account in the books"),
            Column("freelancer_id", "frl", "Of the contract, or the owner"), Column("client_id", "cli", "Of the contract, or the owner"), CONTRACT, MILESTONE,
            amount("amount", "What is owed"), day("since", "The first posting"), day("last_activity_on", "The newest posting"),
            number("holds", "Holds that reached it then"),
        ), ("amount",), "escrow_balances_control", ("currency", "state")),
        Export("M6", "journal", "General journal", 1, (
            ENTRY, LINE, POSTED, EFFECTIVE, text("kind", "The kind of event"), text("cause", "What caused it: with the kind, posted once"), CONTRACT,
            text("account", "The kind of account"), number("account_id", "The account in the books"), CURRENCY, amount("debit", "Zero or positive"),
            amount("credit", "Zero or positive"), text("narration", "In words"), text("actor", "Who did it"), RECORDED,
        ), ("debit", "credit"), "journal_control", ("posted_on", "currency")),
        Export("M7", "trial_balance", "Trial balance", 1, (
            text("account", "The kind of account"), text("side", "Where it normally stands"), CURRENCY, amount("opening", "Debits less credits before the period"),
            amount("debits", "In the period"), amount("credits", "In the period"), amount("closing", "Debits less credits at its end"),
        ), ("debits", "credits"), "trial_balance_control", ("account", "currency")),
        Export("M8", "reconciliation", "Three-way reconciliation", 1, (
            day("as_of", "At the end of this day"), CURRENCY, amount("statement_platform", "The platform's balance by Stripe's own rows"),
            amount("statement_connected", "Sent to connected accounts and not yet at a bank"), amount("statement_total", "All money at Stripe"),
            amount("operating", "Of it the platform's own, by the books"), amount("statement_trust", "Of it other people's, with refunds that have left and not arrived"),
            amount("refunds_on_their_way", "Left Stripe's balance, not yet with the client"), amount("outstanding_payouts", "Asked for, not yet at a bank"),
            amount("adjusted_statement", "statement_trust - outstanding_payouts"), amount("book_trust", "The books' trust less outstanding payouts"),
            amount("subledger_total", "What is owed to others less outstanding payouts"), amount("difference_bank_book", "Has to be zero"),
            amount("difference_book_sub", "Has to be zero"), number("unmatched", "Things at Stripe that differ from ours"),
        ), (), "reconciliation_control", pdf=True),
        Export("S11", "tie_out", "Stripe's rows against ours", 1, (
            text("psp_reference", "Stripe's number of the charge, refund, transfer, dispute, or ours of a float movement"), CURRENCY,
            amount("ours", "What we say it did to the platform's balance"), amount("theirs", "What Stripe's rows say"), amount("difference", "theirs - ours"),
            text("result", "equal, missing (Stripe has no row), extra (we know nothing of it), changed"), day("since", "Its day"),
        ), ("difference",), "tie_out_control"),
        Export("M9", "payout_lines", "Payouts, line by line", 3, (
            Column("payout_id", "pyo", "The payout"), Column("freelancer_id", "frl", "Whose"), day("initiated_on", "Asked for"), day("arrived_on", "At the bank, if within the period"),
            text("status", "At the period's end: in_transit, arrived, failed, or held by a hold before it left"), text("psp_reference", "Stripe's number"), CURRENCY, ENTRY, LINE,
            text("type", "release, platform_fee, refund_after_release, …; carried_in and carried_over are what stayed in the balance before and after"),
            CONTRACT, MILESTONE, amount("gross", "Earned or given back"), amount("fee", "Fees and processing cost"), amount("tax", "Tax on fees"), amount("other", "Everything else"),
            amount("net", "gross + fee + tax + other + withheld; per payout they sum to it"), amount("payout_total", "The payout"), amount("withheld", "For tax offices"),
        ), ("net",), "payout_lines_control", ("payout_id",), for_party=True),
        Export("M10", "invoices", "Invoices and credit notes", 1, (
            text("number", "Its own, without a gap in the series"), text("series", "Issuer and year"), day("issued_on", "The day of the release or refund"), text("kind", "fee, fee_credit, work, work_credit"),
            number("type_code", "380 invoice, 381 credit note"), text("corrects", "The invoice that a credit note names"), Column("freelancer_id", "frl", "Whose fee, or whose work"),
            text("seller", "Name"), text("buyer", "Name"), text("buyer_country", "ISO 3166"), text("buyer_vat_id", "Where there is one"), CONTRACT, MILESTONE, CURRENCY, amount("net", "Without tax"),
            amount("tax", "Tax"), amount("total", "With tax"), text("tax_category", "S standard, AE reverse charge, O outside the tax"), text("tax_rate", "Per cent"),
            amount("fee_effect", "What it adds to the platform's fees and the tax on them; 0 for invoices about work"),
        ), ("fee_effect",), "invoices_control", ("kind", "currency"), for_party=True),
        Export("M13", "safety_register", "Register of holds, disputes, chargebacks and cases", 2, (
            Column("case_id", "any id", "The hold, dispute, chargeback or case"), text("kind", "hold, dispute, chargeback, confiscation"), CONTRACT, MILESTONE,
            Column("freelancer_id", "frl", "Whom it concerns"), day("opened_on", "Begun"), text("opened_by", "By whom"),
            text("basis", "The reason or the clause"), CURRENCY, amount("amount", "In dispute, set aside or to be taken"), amount("released", "Of it to the freelancer"),
            amount("refunded", "Of it to the client"), amount("confiscated", "Of it taken"), amount("given_back", "Of what was taken"), amount("still_open", "Of it undecided"),
            text("state", "Where it stands"), day("decided_on", "Decided"), text("decided_by", "By whom"),
            text("approved_by", "The people who agreed"), day("appeal_until", "Until when somebody can appeal"), day("final_on", "Nobody can change it any more"),
            amount("frozen_at_start", "What a hold without an amount reached when it began; it has a row for each currency"), amount("frozen", "What it reaches on the last day"),
            amount("debt", "Of a lost chargeback: owed by the freelancer"), amount("loss", "Of a lost chargeback: borne by the platform"), amount("fee", "Of a chargeback: Stripe's"),
        ), ("amount",), "safety_register_control", ("kind", "case_id", "currency")),
        *TAX_EXPORTS,
    )
}  # fmt: skip
"""By the number that finance knows them by."""


def find(code: str) -> Export:
    """By number or name. Raises NotFound."""
    export = EXPORTS.get(code.upper()) or next((e for e in EXPORTS.values() if e.name == code), None)
    if export is None:
        raise NotFound(f"Known exports: {', '.join(f'{e.code} {e.name}' for e in EXPORTS.values())}.")
    return export
