"""What staff do through the API: mediate, decide, chargebacks, a lost mailbox, the platform's own
money.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Response
from sqlalchemy import select

from service.api.framework.calls import api_call
from service.api.framework.endpoints import Endpoints
from service.api.schemas import responses, responses_disputes
from service.api.schemas.requests.common import Nothing, NothingBody
from service.api.schemas.requests.disputes import RulingBody, RulingIn
from service.api.schemas.requests.finance import FloatBody, FloatIn
from service.api.schemas.requests.people import EmailChangeBody, EmailChangeIn
from service.api.schemas.responses_disputes import DisputeWithEvidence
from service.core import queue, repository, staff_tasks
from service.core.context import Context
from service.core.staff_tasks import TaskType
from service.domain.errors import NotFound
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.domain.states.job_types import JobType
from service.models import Contract, Dispute, FloatMovement, new_id
from service.operations.client_access import access
from service.operations.disputes import chargebacks, evidence, mediation
from service.operations.finance import reconciliation

blueprint = Endpoints(
    "staff",
    __name__,
    url_prefix="/v1/staff",
    description="Staff: disputes, chargebacks, the platform's money",
)

_dispute, _chargeback, _movement = (
    responses_disputes.DisputeOut(),
    responses_disputes.ChargebackOut(),
    responses_disputes.FloatMovementOut(),
)


def _ruling(
    name: str, rule: Callable[[Context, Contract, Dispute, int, str], object], doc: str
) -> None:
    """An endpoint for a ruling on a dispute; `doc` says what it does."""

    def view(body: RulingBody, dispute_id: str) -> Response:
        with api_call() as call:
            contract, dispute = repository.dispute(
                call.ctx.session, dispute_id, owner=repository.EVERYONE, lock=True
            )
            rule(call.ctx, contract, dispute, body["refund"], body["reasons"])
            call.ctx.session.flush()
            shown_evidence = evidence.evidence_of(call.ctx.session, dispute)
            return call.answer(_dispute, DisputeWithEvidence(dispute, shown_evidence))

    view.__doc__ = doc
    blueprint.route(
        f"/disputes/<dispute_id>/{name}",
        methods=["POST"],
        endpoint=f"dispute_{name}",
        permission="disputes:rule",
    )(blueprint.arguments(RulingIn)(blueprint.response(200, responses_disputes.DisputeOut)(view)))


_ruling("proposal", mediation.propose, "The mediator proposes a split, with reasons.")
_ruling(
    "decision",
    mediation.decide,
    "Somebody who did not mediate decides, with reasons; it is carried out at once.",
)


@blueprint.route(
    "/chargebacks/<chargeback_id>/submit", methods=["POST"], permission="disputes:rule"
)
@blueprint.arguments(Nothing)
@blueprint.response(202, responses_disputes.ChargebackOut)
def submit(body: NothingBody, chargeback_id: str) -> Response:
    """Send the evidence to the bank now; it takes it once."""
    with api_call() as call:
        _, chargeback = repository.chargeback(
            call.ctx.session, chargeback_id, owner=repository.EVERYONE, lock=True
        )
        queue.enqueue(call.ctx, JobType.CHARGEBACK_SUBMIT, chargeback.id)
        return call.answer(_chargeback, chargeback, 202)


@blueprint.route(
    "/chargebacks/<chargeback_id>/accept", methods=["POST"], permission="disputes:rule"
)
@blueprint.arguments(Nothing)
@blueprint.response(202, responses_disputes.ChargebackOut)
def accept(body: NothingBody, chargeback_id: str) -> Response:
    """Do not contest it; the bank closes it as lost."""
    with api_call() as call:
        contract, chargeback = repository.chargeback(
            call.ctx.session, chargeback_id, owner=repository.EVERYONE, lock=True
        )
        chargebacks.mark_accepted(call.ctx, contract, chargeback)
        queue.enqueue(call.ctx, JobType.CHARGEBACK_ACCEPT, chargeback.id)
        return call.answer(_chargeback, chargeback, 202)


@blueprint.route(
    "/contracts/<contract_id>/client-email", methods=["POST"], permission="disputes:rule"
)
@blueprint.arguments(EmailChangeIn)
@blueprint.response(201, responses.AnyOut)
def client_email(body: EmailChangeBody, contract_id: str) -> Response:
    """The client has lost the mailbox: start a change.

    The old address has seven days to object, and nothing binds meanwhile.
    """
    with api_call() as call:
        contract = repository.contract(
            call.ctx.session, contract_id, owner=repository.EVERYONE, lock=True
        )
        change = access.ask_email_change(call.ctx, contract, body["email"])
        return call.json(
            {
                "id": change.id,
                "object": "email_change",
                "contract": contract.id,
                "takes_effect_at": change.takes_effect_at.isoformat(),
            },
            201,
        )


@blueprint.route("/operating-float", methods=["POST"], permission="finance:act")
@blueprint.arguments(FloatIn)
@blueprint.response(201, responses_disputes.FloatMovementOut)
def ask_float(body: FloatBody) -> Response:
    """Ask that the platform's own money is put in or taken out; another person approves it."""
    with api_call() as call:
        movement = FloatMovement(
            id=new_id("flt"),
            currency=body["currency"],
            amount_minor=body["amount"],
            direction=body["direction"],
            reference=body["reference"],
            asked_by=call.ctx.actor,
            asked_at=call.ctx.now,
            approved_by=None,
            approved_at=None,
        )
        call.ctx.session.add(movement)
        staff_tasks.open_task(
            call.ctx,
            TaskType.APPROVE_FLOAT,
            movement.id,
            currency=movement.currency,
            amount=movement.amount_minor,
        )
        return call.answer(_movement, movement, 201)


@blueprint.route(
    "/operating-float/<movement_id>/approve", methods=["POST"], permission="finance:approve"
)
@blueprint.arguments(Nothing)
@blueprint.response(200, responses_disputes.FloatMovementOut)
def approve_float(body: NothingBody, movement_id: str) -> Response:
    """Approve it; from this commit on it is in the books.

    The money itself is moved at Stripe by whoever runs the platform.
    """
    with api_call() as call:
        known = typeid.is_typeid(movement_id, ObjectKind.FLOAT_MOVEMENT)
        query = select(FloatMovement).where(FloatMovement.id == movement_id).with_for_update()
        movement = call.ctx.session.execute(query).scalar_one_or_none() if known else None
        if movement is None:
            raise NotFound("There is no such movement.")
        reconciliation.move_float(call.ctx, movement)
        staff_tasks.close_task(call.ctx, TaskType.APPROVE_FLOAT, movement.id)
        return call.answer(_movement, movement)
