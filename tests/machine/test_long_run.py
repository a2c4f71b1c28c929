"""One long run of the same machine by a plain random number generator: Hypothesis cannot draw two
thousand steps at once.

`make soak STEPS=2000 SEED=…` prints the seed, the steps by kind, and what the books hold at the
end.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import Any

import pytest

from service.domain.identity import typeid
from tests.machine.freezing import SCOPES, SUBJECTS
from tests.machine.taxing import DUTIES
from tests.machine.test_lifecycle_machine import LifecycleMachine

STEPS = int(os.environ.get("STEPS", "60"))
SEED = int(os.environ.get("SEED", "1")) or random.SystemRandom().randrange(1, 10**9)
CARDS = ["4242 4242 4242 4242"] * 5 + [
    "4000 0000 0000 0002",
    "4000 0000 0000 5126",
    "4000 0000 0000 7726",
    "4000 0000 0000 0077",
    "4000 0000 0000 0259",
]
CHAOS: list[dict[str, Any]] = [
    {"duplicate": 2},
    {"reorder": True},
    {"drop": 3},
    {"delay_seconds": 900},
    {"duplicate": 0, "reorder": False, "delay_seconds": 0, "drop": 0},
]

_WITH_WORK_LEFT = """
    SELECT id FROM contract WHERE state IN ('accepted', 'active', 'closing') AND EXISTS (
        SELECT FROM milestone WHERE contract_id = contract.id
            AND state NOT IN ('released', 'refunded', 'settled', 'cancelled', 'charged_back',
            'confiscated'))
     ORDER BY id
"""


class Walker:
    """Chooses a step and its arguments; the machine does it and holds its invariants."""

    def __init__(self, machine: LifecycleMachine, chance: random.Random) -> None:
        self._machine, self._chance = machine, chance
        self.done: Counter[str] = Counter()

    def step(self) -> None:
        pick, machine = self._chance.choice, self._machine
        alive = [typeid.encode("ctr", r.id) for r in machine.world.sql(_WITH_WORK_LEFT)]
        contract, small = pick(alive or list(machine.clients)), len(alive) < 6
        steps: dict[str, Any] = {
            "make": lambda: (
                small
                and machine.new_contract(
                    [self._chance.randint(500, 900_000) for _ in range(pick([1, 2, 3]))],
                    pick(["platform", "freelancer", "client", "split"]),
                )
            ),
            "pay": lambda: machine.pay(contract, pick(CARDS), pick([True, False])),
            "submit": lambda: machine.submit(contract),
            "approve": lambda: machine.approve(contract, pick([None, 1, 3, 7])),
            "give_back": lambda: machine.give_back(contract, pick([None, 2, 5])),
            "ask_back": lambda: machine.ask_back(contract, pick([None, 3])),
            "answer_request": lambda: machine.answer_request(pick(["agree", "refuse"])),
            "dispute": lambda: machine.dispute(
                contract, pick(["client", "freelancer"]), pick([1, 2, 4])
            ),
            "move_dispute": lambda: machine.move_dispute(
                pick(
                    [
                        "answer",
                        "proposals",
                        "mediation",
                        "proposal",
                        "decision",
                        "reject",
                        "withdraw",
                        "accept",
                    ]
                ),
                self._chance.randint(0, 4),
            ),
            "contest": lambda: machine.contest(pick([1, 2, 3]), pick([True, False])),
            "bank_decides": lambda: machine.bank_decides(
                pick(["won", "lost", "reopen", "escalate", "warning_closed"])
            ),
            "end": lambda: (
                self._chance.random() < 0.2
                and machine.end(contract, pick(["freelancer", "client"]))
            ),
            "cancel": lambda: self._chance.random() < 0.2 and machine.cancel(contract),
            "amend": lambda: machine.amend(
                contract, self._chance.randint(500, 90_000), pick(["accept", "reject"])
            ),
            "onboard": machine.onboard,
            "pay_out": lambda: machine.pay_out(self._chance.randint(1, 3)),
            "chaos": lambda: machine.chaos(pick(CHAOS)),
            "fault": lambda: machine.fault(
                pick(["timeout_after", "reset_before", "500", "429"]),
                pick(["/v1/transfers", "/v1/payouts", "/v1/refunds", "%"]),
            ),
            "bank": lambda: machine.onboarded and machine.bank(pick([True, False, False])),
            "freeze": lambda: machine.freeze(
                pick(sorted(SUBJECTS)), self._chance.randint(0, 9), {pick(SCOPES), pick(SCOPES)}
            ),
            "lift": lambda: machine.lift(self._chance.randint(0, 9)),
            "lift_again": lambda: machine.lift(self._chance.randint(0, 9)),
            "set_aside": lambda: machine.set_aside(self._chance.randint(1, 50_000)),
            "duty": lambda: machine.duty(pick(DUTIES), pick([True, True, False])),
            "remit": lambda: machine.remit(self._chance.randint(0, 9)),
            "work": machine.work,
            "wait": lambda: machine.wait(pick(["11m", "3h", "1d", "6d"])),
        }
        name = pick(list(steps))
        self.done[name] += 1
        steps[name]()
        machine.books_are_right()
        machine.nothing_leaves_beyond_what_came_in()
        machine.released_money_never_comes_back()


def test_a_long_run(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nseed {SEED}, {STEPS} steps", end=" ", flush=True)
    machine = LifecycleMachine()
    walker = Walker(machine, random.Random(SEED))
    try:
        machine.begin()
        for _ in range(STEPS):
            walker.step()
        kinds = {
            r.kind: r.n
            for r in machine.world.sql(
                "SELECT kind, count(*) AS n FROM journal_entry GROUP BY kind ORDER BY kind"
            )
        }
        with capsys.disabled():
            print(f"\nsteps: {dict(walker.done)}\nentries: {kinds}")
    finally:
        machine.teardown()
