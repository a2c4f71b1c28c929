"""All orders of up to five pieces of news, with one told twice and one lost: always the same end.

What is delivered here is worse than events: it is what Stripe said at the time, stale, in any
order, as two workers that fetched at different moments would apply it. After each schedule comes
one look at the present, as the checks and the sweep do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from service.core import repository
from service.core.context import Context, begin
from service.domain.identity.actors import PSP
from service.domain.money.psp import (
    BankPayoutSnapshot,
    ChargebackSnapshot,
    CheckoutSnapshot,
    RefundSnapshot,
)
from service.operations.disputes import chargebacks
from service.operations.payments import payments, refund_results
from service.operations.payouts import payout_sending
from tests.faults.test_payments import payment_id
from tests.states.test_milestones import ONE
from tests.world import World

News = list[Any]
_STATE = text("""
    SELECT 'contract' AS what, jsonb_build_array(state) AS row FROM contract
    UNION ALL SELECT 'milestone',
        jsonb_build_array(state, released_minor, refunded_minor, refunding_minor, disputed_minor,
        charged_back_minor) FROM milestone
    UNION ALL SELECT 'payment',
        jsonb_build_array(state, judgement, fee_posted, charge_id, payment_intent_id,
        received_minor, stripe_fee_minor, decline_code)
      FROM payment
    UNION ALL SELECT 'line', jsonb_build_array(open, funded) FROM payment_line
    UNION ALL SELECT 'refund', jsonb_build_array(state, source, attempt, stripe_refund_id)
        FROM refund
    UNION ALL SELECT 'payout', jsonb_build_array(state, failure_code, stripe_payout_id) FROM payout
    UNION ALL SELECT 'chargeback', jsonb_build_array(state, stripe_status, locked, round, fee_minor)
        FROM chargeback
    UNION ALL SELECT 'chargeback line', jsonb_build_array(place, amount_minor, round)
        FROM chargeback_line
    UNION ALL SELECT 'entry', jsonb_build_array(kind) FROM journal_entry
    UNION ALL SELECT 'balance', jsonb_build_array(a.kind, b.debits, b.credits) FROM ledger_account a
        JOIN ledger_balance b ON b.account_id = a.id
    ORDER BY 1, 2
""")
_END = text("""
    SELECT 'contract', state FROM contract UNION ALL SELECT 'milestone', state FROM milestone
        UNION ALL SELECT 'payment', state FROM payment
    UNION ALL SELECT 'refund', state FROM refund UNION ALL SELECT 'payout', state FROM payout
        UNION ALL SELECT 'chargeback', state FROM chargeback
    UNION ALL SELECT a.kind, (b.credits - b.debits)::text FROM ledger_account a
        JOIN ledger_balance b ON b.account_id = a.id WHERE b.credits <> b.debits
    ORDER BY 1, 2
""")


def tellings(news: News) -> set[tuple[int, ...]]:
    """What may be told: every piece, at most one lost, at most one twice; as sorted indices."""
    everything = range(len(news))
    found = set()
    for lost in (None, *everything):
        told = [i for i in everything if i != lost]
        found |= {
            tuple(sorted([*told, *([] if twice is None else [twice])])) for twice in (None, *told)
        }
    return found


def orders_of(told: tuple[int, ...]) -> int:
    """How many distinct orders there are."""
    same = math.prod(math.factorial(told.count(i)) for i in set(told))
    return math.factorial(len(told)) // same


class Explorer:
    """Walks all schedules at once.

    What happens next depends on the rows alone, so a state that was reached before with the same
    news still to come is not walked again: every schedule is covered, few are repeated.
    """

    def __init__(
        self,
        world: World,
        news: News,
        apply: Callable[[Context, Any], None],
        finish: Callable[[Context], None],
    ) -> None:
        self._world, self._news, self._apply, self._finish = world, news, apply, finish
        self._seen: set[tuple[str, tuple[int, ...]]] = set()
        self.ends: dict[str, tuple[int, ...]] = {}
        self.steps = 0

    def explore(self) -> int:
        with self._world.db.transaction() as session:
            ctx = begin(session, PSP, "schedules", self._world.runtime.policies)
            for told in tellings(self._news):
                self._walk(ctx, told, ())
            session.rollback()
        return sum(orders_of(told) for told in tellings(self._news))

    def _walk(self, ctx: Context, left: tuple[int, ...], path: tuple[int, ...]) -> None:
        state = (str(ctx.session.execute(_STATE).all()), left)
        if state in self._seen:
            return
        self._seen.add(state)
        for index in sorted(set(left)) or [len(self._news) - 1]:
            savepoint = ctx.session.begin_nested()
            self._apply(ctx, self._news[index])
            ctx.session.flush()
            self.steps += 1
            if left:
                shorter = list(left)
                shorter.remove(index)
                self._walk(ctx, tuple(shorter), (*path, index))
            else:
                # Nothing is left to be told: this was the look at the present.
                self._finish(ctx)
                ctx.session.flush()
                self.ends.setdefault(str(ctx.session.execute(_END).all()), path)
            savepoint.rollback()
            ctx.session.expire_all()


def run_all(
    world: World,
    news: News,
    apply: Callable[[Context, Any], None],
    finish: Callable[[Context], None] = lambda _: None,
) -> int:
    """Explore every schedule; returns how many there are. All end alike."""
    explorer = Explorer(world, news, apply, finish)
    count = explorer.explore()
    assert len(explorer.ends) == 1, explorer.ends
    return count


@pytest.fixture(autouse=True)
def print_count(capsys: pytest.CaptureFixture[str]) -> Iterator[list[int]]:
    counts: list[int] = []
    yield counts
    with capsys.disabled():
        print(f"\n{sum(counts):,} schedules, one end", end=" ")


def test_of_a_payment(world: World, print_count: list[int]) -> None:
    contract, client = world.accepted_contract(milestones=ONE)
    client.start_payment([contract["milestones"][0]["id"]])
    ours = payment_id(world)
    with world.runtime.context("test") as ctx:
        row = repository.payment(ctx.session, ours)[1]
        open_one = CheckoutSnapshot(
            row.session_id or "",
            "open",
            False,
            ctx.now,
            payment_id=ours,
            payment_intent_id="pi_1",
            intent_status="requires_payment_method",
        )
    paid = replace(
        open_one,
        session_status="complete",
        paid=True,
        intent_status="succeeded",
        charge_id="ch_1",
        received=10_000,
        currency="USD",
        card_last4="4242",
    )
    news = [
        open_one,
        replace(open_one, intent_status="requires_action"),
        replace(open_one, decline_code="generic_decline"),
        paid,
        replace(paid, fee=320),
    ]

    def apply(ctx: Context, snapshot: CheckoutSnapshot) -> None:
        payments.apply_checkout(ctx, snapshot)

    print_count.append(run_all(world, news, apply))


@pytest.mark.parametrize("whole", [True, False])
def test_of_a_refund(world: World, print_count: list[int], whole: bool) -> None:
    contract, _ = world.funded_contract(milestones=ONE)
    body = {} if whole else {"amount": 4_000}
    ours = world.program().post(f"/v1/milestones/{contract['milestones'][0]['id']}/refunds", body)[
        "id"
    ]
    news = [
        RefundSnapshot("re_1", status)
        for status in ("pending", "requires_action", "succeeded", "pending", "failed")
    ]

    def apply(ctx: Context, snapshot: RefundSnapshot) -> None:
        parent, payment, refund = repository.refund(ctx.session, ours)
        refund_results.apply_refund(ctx, parent, payment, refund, snapshot)

    print_count.append(run_all(world, news, apply))


@pytest.mark.parametrize("end", ["won", "lost"])
def test_of_a_chargeback(world: World, print_count: list[int], end: str) -> None:
    world.funded_contract(milestones=ONE)
    ours = payment_id(world)
    asked = ChargebackSnapshot(
        "du_1", "warning_needs_response", "fraudulent", 6_000, "USD", "pi", 0
    )
    pulled = replace(asked, status="needs_response", fee=1_500)
    news = [
        asked,
        replace(asked, status="warning_under_review"),
        pulled,
        replace(pulled, status="under_review"),
        replace(pulled, status=end),
    ]

    def apply(ctx: Context, snapshot: ChargebackSnapshot) -> None:
        parent, payment = repository.payment(ctx.session, ours, lock=True)
        chargebacks.apply_dispute(ctx, parent, payment, snapshot)

    print_count.append(run_all(world, news, apply))


def test_of_a_payout(world: World, print_count: list[int]) -> None:
    world.released_contract(milestones=ONE)
    world.advance("6d")
    world.onboarded()
    ours = world.program().post("/v1/payouts", {"amount": 9_500, "currency": "USD"})["id"]
    world.work()
    news = [
        BankPayoutSnapshot("po_1", status, "account_closed" if status == "failed" else None)
        for status in ("pending", "in_transit", "paid", "paid", "failed")
    ]

    def apply(ctx: Context, snapshot: BankPayoutSnapshot) -> None:
        payout = repository.payout(ctx.session, ours, owner=repository.EVERYONE, lock=True)
        payout_sending.record_bank_payout(payout, snapshot.id)
        if snapshot.status == "paid":
            payout_sending.mark_paid(ctx, payout)
        elif snapshot.status == "failed":
            payout_sending.begin_return(ctx, payout, snapshot.failure_code or "")

    def finish(ctx: Context) -> None:
        payout_sending.mark_failed(
            ctx, repository.payout(ctx.session, ours, owner=repository.EVERYONE, lock=True)
        )

    print_count.append(run_all(world, news, apply, finish))
