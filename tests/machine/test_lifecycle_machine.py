"""A stateful machine drives the whole service: people, payments, webhook chaos, workers, the clock; after every step the books are right.

Run longer with `make soak`. A failing run prints the steps and the blob that repeats it.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from service import ledger
from service.operations import reconcile
from tests.databases import clone
from tests.faults.test_releases import release
from tests.journey import Person, path_of
from tests.world import World

settings.register_profile("quick", max_examples=6, stateful_step_count=30)
settings.register_profile("soak", max_examples=60, stateful_step_count=120)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

AMOUNTS = st.integers(500, 5_000_000)
CARDS = st.sampled_from(["4242 4242 4242 4242"] * 4 + ["4000 0000 0000 0002", "4000 0000 0000 5126", "4000 0000 0000 7726", "4000 0000 0000 0077"])


class LifecycleMachine(RuleBasedStateMachine):
    """The model is small: what each milestone was paid and released, and what has been paid out."""

    contracts = Bundle("contracts")

    @initialize()
    def begin(self) -> None:
        self._context = clone()
        self.world: World = self._context.__enter__()
        self.clients: dict[str, Person] = {}
        self.released: dict[str, int] = {}
        self.funded_before: dict[str, int] = {}
        self.onboarded = False

    def teardown(self) -> None:
        if hasattr(self, "_context"):
            # Calm down and let what was lost be found: then Stripe and the books say the same.
            self.world.sandbox.http.request("DELETE", "/_sandbox/faults")
            self.world.sandbox.post("chaos", {"duplicate": 0, "reorder": False, "drop": 0, "delay_seconds": 0})
            self.world.advance("3d")
            self.world.check_books()
            self._context.__exit__(None, None, None)

    def _read(self, contract: str) -> dict[str, Any]:
        found: dict[str, Any] = self.world.program().get(f"/v1/contracts/{contract}")
        return found

    @rule(target=contracts, amounts=st.lists(AMOUNTS, min_size=1, max_size=3), bearer=st.sampled_from(["platform", "freelancer", "client", "split"]))
    def make(self, amounts: list[int], bearer: str) -> Any:
        if len(self.clients) >= 4:
            return multiple()
        email = f"client{len(self.clients)}@babbage.example"
        contract, client = self.world.accepted_contract(
            client=email, country="US", processing_borne_by=bearer, milestones=[(f"M{i}", a) for i, a in enumerate(amounts)]
        )
        self.clients[contract["id"]] = client
        return contract["id"]

    def _client(self, contract: str) -> Person:
        client = self.clients[contract]
        if client.http.request("GET", f"/c/{contract}").status == 403:
            with self.world.runtime.act("test") as act:
                act.session.connection().exec_driver_sql("UPDATE client_link SET created_at = created_at - interval '2 hours'")
            self.world.work()
            newest = client.sandbox.mail(client.email)[0]
            link = path_of(newest["links"][0])
            client.press(link, client.get(link).forms[0])
        return client

    @rule(contract=contracts, card=CARDS, everything=st.booleans())
    def pay(self, contract: str, card: str, everything: bool) -> None:
        found = self._read(contract)
        payable = [m["id"] for m in found["milestones"] if m["state"] in ("planned", "awaiting_funding", "funding")]
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
            answer = self.world.program().call("POST", f"/v1/milestones/{milestone['id']}/submissions", {"note": "done"})
            assert answer.status == (201 if milestone["state"] in ("funded", "changes_requested") else 409), answer.text

    @rule(contract=contracts, share=st.sampled_from([None, 1, 3, 7]))
    def approve(self, contract: str, share: int | None) -> None:
        for milestone in self._read(contract)["milestones"]:
            held = milestone["funded"] - milestone["released"]
            outcome = release(self.world, milestone["id"], None if share is None or held < share else held // share)
            assert (outcome == "ok") == (milestone["state"] == "submitted"), outcome

    @rule()
    def onboard(self) -> None:
        if not self.onboarded:
            self.world.onboarded()
            self.onboarded = True

    @rule(share=st.integers(1, 3))
    def pay_out(self, share: int) -> None:
        available = self.world.balance().get("available", 0)
        amount = available // share
        answer = self.world.program().call("POST", "/v1/payouts", {"amount": max(1, amount), "currency": "USD"})
        if amount >= 1_000 and self.onboarded:
            # A charge whose failed payout is still being unwound cannot be drawn from yet.
            assert answer.status == 201 or answer.json()["code"] == "not_enough", answer.text
        else:
            assert answer.status in (409, 422), answer.text

    @rule(
        switch=st.sampled_from(
            [{"duplicate": 2}, {"reorder": True}, {"drop": 3}, {"delay_seconds": 900}, {"duplicate": 0, "reorder": False, "delay_seconds": 0}]
        )
    )
    def chaos(self, switch: dict[str, Any]) -> None:
        self.world.sandbox.post("chaos", switch)

    @rule(kind=st.sampled_from(["timeout_after", "reset_before", "500", "429"]), path=st.sampled_from(["/v1/transfers", "/v1/payouts", "/v1/refunds", "%"]))
    def fault(self, kind: str, path: str) -> None:
        self.world.sandbox.post("faults", {"method": "POST" if path != "%" else "GET", "path": path, "kind": kind, "times": 2})

    @rule(bank_fails=st.booleans())
    @precondition(lambda self: self.onboarded)
    def bank(self, bank_fails: bool) -> None:
        account = self.world.sql("SELECT stripe_account_id FROM payout_account")[0].stripe_account_id
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
            wrong = [check for check in reconcile.verify(session) if not check.ok]
            lines = {line.kind: line.balance_minor for line in ledger.trial_balance(session) if line.currency == "USD"}
        assert not wrong, wrong
        assert all(lines.get(kind, 0) >= 0 for kind in ("escrow", "pending", "available", "suspense", "payout_in_flight", "refund_in_flight"))

    @invariant()
    def nothing_leaves_beyond_what_came_in(self) -> None:
        if not hasattr(self, "world"):
            return
        dump = self.world.sandbox.dump()
        assert not any(dump["total"].values())
        received = sum(o["amount"] - o["amount_refunded"] for o in dump["objects"] if o["object"] == "charge")
        sent = sum(o["amount"] - o["amount_reversed"] for o in dump["objects"] if o["object"] == "transfer")
        assert sent <= received

    @invariant()
    def released_money_never_comes_back(self) -> None:
        if not hasattr(self, "world"):
            return
        for row in self.world.sql("SELECT id::text AS id, released_minor, funded_minor FROM milestone"):
            assert self.released.get(row.id, 0) <= row.released_minor <= row.funded_minor
            self.released[row.id] = row.released_minor


LifecycleMachine.TestCase.settings = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    # Shrinking drives the whole service some hundred times more: switch it on by hand when a failure needs it.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
TestLifecycle = LifecycleMachine.TestCase
