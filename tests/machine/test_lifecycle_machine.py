"""A stateful machine drives the whole service: people, payments, webhook chaos, workers, the clock;
after every step the books are right.

`make soak` makes one long run of it. A failing run prints the steps and the blob that repeats it.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, invariant, multiple, precondition, rule

from service import ledger
from service.core import repository
from service.domain.errors import HoldfastError
from service.domain.identity import actors, typeid
from service.ledger.checks import verify
from service.operations.contracts import amendments, contracts
from service.operations.disputes import opening
from service.operations.payments import refund_requests
from tests.databases import clone
from tests.faults.test_releases import release
from tests.journey import Person, Reply, path_of
from tests.machine.freezing import SCOPES, Freezing
from tests.machine.taxing import Taxing
from tests.world import World

settings.register_profile("quick", max_examples=6, stateful_step_count=30, derandomize=True)
settings.register_profile("long", max_examples=60, stateful_step_count=50)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

AMOUNTS = st.integers(500, 5_000_000)
OWED = (
    "escrow",
    "disputed",
    "pending",
    "available",
    "reserve",
    "suspense",
    "unclaimed",
    "payout_in_flight",
    "refund_in_flight",
    "tax_withheld",
)
CARDS = st.sampled_from(
    ["4242 4242 4242 4242"] * 4
    + [
        "4000 0000 0000 0002",
        "4000 0000 0000 5126",
        "4000 0000 0000 7726",
        "4000 0000 0000 0077",
        "4000 0000 0000 0259",
    ]
)


def held_of(milestone: dict[str, Any]) -> int:
    gone = ("released", "refunded", "refunding", "disputed", "charged_back", "confiscated")
    return int(milestone["funded"] - sum(milestone[name] for name in gone))


def as_client(world: World, milestone_id: str, verb: Any) -> None:
    """What a page of the client does, without its clicks; a refusal is as good as an answer."""
    with (
        contextlib.suppress(HoldfastError),
        world.runtime.context("test", actors.client("cli_test")) as ctx,
    ):
        verb(ctx, *repository.milestone(ctx.session, milestone_id, owner=repository.EVERYONE))


class LifecycleMachine(Freezing, Taxing):
    """The model is small: what each milestone was paid and released, and what has been paid out."""

    contracts = Bundle("contracts")

    # Contracts and money from the start: Hypothesis leaves some rules out of each run, and one
    # without `pay` would test nothing.
    @initialize(target=contracts)
    def begin(self) -> Any:
        self._context = clone()
        self.world: World = self._context.__enter__()
        self.clients: dict[str, Person] = {}
        self.released: dict[str, int] = {}
        self.onboarded = False
        self.live_in_india()
        made = [
            self.new_contract([10_000 + n, 2_500, 77_777], bearer)
            for n, bearer in enumerate(("platform", "freelancer", "client"))
        ]
        for contract in made[:2]:
            self._pay(contract, "4242 4242 4242 4242", everything=True)
        self.world.work()
        return multiple(*made)

    def teardown(self) -> None:
        if hasattr(self, "_context"):
            # Calm down and let what was lost be found: then Stripe and the books say the same.
            self.world.sandbox.http.request("DELETE", "/_sandbox/faults")
            self.world.sandbox.post(
                "chaos", {"duplicate": 0, "reorder": False, "drop": 0, "delay_seconds": 0}
            )
            self.world.advance("3d")
            self.world.check_books()
            self._context.__exit__(None, None, None)

    def _read(self, contract: str) -> dict[str, Any]:
        found: dict[str, Any] = self.world.program().get(f"/v1/contracts/{contract}")
        return found

    @rule(
        target=contracts,
        amounts=st.lists(AMOUNTS, min_size=1, max_size=3),
        bearer=st.sampled_from(["platform", "freelancer", "client", "split"]),
    )
    def make(self, amounts: list[int], bearer: str) -> Any:
        return (
            self.new_contract(amounts, bearer)
            if len(self.clients) < int(os.environ.get("CONTRACTS", "4"))
            else multiple()
        )

    def new_contract(self, amounts: list[int], bearer: str) -> str:
        email = f"client{len(self.clients)}@babbage.example"
        contract, client = self.world.accepted_contract(
            client=email,
            country="US",
            processing_borne_by=bearer,
            milestones=[(f"M{i}", a) for i, a in enumerate(amounts)],
        )
        self.clients[contract["id"]] = client
        return str(contract["id"])

    def _client(self, contract: str) -> Person:
        client = self.clients[contract]
        if client.http.request("GET", f"/c/{contract}").status == 403:
            with self.world.runtime.context("test") as ctx:
                ctx.session.connection().exec_driver_sql(
                    "UPDATE client_link SET created_at = created_at - interval '2 hours'"
                )
            self.world.work()
            newest = next(letter for letter in client.sandbox.mail(client.email) if letter["links"])
            link = path_of(newest["links"][0])
            client.press(link, client.get(link).forms[0])
        return client

    @rule(contract=contracts, card=CARDS, everything=st.booleans())
    def pay(self, contract: str, card: str, everything: bool) -> None:
        self._pay(contract, card, everything=everything)

    def _pay(self, contract: str, card: str, *, everything: bool) -> None:
        found = self._read(contract)
        payable = [
            m["id"]
            for m in found["milestones"]
            if m["state"] in ("planned", "awaiting_funding", "funding")
        ]
        if found["state"] not in ("accepted", "active") or not payable:
            return
        client = self._client(contract)
        away = client.start_payment(payable if everything else payable[:1])
        if away.status == 303:
            path = path_of(away.headers["location"])
            page = client.http.request("GET", path)
            if page.status == 200:
                client.press(path, page.page.forms[0], number=card)

    @rule(contract=contracts)
    def cancel(self, contract: str) -> None:
        answer = self.world.program().call("POST", f"/v1/contracts/{contract}/cancel", {})
        assert answer.status in (200, 409)

    @rule(contract=contracts)
    def submit(self, contract: str) -> None:
        for milestone in self._read(contract)["milestones"]:
            answer = self.world.program().call(
                "POST", f"/v1/milestones/{milestone['id']}/submissions", {"note": "done"}
            )
            assert answer.status == (
                201 if milestone["state"] in ("funded", "changes_requested") else 409
            ), answer.text

    @rule(contract=contracts, share=st.sampled_from([None, 1, 3, 7]))
    def approve(self, contract: str, share: int | None) -> None:
        for milestone in self._read(contract)["milestones"]:
            held = held_of(milestone)
            outcome = release(
                self.world,
                milestone["id"],
                None if share is None or held < share else held // share,
            )
            possible = (
                milestone["state"] in ("funded", "submitted", "changes_requested") and held > 0
            )
            assert (outcome == "ok") == possible or (
                outcome == "on_hold" and self.frozen("release")
            ), outcome

    @rule(contract=contracts, share=st.sampled_from([None, 2, 5]))
    def give_back(self, contract: str, share: int | None) -> None:
        for milestone in self._read(contract)["milestones"][:1]:
            most = held_of(milestone) or milestone["released"] - milestone["refunded_after_release"]
            body = {} if share is None or most < share else {"amount": most // share}
            answer = self.world.program().call(
                "POST", f"/v1/milestones/{milestone['id']}/refunds", body
            )
            assert answer.status in (201, 409, 422) or self.held_back(answer), answer.text

    def held_back(self, answer: Reply) -> bool:
        """Refused by name, because something is on hold."""
        return (
            answer.status == 403
            and answer.json()["code"] == "on_hold"
            and any(self.frozen(scope) for scope in SCOPES)
        )

    @rule(contract=contracts, share=st.sampled_from([None, 3]))
    def ask_back(self, contract: str, share: int | None) -> None:
        for milestone in self._read(contract)["milestones"][-1:]:
            amount = None if share is None else held_of(milestone) // share or 1
            as_client(
                self.world,
                milestone["id"],
                lambda ctx, c, m, a=amount: refund_requests.ask(ctx, c, m, a, "asked"),
            )

    @rule(answer=st.sampled_from(["agree", "refuse"]))
    def answer_request(self, answer: str) -> None:
        for row in self.world.sql("SELECT id FROM refund_request WHERE state = 'open' LIMIT 1"):
            body = {"reason": "no"} if answer == "refuse" else {}
            reply = self.world.program().call(
                "POST", f"/v1/refund-requests/{typeid.encode('rrq', row.id)}/{answer}", body
            )
            assert reply.status in (200, 409) or self.held_back(reply), reply.text

    @rule(
        contract=contracts,
        side=st.sampled_from(["client", "freelancer"]),
        share=st.sampled_from([1, 2, 4]),
    )
    def dispute(self, contract: str, side: str, share: int) -> None:
        for milestone in self._read(contract)["milestones"][:1]:
            amount = held_of(milestone) // share
            if side == "client":
                as_client(
                    self.world,
                    milestone["id"],
                    lambda ctx, c, m, a=amount: opening.start(
                        ctx, c, m, "client", a, a // 2, "claim"
                    ),
                )
            else:
                body = {"milestone": milestone["id"], "claim": "claim", "amount": max(1, amount)}
                assert self.world.program().call("POST", "/v1/disputes", body).status in (
                    201,
                    409,
                    422,
                )

    @rule(
        step=st.sampled_from(
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
        share=st.integers(0, 4),
    )
    def move_dispute(self, step: str, share: int) -> None:
        for row in self.world.sql(
            "SELECT id, amount_minor FROM dispute WHERE closed_at IS NULL LIMIT 1"
        ):
            address, refund = (
                f"disputes/{typeid.encode('dsp', row.id)}",
                row.amount_minor * share // 4,
            )
            bodies: dict[str, Any] = {
                "answer": {"words": "w", "refund": refund},
                "proposals": {"refund": refund},
            }
            ruling = {"refund": refund, "reasons": "r"}
            if step in ("proposal", "decision"):
                who = self.world.program("safety" if step == "proposal" else "reviewer")
                reply = who.call("POST", f"/v1/staff/{address}/{step}", ruling)
            else:
                reply = self.world.program().call(
                    "POST", f"/v1/{address}/{step}", bodies.get(step, {})
                )
            assert reply.status in (200, 403, 409), reply.text

    @rule(share=st.sampled_from([1, 2, 3]), inquiry=st.booleans())
    def contest(self, share: int, inquiry: bool) -> None:
        charges = [
            o
            for o in self.world.sandbox.dump()["objects"]
            if o["object"] == "charge" and not o["disputed"] and o["amount"] > o["amount_refunded"]
        ]
        for charge in charges[:1]:
            left = charge["amount"] - charge["amount_refunded"]
            self.world.sandbox.post(
                "disputes",
                {"charge": charge["id"], "amount": max(1, left // share), "inquiry": inquiry},
            )

    @rule(outcome=st.sampled_from(["won", "lost", "reopen", "escalate", "warning_closed"]))
    def bank_decides(self, outcome: str) -> None:
        for made in [o for o in self.world.sandbox.dump()["objects"] if o["object"] == "dispute"][
            :2
        ]:
            self.world.sandbox.http.request(
                "POST",
                f"/_sandbox/disputes/{made['id']}/{outcome}",
                body=b"{}",
                headers={"Content-Type": "application/json"},
            )

    @rule(contract=contracts, who=st.sampled_from(["freelancer", "client"]))
    def end(self, contract: str, who: str) -> None:
        if who == "freelancer":
            assert self.world.program().call(
                "POST", f"/v1/contracts/{contract}/end", {}
            ).status in (200, 403, 409)
        else:
            milestone = self._read(contract)["milestones"][0]["id"]
            as_client(
                self.world,
                milestone,
                lambda ctx, c, _: [
                    refund_requests.ask(ctx, c, m, None, "ended") for m in contracts.end(ctx, c)
                ],
            )

    @rule(
        contract=contracts,
        amount=st.integers(500, 90_000),
        answer=st.sampled_from(["accept", "reject"]),
    )
    def amend(self, contract: str, amount: int, answer: str) -> None:
        found = self._read(contract)
        wanted = [
            {"id": m["id"], "title": m["title"], "amount": m["amount"]}
            for m in found["milestones"]
            if m["state"] != "cancelled"
        ]
        reply = self.world.program().call(
            "POST",
            f"/v1/contracts/{contract}/amendments",
            {"milestones": [*wanted, {"title": "More", "amount": amount}]},
        )
        assert reply.status in (201, 409, 422) or self.held_back(reply), reply.text
        if reply.status == 201:
            verb = amendments.accept if answer == "accept" else amendments.reject
            as_client(
                self.world,
                found["milestones"][0]["id"],
                lambda ctx, c, _: verb(
                    ctx, c, amendments.find(ctx.session, c.id, reply.json()["id"])
                ),
            )

    @rule()
    def onboard(self) -> None:
        if not self.onboarded:
            self.world.onboarded()
            self.onboarded = True

    @rule(share=st.integers(1, 3))
    def pay_out(self, share: int) -> None:
        available = self.world.balance().get("available", 0)
        amount = available // share
        answer = self.world.program().call(
            "POST", "/v1/payouts", {"amount": max(1, amount), "currency": "USD"}
        )
        if amount >= 1_000 and self.onboarded:
            # A charge whose failed payout is still being unwound cannot be drawn from yet.
            # And the news that the account is ready may have been lost, until the sweep asks.
            assert answer.status == 201 or answer.json()["code"] in (
                "not_enough",
                "payout_account_not_ready",
            ), answer.text
        else:
            assert answer.status in (409, 422), answer.text

    @rule(
        switch=st.sampled_from(
            [
                {"duplicate": 2},
                {"reorder": True},
                {"drop": 3},
                {"delay_seconds": 900},
                {"duplicate": 0, "reorder": False, "delay_seconds": 0},
            ]
        )
    )
    def chaos(self, switch: dict[str, Any]) -> None:
        self.world.sandbox.post("chaos", switch)

    @rule(
        kind=st.sampled_from(["timeout_after", "reset_before", "500", "429"]),
        path=st.sampled_from(["/v1/transfers", "/v1/payouts", "/v1/refunds", "%"]),
    )
    def fault(self, kind: str, path: str) -> None:
        self.world.sandbox.post(
            "faults",
            {"method": "POST" if path != "%" else "GET", "path": path, "kind": kind, "times": 2},
        )

    @rule(bank_fails=st.booleans())
    @precondition(lambda self: self.onboarded)
    def bank(self, bank_fails: bool) -> None:
        account = self.world.sql("SELECT stripe_account_id FROM payout_account")[
            0
        ].stripe_account_id
        self.world.sandbox.post(f"accounts/{account}", {"bank_fails": bank_fails})

    @rule()
    def work(self) -> None:
        self.world.work()

    @rule(span=st.sampled_from(["11m", "3h", "1d", "6d", "15d"]))
    def wait(self, span: str) -> None:
        self.world.advance(span)

    @invariant()
    def books_are_right(self) -> None:
        if not hasattr(self, "world"):
            return
        with self.world.db.transaction() as session:
            wrong = [check for check in verify(session) if not check.ok]
            lines = {
                line.kind: line.balance_minor
                for line in ledger.trial_balance(session)
                if line.currency == "USD"
            }
        assert not wrong, wrong
        assert all(lines.get(kind, 0) >= 0 for kind in OWED)

    @invariant()
    def nothing_leaves_beyond_what_came_in(self) -> None:
        if not hasattr(self, "world"):
            return
        dump = self.world.sandbox.dump()
        assert not any(dump["total"].values())
        received = sum(
            o["amount"] - o["amount_refunded"] for o in dump["objects"] if o["object"] == "charge"
        )
        sent = sum(
            o["amount"] - o["amount_reversed"] for o in dump["objects"] if o["object"] == "transfer"
        )
        # A refund after the money was paid out, or a bank's, is financed by the platform and owed
        # by the freelancer.
        assert sent <= received + sum(
            o["amount_refunded"] for o in dump["objects"] if o["object"] == "charge"
        )

    @invariant()
    def released_money_never_comes_back(self) -> None:
        if not hasattr(self, "world"):
            return
        for row in self.world.sql(
            "SELECT id::text AS id, released_minor, funded_minor FROM milestone"
        ):
            # Counted, not taken away: what is given back after a release has a counter of its own.
            assert self.released.get(row.id, 0) <= row.released_minor <= row.funded_minor
            self.released[row.id] = row.released_minor


LifecycleMachine.TestCase.settings = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    # Shrinking drives the whole service some hundred times more: switch it on by hand when a
    # failure needs it.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
TestLifecycle = pytest.mark.fault("CUR-09")(LifecycleMachine.TestCase)
