"""Columns that many exports share, said once."""

from __future__ import annotations

from service.exports.definitions import Column

ENTRY = Column("event_id", "jnl", "The journal entry")
LINE = Column("line_no", "number", "Counts the lines of one entry")
POSTED = Column("posted_on", "day", "The day in the books; it decides the period")
EFFECTIVE = Column(
    "effective_on", "day", "The earlier day that a late fact belongs to, else the same day"
)
CURRENCY = Column("currency", "text", "ISO 4217")
CONTRACT = Column("contract_id", "ctr", "The contract, if there is one")
MILESTONE = Column("milestone_id", "mst", "The milestone, if there is one")
RECORDED = Column("recorded_at", "instant", "When we learned of it")
HOME = (
    Column("fx_currency", "text", "The currency that was asked for as well"),
    Column("fx_rate", "decimal", "Of one unit of the line's currency"),
    Column("fx_rate_date", "day", "The rate's own day"),
    Column("fx_source", "text", "Whose rate"),
    Column("fx_amount", "decimal", "The line's amount in it, rounded"),
)


def amount(name: str, meaning: str) -> Column:
    return Column(name, "amount", meaning)


def text(name: str, meaning: str) -> Column:
    return Column(name, "text", meaning)


def day(name: str, meaning: str) -> Column:
    return Column(name, "day", meaning)


def number(name: str, meaning: str) -> Column:
    return Column(name, "number", meaning)


def decimal(name: str, meaning: str) -> Column:
    return Column(name, "decimal", meaning)
