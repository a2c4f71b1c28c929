"""The client asks for money back; asking moves nothing, the answer or silence does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.domain.errors import Invalid, StateConflict
from service.models import Contract, Milestone, RefundRequest
from service.operations.payments import refund_requests
from service.workflows import silence
from tests.operations.arranging import asked_back, released, submitted
from tests.operations.stage import Money, Stage


def test_asking_moves_nothing(stage: Stage) -> None:
    """A request for all of it stops the milestone's clock; the money stays in escrow."""
    request_id = asked_back(stage)
    assert stage.state(RefundRequest, request_id) == "open"
    assert stage.state(Milestone, stage.milestone) == "refund_requested"
    assert stage.money() == {"escrow": 10_000}


def test_agreeing_sends_it_back(stage: Stage) -> None:
    """When the freelancer agrees, what was asked for is on its way back and no fee is taken."""
    request_id = asked_back(stage)
    with stage.on_request(stage.freelancer, request_id) as (ctx, contract, request):
        refund_requests.agree(ctx, contract, request)
    assert stage.money() == {"refund_in_flight": 10_000}
    assert stage.state(RefundRequest, request_id) == "agreed"
    assert stage.state(Contract, stage.contract) == "cancelled", "nothing of it was released"


def test_agreeing_to_a_part_leaves_the_rest(stage: Stage) -> None:
    """A request for a part takes that part and nothing else."""
    request_id = asked_back(stage, 2_500)
    assert stage.state(Milestone, stage.milestone) == "funded", "the work goes on meanwhile"
    with stage.on_request(stage.freelancer, request_id) as (ctx, contract, request):
        refund_requests.agree(ctx, contract, request)
    assert stage.money() == {"escrow": 7_500, "refund_in_flight": 2_500}


def test_refusing_leaves_everything_as_it_was(stage: Stage) -> None:
    """When the freelancer refuses, money and milestone are as before the request."""
    submitted(stage)
    request_id = asked_back(stage)
    with stage.on_request(stage.freelancer, request_id) as (ctx, contract, request):
        refund_requests.refuse(ctx, contract, request, "It was all there.")
    assert stage.state(RefundRequest, request_id) == "refused"
    assert stage.state(Milestone, stage.milestone) == "submitted"
    assert stage.money() == {"escrow": 10_000}


def test_the_client_may_change_their_mind(stage: Stage) -> None:
    """A request that is withdrawn leaves everything as it was."""
    request_id = asked_back(stage)
    with stage.on_request(stage.client, request_id) as (ctx, contract, request):
        refund_requests.withdraw(ctx, contract, request)
    assert stage.state(RefundRequest, request_id) == "withdrawn"
    assert stage.state(Milestone, stage.milestone) == "funded"
    assert stage.money() == {"escrow": 10_000}


def _nothing(_: Stage) -> None:
    """The work was not handed over."""


@pytest.mark.parametrize(
    ("before", "request_state", "milestone_state", "money"),
    [
        # Nothing was handed over: back it goes.
        (_nothing, "agreed", "refunded", {"refund_in_flight": 10_000}),
        # There is work to judge: a dispute over all of it, decided by people.
        (submitted, "disputed", "disputed", {"disputed": 10_000}),
        # Released money stays: 5 % of 100.00 is the fee of 5.00.
        (released, "withdrawn", "released", {"pending": 9_500, "fee": 500}),
    ],
)
def test_silence_means_what_the_request_said(
    stage: Stage,
    before: Callable[[Stage], None],
    request_state: str,
    milestone_state: str,
    money: Money,
) -> None:
    """A week without an answer sends back what was not handed over, and decides nothing else."""
    before(stage)
    request_id = asked_back(stage)
    stage.later(days=7)
    with stage.on_request(stage.system, request_id) as (ctx, contract, request):
        silence.about_refund(ctx, contract, request)
    assert stage.state(RefundRequest, request_id) == request_state
    assert stage.state(Milestone, stage.milestone) == milestone_state
    assert stage.money() == money


def test_silence_before_the_week_is_over_means_nothing(stage: Stage) -> None:
    """The freelancer has the whole week: a timer that comes early changes nothing."""
    request_id = asked_back(stage)
    stage.later(days=6, hours=23)
    with stage.on_request(stage.system, request_id) as (ctx, contract, request):
        silence.about_refund(ctx, contract, request)
    assert stage.state(RefundRequest, request_id) == "open"
    assert stage.money() == {"escrow": 10_000}


def test_one_question_at_a_time(stage: Stage) -> None:
    """While a request is open another one is refused."""
    asked_back(stage, 2_500)
    with stage.refused(StateConflict), stage.on(stage.client) as (ctx, contract, milestone):
        refund_requests.ask(ctx, contract, milestone, 2_500, "And once more.")


def test_an_answer_is_given_once(stage: Stage) -> None:
    """What was refused cannot be agreed to afterwards."""
    request_id = asked_back(stage)
    with stage.on_request(stage.freelancer, request_id) as (ctx, contract, request):
        refund_requests.refuse(ctx, contract, request, "No.")
    with (
        stage.refused(StateConflict),
        stage.on_request(stage.freelancer, request_id) as (ctx, contract, request),
    ):
        refund_requests.agree(ctx, contract, request)


@pytest.mark.parametrize("amount_minor", [0, 10_001])
def test_no_more_than_there_is(stage: Stage, amount_minor: int) -> None:
    """More than is held, or nothing, cannot be asked back."""
    with (
        stage.refused(Invalid, "amount_out_of_range"),
        stage.on(stage.client) as (ctx, contract, milestone),
    ):
        refund_requests.ask(ctx, contract, milestone, amount_minor, "It is too late.")
