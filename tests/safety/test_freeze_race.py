"""Once a freeze has answered, nothing leaves: thousands of rounds against everything that moves
money, with a control.

`make freeze ROUNDS=10000` runs it long. Each round starts the freeze and one act at the same
instant, in threads with commits of their own; as soon as the freeze has answered, all debits are
read, and again when the act is over.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from service.core import repository
from service.core.context import Context
from service.domain.errors import HoldfastError
from service.domain.identity import actors
from service.domain.identity.actors import SYSTEM
from service.escrow import freezing
from service.models import Contract, Hold, Milestone
from service.operations.contracts import milestones
from service.operations.payments import checkout, payments, refund_requests
from service.operations.payouts import payout_requests
from service.operations.safety import hold_ends, holds
from service.shared import hold_checks as reading
from service.shared.hold_checks import HoldTerms
from tests.fees.test_promise import SEED
from tests.world import World

ROUNDS = int(os.environ.get("ROUNDS", "120"))
fault = pytest.mark.fault


class Arena:
    """One freelancer with plenty of everything, and the five acts that a freeze must stop."""

    def __init__(self, world: World) -> None:
        self.world = world
        contract, self.client = world.funded_contract(
            milestones=[("Rich", 90_000_000), ("Unpaid", 5_000)], everything=False
        )
        self.rich, self.unpaid = (m["id"] for m in contract["milestones"])
        self.contract = contract["id"]
        paid, _ = world.released_contract(
            milestones=[("Paid", 50_000_000)], client="grace@hopper.example"
        )
        world.onboarded()
        world.advance("6d")
        assert world.balance()["available"] == 47_500_000, paid
        self.acts: dict[str, Callable[[Context], object]] = {
            "release": lambda ctx: self._approve(ctx.as_(actors.client("cli_test"))),
            "auto-release": lambda ctx: self._approve(ctx.as_(SYSTEM)),
            "refund": self._refund,
            "payout": lambda ctx: payout_requests.request(ctx, world.ada_id, 1_000, "USD"),
            "funding": self._fund,
        }

    def _locked(self, ctx: Context, milestone_id: str) -> tuple[Contract, Milestone]:
        return repository.milestone(ctx.session, milestone_id, owner=repository.EVERYONE)

    def _approve(self, ctx: Context) -> None:
        contract, milestone = self._locked(ctx, self.rich)
        milestones.approve(ctx, contract, milestone, 1)

    def _refund(self, ctx: Context) -> None:
        repository.freelancer(ctx.session, self.world.ada_id, lock=True)
        contract, milestone = self._locked(ctx, self.rich)
        refund_requests.give(ctx, contract, milestone, 1, "A round.")

    def _fund(self, ctx: Context) -> None:
        contract, _ = self._locked(ctx, self.unpaid)
        checkout.start(ctx.as_(actors.client("cli_test")), contract, [self.unpaid])

    def prepare(self, name: str) -> None:
        """Before a round: the milestone as the act needs it, and no payment in the way."""
        with self.world.runtime.context("test", actors.freelancer(self.world.ada_id)) as ctx:
            contract, milestone = self._locked(ctx, self.rich)
            if name == "auto-release" and milestone.state == "funded":
                milestones.submit(ctx, contract, milestone, "Done.")
            if name == "funding":
                for payment in payments.payments_of(ctx, contract):
                    if payment.state == "created":
                        payments.abandon(ctx.as_(SYSTEM), contract, payment)

    def freeze(self) -> str:
        with self.world.runtime.context("test", actors.staff("key_test")) as ctx:
            terms = HoldTerms(
                self.world.ada_id,
                "terms",
                "7.2",
                "A round.",
                ("contract_create", "accept", "inflow", "release", "refund", "outflow"),
            )
            return holds.place(ctx, terms).id

    def lift(self, hold_id: str) -> None:
        with self.world.runtime.context("test", actors.staff("key_test")) as ctx:
            hold_ends.lift(
                ctx,
                hold_ends.find(ctx.session, hold_id, owner=repository.EVERYONE, lock=True),
                "The round is over.",
            )

    def out(self) -> tuple[int, int]:
        """Everything that has ever left the held accounts, and every payment that was begun."""
        found = self.world.sql(
            "SELECT (SELECT sum(b.debits)::bigint FROM ledger_balance b JOIN ledger_account a ON "
            "a.id = b.account_id"
            " WHERE a.kind IN ('escrow', 'pending', 'available')) AS debits, (SELECT count(*) "
            "FROM payment) AS payments"
        )[0]
        return int(found.debits), int(found.payments)

    def round(self, name: str, pause: float) -> tuple[str, bool]:
        """(what became of the act, whether anything left after the freeze had answered).

        A `pause` below zero lets the freeze go first.
        """
        self.prepare(name)
        start, result = threading.Barrier(2), ["ok"]

        def take() -> None:
            start.wait()
            time.sleep(max(0, -pause))
            try:
                with self.world.runtime.context(
                    "test", actors.freelancer(self.world.ada_id)
                ) as begun:
                    self.acts[name](begun)
            except HoldfastError as refusal:
                result[0] = refusal.code

        thread = threading.Thread(target=take)
        thread.start()
        start.wait()
        time.sleep(max(0, pause))
        hold_id = self.freeze()
        after = self.out()
        thread.join()
        leaked = self.out() != after
        self.lift(hold_id)
        return result[0], leaked


def run(arena: Arena, rounds: int, chance: random.Random) -> tuple[Counter[tuple[str, str]], int]:
    seen: Counter[tuple[str, str]] = Counter()
    leaks = 0
    for number in range(rounds):
        name = list(arena.acts)[number % len(arena.acts)]
        outcome, leaked = arena.round(
            name, chance.choice([-0.02, -0.01, -0.005, -0.002, 0, 0, 0.002, 0.005])
        )
        seen[(name, outcome)] += 1
        leaks += leaked
    return seen, leaks


@fault("FRZ-01")
def test_nothing_leaves_after_a_freeze_has_answered(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    arena = Arena(world)
    seen, leaks = run(arena, ROUNDS, random.Random(SEED))
    with capsys.disabled():
        print(
            f"\nseed {SEED}, {ROUNDS} rounds: {leaks} left after the answer; "
            f"{dict(sorted(seen.items()))}",
            end=" ",
        )
    assert leaks == 0
    assert {outcome for _, outcome in seen} <= {"ok", "on_hold"}
    assert {name for name, outcome in seen if outcome == "ok"}, "some acts were first"
    assert {name for name, outcome in seen if outcome == "on_hold"}, "some freezes were first"
    assert not [
        (h.kind, h.n)
        for h in world.sql(
            "SELECT 'gate' AS kind, count(*) AS n FROM ledger_balance WHERE hold_release + "
            "hold_refund + hold_outflow > 0"
        )
        if h.n
    ]


@fault("FRZ-01")
def test_control_without_the_lock_money_leaves(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The naive form: the freeze takes no locks and closes no gates, an act looks whether there is
    a hold and then goes on.
    """
    arena = Arena(world)
    world.sql_owner(
        "CREATE OR REPLACE FUNCTION hold_regate(p_subject uuid) RETURNS int LANGUAGE sql AS "
        "'SELECT 0'"
    )
    monkeypatch.setattr(holds, "_apply", _land_without_locks)
    really = reading.stopping

    def look_then_act(*given: Any) -> Hold | None:
        found = really(*given)
        time.sleep(0.004)
        return found

    monkeypatch.setattr(reading, "stopping", look_then_act)
    _, leaks = run(arena, 60, random.Random(SEED))
    assert leaks > 0


def _land_without_locks(ctx: Context, hold: Hold) -> None:
    ctx.session.add(hold)
    freezing.refresh_gates(ctx, hold)
