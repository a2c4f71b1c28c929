"""Exports of the books: what finance and auditors read, of the whole platform."""

from __future__ import annotations

from service.exports.definitions import Column, Export
from service.exports.registry.columns import (
    CONTRACT,
    CURRENCY,
    EFFECTIVE,
    ENTRY,
    LINE,
    MILESTONE,
    POSTED,
    RECORDED,
    amount,
    day,
    number,
    text,
)

ESCROW_BALANCES = Export(
    "escrow_balances",
    "Money held for others",
    1,
    (
        day("as_of", "At the end of this day"),
        CURRENCY,
        text("state", "The kind of account"),
        number("account_id", "The account in the books"),
        Column("freelancer_id", "frl", "Of the contract, or the owner"),
        Column("client_id", "cli", "Of the contract, or the owner"),
        CONTRACT,
        MILESTONE,
        amount("amount", "What is owed"),
        day("since", "The first posting"),
        day("last_activity_on", "The newest posting"),
        number("holds", "Holds that reached it then"),
    ),
    ("amount",),
    "escrow_balances_control",
    ("currency", "state"),
)

GENERAL_JOURNAL = Export(
    "general_journal",
    "General journal",
    1,
    (
        ENTRY,
        LINE,
        POSTED,
        EFFECTIVE,
        text("kind", "The kind of event"),
        text("cause", "What caused it: with the kind, posted once"),
        CONTRACT,
        text("account", "The kind of account"),
        number("account_id", "The account in the books"),
        CURRENCY,
        amount("debit", "Zero or positive"),
        amount("credit", "Zero or positive"),
        text("narration", "In words"),
        text("actor", "Who did it"),
        RECORDED,
    ),
    ("debit", "credit"),
    "general_journal_control",
    ("posted_on", "currency"),
)

TRIAL_BALANCE = Export(
    "trial_balance",
    "Trial balance",
    1,
    (
        text("account", "The kind of account"),
        text("side", "Where it normally stands"),
        CURRENCY,
        amount("opening", "Debits less credits before the period"),
        amount("debits", "In the period"),
        amount("credits", "In the period"),
        amount("closing", "Debits less credits at its end"),
    ),
    ("debits", "credits"),
    "trial_balance_control",
    ("account", "currency"),
)

RECONCILIATION = Export(
    "reconciliation",
    "Three-way reconciliation",
    1,
    (
        day("as_of", "At the end of this day"),
        CURRENCY,
        amount("statement_platform", "The platform's balance by Stripe's own rows"),
        amount("statement_connected", "Sent to connected accounts and not yet at a bank"),
        amount("statement_total", "All money at Stripe"),
        amount("operating", "Of it the platform's own, by the books"),
        amount(
            "statement_trust",
            "Of it other people's, with refunds that have left and not arrived",
        ),
        amount("refunds_on_their_way", "Left Stripe's balance, not yet with the client"),
        amount("outstanding_payouts", "Asked for, not yet at a bank"),
        amount("adjusted_statement", "statement_trust - outstanding_payouts"),
        amount("book_trust", "The books' trust less outstanding payouts"),
        amount("subledger_total", "What is owed to others less outstanding payouts"),
        amount("difference_bank_book", "Has to be zero"),
        amount("difference_book_sub", "Has to be zero"),
        number("unmatched", "Things at Stripe that differ from ours"),
    ),
    (),
    "reconciliation_control",
    pdf=True,
)

TIE_OUT = Export(
    "tie_out",
    "Stripe's rows against ours",
    1,
    (
        text(
            "psp_reference",
            "Stripe's number of the charge, refund, transfer, dispute, or ours of a float movement",
        ),
        CURRENCY,
        amount("ours", "What we say it did to the platform's balance"),
        amount("theirs", "What Stripe's rows say"),
        amount("difference", "theirs - ours"),
        text(
            "result",
            "equal, missing (Stripe has no row), extra (we know nothing of it), changed",
        ),
        day("since", "Its day"),
    ),
    ("difference",),
    "tie_out_control",
)

SAFETY_REGISTER = Export(
    "safety_register",
    "Register of holds, disputes, chargebacks and cases",
    2,
    (
        Column("case_id", "any id", "The hold, dispute, chargeback or case"),
        text("kind", "hold, dispute, chargeback, confiscation"),
        CONTRACT,
        MILESTONE,
        Column("freelancer_id", "frl", "Whom it concerns"),
        day("opened_on", "Begun"),
        text("opened_by", "By whom"),
        text("basis", "The reason or the clause"),
        CURRENCY,
        amount("amount", "In dispute, set aside or to be taken"),
        amount("released", "Of it to the freelancer"),
        amount("refunded", "Of it to the client"),
        amount("confiscated", "Of it taken"),
        amount("given_back", "Of what was taken"),
        amount("still_open", "Of it undecided"),
        text("state", "Where it stands"),
        day("decided_on", "Decided"),
        text("decided_by", "By whom"),
        text("approved_by", "The people who agreed"),
        day("appeal_until", "Until when somebody can appeal"),
        day("final_on", "Nobody can change it any more"),
        amount(
            "frozen_at_start",
            "What a hold without an amount reached when it began; it has a row for each currency",
        ),
        amount("frozen", "What it reaches on the last day"),
        amount("debt", "Of a lost chargeback: owed by the freelancer"),
        amount("loss", "Of a lost chargeback: borne by the platform"),
        amount("fee", "Of a chargeback: Stripe's"),
    ),
    ("amount",),
    "safety_register_control",
    ("kind", "case_id", "currency"),
)
