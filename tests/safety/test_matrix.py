"""The suspension matrix, driven: every act with either person at either level, and every endpoint
with a blocked freelancer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from service.api.framework.endpoints import allowed_while_blocked
from service.app import _routes
from service.domain.states.restrictions import LEVELS, MATRIX, outcome
from tests.journey import Person, contract_body
from tests.safety.test_holds import WHY
from tests.world import World

RULES = {rule.name: rule for rule in MATRIX}
CELLS = [(rule, person, level) for rule in RULES for person, level in LEVELS]


class Stage:
    """A contract at the point at which an act is about to happen."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.contract: dict[str, Any] = {}
        self.client: Person = world.client()

    def sent(self) -> None:
        self.contract = self.world.sent_contract(milestones=[("Work", 10_000)])
        self.client.open()
        self.client.through_code(f"/c/{self.contract['id']}/accept")

    def accepted(self) -> None:
        self.contract, self.client = self.world.accepted_contract(
            milestones=[("Work", 10_000), ("More", 2_000)]
        )

    def submitted(self) -> None:
        self.contract, self.client = self.world.submitted_contract(milestones=[("Work", 10_000)])

    def funded(self) -> None:
        self.contract, self.client = self.world.funded_contract(milestones=[("Work", 10_000)])

    def released(self) -> None:
        self.contract, self.client = self.world.released_contract(milestones=[("Work", 10_000)])

    def available(self) -> None:
        self.released()
        self.world.onboarded()
        self.world.advance("6d")

    @property
    def milestone(self) -> str:
        return str(self.contract["milestones"][0]["id"])

    def person(self, who: str) -> str:
        if who == "freelancer":
            return self.world.ada_id
        return str(self.contract["client"]["id"])

    def call(self, path: str, body: Any) -> str:
        return self._said(self.world.program().call("POST", path, body).status)

    def page(self, reply: Any) -> str:
        return self._said(reply.status)

    def _said(self, status: int) -> str:
        return (
            "refused"
            if status == 403
            else "goes on"
            if status in (200, 201, 303)
            else f"answered {status}"
        )

    # The acts

    def create(self) -> str:
        return self.call("/v1/contracts", contract_body())

    def accept(self) -> str:
        return self.page(self.client.accept())

    def fund(self) -> str:
        return self.page(self.client.start_payment())

    def submit(self) -> str:
        return self.call(f"/v1/milestones/{self.milestone}/submissions", {"note": "Done."})

    def approve(self) -> str:
        return self.page(self.client.approve(self.milestone))

    def auto_release(self) -> str:
        self.world.advance("15d")
        return (
            "goes on"
            if self.world.read(self.contract)["milestones"][0]["state"] == "released"
            else "waits"
        )

    def refund(self) -> str:
        return self.call(f"/v1/milestones/{self.milestone}/refunds", {})

    def mature(self) -> str:
        self.world.advance("6d")
        return "goes on" if self.world.balance()["available"] else "waits"

    def payout(self) -> str:
        made = self.world.program().call(
            "POST", "/v1/payouts", {"amount": 5_000, "currency": "USD"}
        )
        assert made.status == 201, made.text
        return "taken down as held" if made.json()["state"] == "held" else "goes on"

    def amend(self) -> str:
        wanted = [
            {"id": m["id"], "title": m["title"], "amount": m["amount"] + 1_000}
            for m in self.contract["milestones"]
        ]
        return self.call(f"/v1/contracts/{self.contract['id']}/amendments", {"milestones": wanted})

    def dispute(self) -> str:
        return self.page(
            self.client.decide(
                f"/c/{self.contract['id']}/milestones/{self.milestone}/dispute",
                amount="",
                refund="",
                claim="Half.",
            )
        )


ACTS: dict[str, tuple[Callable[[Stage], None], Callable[[Stage], str]]] = {
    "create or send a contract": (Stage.accepted, Stage.create),
    "accept an offer": (Stage.sent, Stage.accept),
    "fund a milestone": (Stage.accepted, Stage.fund),
    "submit work": (Stage.funded, Stage.submit),
    "approve or release": (Stage.submitted, Stage.approve),
    "auto-release": (Stage.submitted, Stage.auto_release),
    "refund to the client": (Stage.funded, Stage.refund),
    "mature": (Stage.released, Stage.mature),
    "payout": (Stage.available, Stage.payout),
    "amend": (Stage.accepted, Stage.amend),
    "dispute": (Stage.submitted, Stage.dispute),
}


def test_every_row_of_the_matrix_has_its_act() -> None:
    assert set(ACTS) == set(RULES)


@pytest.mark.parametrize(("name", "person", "level"), CELLS)
def test_a_cell_of_the_matrix(world: World, name: str, person: str, level: str) -> None:
    prepare, act = ACTS[name]
    stage = Stage(world)
    prepare(stage)
    suspended = world.program("safety").post(
        "/v1/staff/suspensions", WHY | {"person": stage.person(person), "level": level}
    )
    world.program("approver").post(f"/v1/staff/holds/{suspended['hold']['id']}/confirm")
    expected = outcome(RULES[name], person, level)
    assert expected.startswith(act(stage)), (expected, suspended["hold"]["scopes"])
    world.check_books()


OPEN = {
    "/v1/appeals/{appeal_id}/withdraw",
    "/v1/cases/{case_id}/answer",
    "/v1/contracts/{contract_id}/cancel",
    "/v1/contracts/{contract_id}/end",
    "/v1/contracts/{contract_id}/files",
    "/v1/contracts/{contract_id}/withdraw",
    "/v1/disputes",
    "/v1/disputes/{dispute_id}/accept",
    "/v1/disputes/{dispute_id}/answer",
    "/v1/disputes/{dispute_id}/evidence",
    "/v1/disputes/{dispute_id}/mediation",
    "/v1/disputes/{dispute_id}/proposals",
    "/v1/disputes/{dispute_id}/proposals/{offer_id}/accept",
    "/v1/disputes/{dispute_id}/reject",
    "/v1/disputes/{dispute_id}/withdraw",
    "/v1/holds/{hold_id}/appeals",
    "/v1/holds/{hold_id}/files",
    "/v1/holds/{hold_id}/requirements/{requirement_id}",
    "/v1/milestones/{milestone_id}/refunds",
    "/v1/payouts",
    "/v1/payouts/{payout_id}/cancel",
    "/v1/pre-checks",
    "/v1/refund-requests/{request_id}/agree",
    "/v1/refund-requests/{request_id}/refuse",
}
"""What somebody blocked may still write to: give money back, end a contract, argue, answer us."""


def test_what_stays_open_is_what_the_endpoints_say() -> None:
    app = _routes()
    found = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if allowed_while_blocked(app.view_functions[rule.endpoint])
    }
    assert found == OPEN


def test_every_endpoint_with_a_blocked_freelancer(world: World) -> None:
    """Whatever changes something answers 403 on_hold with the hold, except what stays open to them;
    whatever reads goes on.
    """
    contract, _ = world.submitted_contract(milestones=[("Work", 10_000)])
    suspended = world.program("platform").post(
        "/v1/staff/suspensions", WHY | {"person": world.ada_id, "level": "blocked"}
    )
    ids = {"contract_id": contract["id"], "milestone_id": contract["milestones"][0]["id"]}
    ada, counted = world.program(), {"stopped": 0, "open": 0, "read": 0}
    for path, operations in world.app.extensions["openapi"]()["paths"].items():
        for method, operation in operations.items():
            if path.startswith("/v1/staff") or method == "parameters":
                continue
            address = path
            for name, value in ids.items():
                address = address.replace(f"{{{name}}}", value)
            address = address.replace("{", "").replace("}", "")
            answer = ada.send(method.upper(), address, operation)
            if method == "get":
                assert answer.status != 403 or answer.json()["code"] == "missing_scope", (
                    path,
                    answer.text,
                )
                counted["read"] += 1
            elif path in OPEN:
                assert (
                    answer.status != 403
                    or answer.json().get("code") != "on_hold"
                    or "login" not in answer.text
                ), path
                counted["open"] += 1
            elif answer.json()["code"] != "missing_scope":
                assert (answer.status, answer.json()["code"], answer.json().get("hold")) == (
                    403,
                    "on_hold",
                    suspended["hold"]["id"],
                ), (path, answer.text)
                counted["stopped"] += 1
    assert counted["stopped"] >= 15
    assert counted["open"] > 10
    assert counted["read"] > 25
