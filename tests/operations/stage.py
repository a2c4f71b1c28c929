"""The stage on which operations are called: who acts, what they act on, and where the money is.

Each `with` is one transaction of one actor, locked as the service's own callers lock; leaving it
commits. Amounts are US cents.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar, get_args

import pytest
from sqlalchemy import func, select

from service.app import create_runtime
from service.core import repository
from service.core.context import Context
from service.core.repository import EVERYONE
from service.domain.errors import HoldfastError, Invalid
from service.domain.identity import actors
from service.domain.identity.actors import SYSTEM, Actor
from service.domain.money.chart import AccountCode
from service.ledger import trial_balance
from service.models import (
    Amendment,
    Chargeback,
    Confiscation,
    Contract,
    Dispute,
    Event,
    Hold,
    Milestone,
    Payment,
    Payout,
    Refund,
    RefundRequest,
    StaffMember,
)
from service.operations.payments import balances
from service.platform import clock
from service.platform.config import Settings

Stateful = (
    Amendment
    | Chargeback
    | Confiscation
    | Contract
    | Dispute
    | Hold
    | Milestone
    | Payment
    | Payout
    | Refund
    | RefundRequest
)
Row = TypeVar("Row", bound=Stateful)
_WITH_STATES: tuple[type[Stateful], ...] = get_args(Stateful)
Money = dict[str, int]
"""By place, in cents; what is empty is left out."""


class Stage:
    """A database in which `contract` has one `milestone` of 100.00 USD, paid and in escrow."""

    def __init__(self, settings: Settings, known: dict[str, str]) -> None:
        self.runtime, _ = create_runtime(settings, lambda _: True)
        self.contract, self.milestone, self.ada = (
            known["contract"],
            known["milestone"],
            known["ada"],
        )
        self.freelancer, self.system = actors.freelancer(self.ada), SYSTEM
        with self.acting(SYSTEM) as ctx:
            here = ctx.session.get_one(Contract, self.contract)
            self.client_id, self.client = here.client_id, actors.client(here.client_id)
            self.payment = ctx.session.execute(select(Payment.id)).scalar_one()
            people = ctx.session.execute(select(StaffMember.name, StaffMember.id))
            self._staff = {name: actors.staff(staff_id) for name, staff_id in people}

    def staff(self, name: str) -> Actor:
        """Somebody of staff by their given name: Florence, Mary, Olympe, Hypatia, Luca."""
        return next(actor for known, actor in self._staff.items() if known.startswith(name))

    # One transaction of one actor

    @contextmanager
    def acting(self, actor: Actor) -> Iterator[Context]:
        with self.runtime.context("test", actor) as ctx:
            yield ctx

    @contextmanager
    def on(self, actor: Actor) -> Iterator[tuple[Context, Contract, Milestone]]:
        """The milestone, with its freelancer and contract locked before it."""
        with self.acting(actor) as ctx:
            repository.freelancer(ctx.session, self.ada, lock=True)
            yield (ctx, *repository.milestone(ctx.session, self.milestone, owner=EVERYONE))

    @contextmanager
    def on_request(
        self, actor: Actor, request_id: str
    ) -> Iterator[tuple[Context, Contract, RefundRequest]]:
        with self.acting(actor) as ctx:
            repository.freelancer(ctx.session, self.ada, lock=True)
            found = repository.refund_request(ctx.session, request_id, owner=EVERYONE, lock=True)
            yield (ctx, *found)

    @contextmanager
    def on_dispute(
        self, actor: Actor, dispute_id: str
    ) -> Iterator[tuple[Context, Contract, Dispute]]:
        with self.acting(actor) as ctx:
            yield (ctx, *repository.dispute(ctx.session, dispute_id, owner=EVERYONE, lock=True))

    @contextmanager
    def on_payment(self, actor: Actor) -> Iterator[tuple[Context, Contract, Payment]]:
        with self.acting(actor) as ctx:
            repository.freelancer(ctx.session, self.ada, lock=True)
            yield (ctx, *repository.payment(ctx.session, self.payment, lock=True))

    @contextmanager
    def on_refund(
        self, actor: Actor, refund_id: str
    ) -> Iterator[tuple[Context, Contract, Payment, Refund]]:
        with self.acting(actor) as ctx:
            yield (ctx, *repository.refund(ctx.session, refund_id))

    @contextmanager
    def on_payout(self, actor: Actor, payout_id: str) -> Iterator[tuple[Context, Payout]]:
        with self.acting(actor) as ctx:
            yield ctx, repository.payout(ctx.session, payout_id, owner=EVERYONE, lock=True)

    # Time

    def later(self, **span: float) -> None:
        """The service's clock goes forward; timers do not run by themselves here."""
        with self.acting(SYSTEM) as ctx:
            clock.move_to(ctx.session, ctx.now + timedelta(**span))

    def now(self) -> datetime:
        with self.acting(SYSTEM) as ctx:
            return ctx.now

    # Where the money is, as people read it

    def balance(self) -> Money:
        """What the freelancer sees of their money, as `GET /v1/balance` shows it."""
        with self.acting(SYSTEM) as ctx:
            rows = balances.freelancer_balance(ctx.session, self.ada)
        dollars = next(row for row in rows if row["currency"] == "USD")
        return {name: int(dollars[name]) for name in balances.BALANCE_FIELDS if dollars[name]}

    def money(self) -> Money:
        """Where every cent of the contract is, as both of its people read it."""
        found: Money = {}
        with self.acting(SYSTEM) as ctx:
            contract = ctx.session.get_one(Contract, self.contract)
            for place in balances.money_of(ctx.session, contract):
                found[place.where] = found.get(place.where, 0) + place.amount_minor
        return found

    def books(self, *codes: AccountCode) -> Money:
        """The trial balance, of the accounts that are named: for money that is nobody's of the
        contract.
        """
        with self.acting(SYSTEM) as ctx:
            lines = trial_balance(ctx.session)
        return {
            line.kind.value: line.balance_minor
            for line in lines
            if line.currency == "USD" and line.balance_minor and (not codes or line.kind in codes)
        }

    # States and events

    def state(self, kind: type[Row], row_id: str) -> str:
        with self.acting(SYSTEM) as ctx:
            return ctx.session.get_one(kind, row_id).state

    def states(self) -> dict[str, str]:
        """The state of everything that has one, by id."""
        with self.acting(SYSTEM) as ctx:
            return {
                row_id: state
                for kind in _WITH_STATES
                for row_id, state in ctx.session.execute(select(kind.id, kind.state))
            }

    def events(self) -> int:
        with self.acting(SYSTEM) as ctx:
            return ctx.session.execute(select(func.count()).select_from(Event)).scalar_one()

    def everything(self) -> tuple[object, ...]:
        """Money, states and how much has happened: to be compared."""
        return self.balance(), self.money(), self.books(), self.states(), self.events()

    @contextmanager
    def refused(self, error: type[HoldfastError], code: str = "") -> Iterator[None]:
        """What happens inside is refused with this error, and nothing was written.

        `code`: of the wrong field, or of the error itself.
        """
        before = self.everything()
        with pytest.raises(error) as caught:
            yield
        said = caught.value
        assert type(said) is error, f"{said!r} is another refusal"
        assert (said.errors[0].code if isinstance(said, Invalid) else said.code) == (
            code or error.code
        )
        assert self.everything() == before, "a refusal writes nothing"
