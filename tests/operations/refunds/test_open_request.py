"""A request for a refund is open when something else moves the money: it ends with that.

Nobody is left waiting for an answer about money that has gone; nothing is released by silence that
was asked back.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from service.domain.errors import StateConflict
from service.domain.money.psp import RefundSnapshot
from service.domain.states.job_types import JobType
from service.models import Contract, Event, Job, Milestone, RefundRequest
from service.operations.contracts import contracts, milestones, review_window
from service.operations.payments import external_refunds, refund_requests, refund_results
from service.operations.safety.case_drafts import CaseRequest
from service.workflows import contract_end, dispute_opened, silence
from tests.operations.arranging import asked_back, bank_says, submitted
from tests.operations.cases.carrying_out import executed
from tests.operations.stage import Money, Stage

_TIMERS = (JobType.REFUND_REQUEST_DUE, JobType.REFUND_REQUEST_REMINDER)


def _timers(stage: Stage, request_id: str) -> int:
    with stage.acting(stage.system) as ctx:
        query = select(Job.id).where(
            Job.subject == request_id, Job.kind.in_(_TIMERS), Job.state == "waiting"
        )
        return len(ctx.session.execute(query).all())


def _told(stage: Stage, request_id: str) -> list[str]:
    with stage.acting(stage.system) as ctx:
        query = select(Event.type).where(Event.object_id == request_id).order_by(Event.number)
        return list(ctx.session.execute(query).scalars())


def _ended(stage: Stage, request_id: str, state: str, event: str) -> None:
    assert stage.state(RefundRequest, request_id) == state
    assert _told(stage, request_id) == ["refund_request.opened", event]
    assert _timers(stage, request_id) == 0


def _end_by_freelancer(stage: Stage) -> None:
    with stage.on(stage.freelancer) as (ctx, contract, _):
        contracts.end(ctx, contract, "I cannot do it.")


def _end_dormant(stage: Stage) -> None:
    with stage.on(stage.system) as (ctx, contract, _):
        contracts.end_dormant(ctx, contract)


def _holding_limit(stage: Stage) -> None:
    with stage.on(stage.system) as (ctx, contract, milestone):
        silence.until_the_holding_limit(ctx, contract, milestone)


@pytest.mark.parametrize(
    ("amount_minor", "end", "event"),
    [
        (2_500, _end_by_freelancer, "refund_request.agreed"),
        (None, _end_by_freelancer, "refund_request.agreed"),
        (2_500, _end_dormant, "refund_request.lapsed"),
        (None, _end_dormant, "refund_request.lapsed"),
        (2_500, _holding_limit, "refund_request.lapsed"),
    ],
)
def test_what_was_asked_for_goes_back_with_the_rest(
    stage: Stage, amount_minor: int | None, end: Callable[[Stage], None], event: str
) -> None:
    """Who ends the contract, or the time that ends it, gives back all that is held for work that
    was not handed over: the request is agreed to and nothing waits any more."""
    request_id = asked_back(stage, amount_minor)
    assert _timers(stage, request_id) == 2
    assert stage.money() == {"escrow": 10_000}
    end(stage)
    assert stage.money() == {"refund_in_flight": 10_000}
    _ended(stage, request_id, "agreed", event)
    assert stage.state(Milestone, stage.milestone) == "refunded"
    assert stage.state(Contract, stage.contract) == "cancelled"


def test_work_that_was_handed_over_is_still_answered(stage: Stage) -> None:
    """A request about handed-over work outlives the freelancer's end: that money is argued about,
    and the answer is still theirs to give."""
    submitted(stage)
    request_id = asked_back(stage, 2_500)
    _end_by_freelancer(stage)
    assert stage.money() == {"escrow": 10_000}
    assert stage.state(RefundRequest, request_id) == "open"
    assert _timers(stage, request_id) == 2


def test_the_clients_end_asks_for_all_of_it(stage: Stage) -> None:
    """A smaller request gives way to the one for everything that is held."""
    request_id = asked_back(stage, 2_500)
    with stage.on(stage.client) as (ctx, contract, _):
        contract_end.by_client(ctx, contract, "I need it no more.")
    assert stage.money() == {"escrow": 10_000}
    _ended(stage, request_id, "withdrawn", "refund_request.withdrawn")
    assert _open(stage) == [10_000]


def _open(stage: Stage) -> list[int]:
    with stage.acting(stage.system) as ctx:
        query = select(RefundRequest.amount_minor).where(RefundRequest.state == "open")
        return list(ctx.session.execute(query).scalars())


def _approved(amount_minor: int | None, rest: str = "keep") -> Callable[[Stage], None]:
    def act(stage: Stage) -> None:
        with stage.on(stage.client) as (ctx, contract, milestone):
            milestones.approve(ctx, contract, milestone, amount_minor, rest)

    return act


def _disputed(stage: Stage) -> None:
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        dispute_opened.open_dispute(
            ctx, contract, milestone, "freelancer", None, 0, "It is all there."
        )


def _charged_back(stage: Stage) -> None:
    bank_says(stage, "needs_response")


def _confiscated(stage: Stage) -> None:
    executed(stage, CaseRequest("escrow", 10_000, "authority", stage.milestone))


def _refunded_at_stripe(stage: Stage) -> None:
    snapshot = RefundSnapshot("re_other", "succeeded", amount=10_000, currency="usd")
    with stage.on_payment(stage.system) as (ctx, contract, payment):
        external_refunds.record_external_refund(ctx, contract, payment, snapshot, 10_000, "USD")


_WITHDRAWN = ("withdrawn", "refund_request.withdrawn")


@pytest.mark.parametrize(
    ("act", "state", "event", "money"),
    [
        # 5 % of 100.00, of 80.00 and of 60.00.
        (_approved(None), *_WITHDRAWN, {"pending": 9_500, "fee": 500}),
        (_approved(8_000), *_WITHDRAWN, {"escrow": 2_000, "pending": 7_600, "fee": 400}),
        (_approved(6_000, "roll"), *_WITHDRAWN, {"escrow": 4_000, "pending": 5_700, "fee": 300}),
        (_disputed, "disputed", "refund_request.disputed", {"disputed": 10_000}),
        (_charged_back, *_WITHDRAWN, {"disputed": 10_000}),
        (_confiscated, *_WITHDRAWN, {"confiscated": 10_000}),
        (_refunded_at_stripe, *_WITHDRAWN, {"refunded": 10_000}),
    ],
    ids=["all", "most", "rolled", "dispute", "chargeback", "case", "at stripe"],
)
def test_the_money_has_gone_another_way(
    stage: Stage, act: Callable[[Stage], None], state: str, event: str, money: Money
) -> None:
    """A request for 25.00 ends when what it is about is released, moved on, disputed, taken back by
    a bank, taken by a case or refunded elsewhere; its timers go with it."""
    request_id = asked_back(stage, 2_500)
    assert stage.money() == {"escrow": 10_000}
    act(stage)
    assert stage.money() == money
    _ended(stage, request_id, state, event)


def test_a_request_that_still_fits_stays_open(stage: Stage) -> None:
    """After a partial release the rest still covers what was asked: the answer is awaited."""
    request_id = asked_back(stage, 2_500)
    _approved(7_500)(stage)
    assert stage.state(RefundRequest, request_id) == "open"
    with stage.on_request(stage.freelancer, request_id) as (ctx, contract, request):
        refund_requests.agree(ctx, contract, request)
    # 5 % of 75.00 is 3.75.
    assert stage.money() == {"refund_in_flight": 2_500, "pending": 7_125, "fee": 375}


def test_asking_for_the_rest_replaces_a_smaller_request(stage: Stage) -> None:
    """The client approves a part and asks for all of the rest: the smaller request is withdrawn and
    the new one opened in one act."""
    request_id = asked_back(stage, 2_500)
    with stage.on(stage.client) as (ctx, contract, milestone):
        milestones.approve(ctx, contract, milestone, 6_000)
        refund_requests.ask_instead(ctx, contract, milestone, None, "The rest.")
    # 5 % of 60.00 is 3.00.
    assert stage.money() == {"escrow": 4_000, "pending": 5_700, "fee": 300}
    _ended(stage, request_id, "withdrawn", "refund_request.withdrawn")
    assert _open(stage) == [4_000]
    assert stage.state(Milestone, stage.milestone) == "refund_requested"


def test_a_replacement_that_is_refused_leaves_the_first_request(stage: Stage) -> None:
    """Replacing is one act: where nothing can be asked any more, nothing is withdrawn either."""
    request_id = asked_back(stage, 2_500)
    _disputed(stage)
    with stage.refused(StateConflict), stage.on(stage.client) as (ctx, contract, milestone):
        refund_requests.ask_instead(ctx, contract, milestone, None, "The rest.")
    assert stage.state(RefundRequest, request_id) == "disputed"


def _window_over(stage: Stage) -> bool:
    """The page was opened, so that the notice is proved; then the review window ends."""
    with stage.on(stage.system) as (ctx, contract, milestone):
        assert milestone.auto_release_at is not None
        milestone.auto_release_at = ctx.now
        return review_window.auto_release(ctx, contract, milestone)


def test_silence_does_not_release_what_was_asked_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The review window ends while 25.00 are asked back: 75.00 are released, and about the rest the
    freelancer's silence opens a dispute."""
    monkeypatch.setattr(review_window, "notice_proved", lambda *_: True)
    submitted(stage)
    stage.later(days=10)
    request_id = asked_back(stage, 2_500)
    stage.later(days=4)
    assert _window_over(stage)
    # 5 % of 75.00 is 3.75.
    assert stage.money() == {"escrow": 2_500, "pending": 7_125, "fee": 375}
    assert stage.state(RefundRequest, request_id) == "open"
    stage.later(days=3)
    with stage.on_request(stage.system, request_id) as (ctx, contract, request):
        silence.about_refund(ctx, contract, request)
    assert stage.money() == {"disputed": 2_500, "pending": 7_125, "fee": 375}
    _ended(stage, request_id, "disputed", "refund_request.disputed")


def test_the_holding_limit_makes_a_dispute_of_the_request(stage: Stage) -> None:
    """Handed-over work at the law's limit becomes a dispute over all of it, and the request with
    it."""
    submitted(stage)
    request_id = asked_back(stage, 2_500)
    _holding_limit(stage)
    assert stage.money() == {"disputed": 10_000}
    _ended(stage, request_id, "disputed", "refund_request.disputed")


def test_a_failed_refund_does_not_leave_the_milestone_waiting(stage: Stage) -> None:
    """A part that could not be delivered is held again while all of the rest is asked back: after
    the answer the milestone goes on with it."""
    with stage.on(stage.freelancer) as (ctx, contract, milestone):
        refund_id = refund_requests.give(ctx, contract, milestone, 2_500, "A discount.").id
    request_id = asked_back(stage)
    with stage.on_refund(stage.system, refund_id) as (ctx, contract, payment, refund):
        failed = RefundSnapshot("re_1", "failed", "expired_or_canceled_card")
        refund_results.apply_refund(ctx, contract, payment, refund, failed)
    assert stage.money() == {"escrow": 10_000}
    with stage.on_request(stage.freelancer, request_id) as (ctx, contract, request):
        refund_requests.agree(ctx, contract, request)
    assert stage.money() == {"escrow": 2_500, "refund_in_flight": 7_500}
    assert stage.state(Milestone, stage.milestone) == "funded"
