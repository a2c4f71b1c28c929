"""Advisory locks: one number for what each is about, and the order in which an action may take
them.
"""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy.orm import Session

from service.platform.db import fetch


class Lock(IntEnum):
    """What is done by one at a time. An action that takes two takes the lower one first.

    Rows are locked before any of these, in the order of `core.rows`. A number is never used again:
    processes of two releases run beside each other during an upgrade.
    """

    CLIENT = 2
    """By e-mail address: finding or making the client behind it."""
    MONEY = 3
    """By freelancer: what comes off their balances."""
    AGREEMENT = 4
    """By client as a freelancer knows them: which fee schedule the next contract gets."""
    INVOICE = 5
    """By series: invoices are numbered without gaps."""
    FILING = 6
    """By series: a correction names the document before it."""
    WITHHOLDING = 7
    """By freelancer: thresholds count every release before this one."""
    CODE = 8
    """By client: codes are limited by person."""
    OUTREACH = 9
    """By sender and by mailbox: how much mail may leave."""
    EXPORT = 10
    """By question: one that is being made is not made twice."""


_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))"


def alone(session: Session, lock: Lock, of: str) -> None:
    """Wait until nobody else holds this lock of `of`; it is held to the end of the transaction."""
    fetch(session, _ALONE, (of, int(lock)))
