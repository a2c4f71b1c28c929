"""Confiscation cases: staff open, notice, approve, execute, drop and restore them; the person reads
and answers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from flask import Response

from service.api.framework.calls import ApiCall, api_call
from service.api.framework.endpoints import Endpoints
from service.api.schemas import responses
from service.api.schemas.request_schema import RequestSchema
from service.api.schemas.requests.common import Nothing
from service.api.schemas.requests.safety import (
    CaseAnswerBody,
    CaseAnswerIn,
    CaseBody,
    CaseIn,
    LiftBody,
    LiftIn,
    RestoreBody,
    RestoreIn,
)
from service.core import repository
from service.core.context import Context
from service.domain.identity import actors
from service.escrow import confiscation
from service.exports import issued_documents
from service.exports.documents import case_statement
from service.http import web
from service.models import CaseLine, Confiscation
from service.operations.safety import case_drafts, cases
from service.operations.safety.case_drafts import CaseRequest
from service.workflows import staff_actions

Parsed = TypeVar("Parsed")
blueprint = Endpoints("cases", __name__, url_prefix="/v1", description="Confiscation cases")


def shown(case: Confiscation, *, staff: bool) -> dict[str, object]:
    """Sums, clause, evidence and what became of each line; staff also see who did what."""
    body: dict[str, object] = {
        "id": case.id,
        "object": "confiscation",
        "state": case.state,
        "hold": case.hold_id,
        "freelancer": case.freelancer_id,
        "currency": case.currency,
        "total": sum(line.amount_minor for line in case.lines),
        "clause": case.clause,
        "facts": case.facts,
        "evidence": case.evidence,
        "noticed_at": _iso(case.noticed_at),
        "answer_until": _iso(case.answer_until),
        "answer": case.answer,
        "executed_at": _iso(case.executed_at),
        "ended_at": _iso(case.ended_at),
        "end_reason": case.end_reason,
        "lines": [_line(line) for line in case.lines],
    }
    return (
        body
        | {
            "opened_by": str(case.opened_by),
            "approved_by": [str(person) for person in case.agreed],
            "executed_by": actors.text(case.executed_by),
        }
        if staff
        else body
    )


def _line(line: CaseLine) -> dict[str, object]:
    return {
        "number": line.number,
        "account": line.account,
        "milestone": line.milestone_id,
        "amount": line.amount_minor,
        "target": line.target,
        "chargeback": line.chargeback_id,
        "refund": line.refund_id,
        "restored": line.restored_minor,
        "note": line.restore_note,
    }


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant is not None else None


def _answer(call: ApiCall, case: Confiscation, status: int = 200) -> Response:
    call.ctx.session.flush()
    return call.json(shown(case, staff=True), status)


@blueprint.route("/staff/confiscations", methods=["POST"], permission="safety:act")
@blueprint.arguments(CaseIn)
@blueprint.response(201, responses.AnyOut)
def open_case(body: CaseBody) -> Response:
    """Draft a case over a hold: lines of {account, amount, target, milestone, chargeback}.

    Nothing moves, and the person is not told yet.
    """
    with api_call() as call:
        hold = staff_actions.hold(call.ctx, body["hold"])
        lines = [
            CaseRequest(
                line["account"],
                line["amount"],
                line["target"],
                line["milestone"],
                line["chargeback"],
            )
            for line in body["lines"]
        ]
        return _answer(
            call,
            case_drafts.open_case(
                call.staff,
                hold,
                body["currency"],
                body["clause"],
                body["facts"],
                body["evidence"],
                lines,
            ),
            201,
        )


@blueprint.route("/staff/confiscations/<case_id>", methods=["GET"], permission="safety:read")
@blueprint.response(200, responses.AnyOut)
def read_case(case_id: str) -> Response:
    """A case as staff see it."""
    with api_call() as call:
        return call.json(
            shown(cases.find(call.ctx.session, case_id, owner=repository.EVERYONE), staff=True)
        )


@blueprint.route(
    "/staff/confiscations/<case_id>/preview", methods=["GET"], permission="safety:read"
)
@blueprint.response(200, responses.AnyOut)
def preview(case_id: str) -> Response:
    """This will: every posting that execution would make, in its order."""
    with api_call() as call:
        case = cases.find(call.ctx.session, case_id, owner=repository.EVERYONE)
        postings = [
            {
                "entry": p.entry,
                "debit": p.debit,
                "credit": p.credit,
                "amount": p.amount_minor,
                "line": p.line,
            }
            for p in confiscation.plan(case)
        ]
        return call.json(
            {"object": "preview", "case": case.id, "currency": case.currency, "postings": postings}
        )


def _step(
    name: str,
    permission: str,
    schema: type[RequestSchema[Parsed]],
    step: Callable[[Context, str, Parsed], Confiscation],
    doc: str | None,
) -> None:
    """An endpoint for a step of a case; `doc` says what it does."""

    def view(body: Parsed, case_id: str) -> Response:
        with api_call() as call:
            return _answer(call, step(call.staff, case_id, body))

    view.__doc__ = doc
    blueprint.route(
        f"/staff/confiscations/<case_id>/{name}",
        methods=["POST"],
        endpoint=f"case_{name}",
        permission=permission,
    )(blueprint.arguments(schema)(blueprint.response(200, responses.AnyOut)(view)))


def _plain_step(name: str, permission: str, step: Callable[[Context, str], Confiscation]) -> None:
    """As `_step`, for one that asks nothing; `step` says what the endpoint does."""
    _step(name, permission, Nothing, lambda ctx, case_id, _: step(ctx, case_id), step.__doc__)


def _drop(ctx: Context, case_id: str, body: LiftBody) -> Confiscation:
    return staff_actions.drop(ctx, case_id, body["reason"])


def _restore(ctx: Context, case_id: str, body: RestoreBody) -> Confiscation:
    return staff_actions.restore(
        ctx, case_id, body["reason"], at_platform_cost=body["at_platform_cost"]
    )


_plain_step("notice", "safety:act", staff_actions.notice)
_plain_step("approve", "safety:approve", staff_actions.approve)
_plain_step("execute", "safety:act", staff_actions.execute)
_step("drop", "safety:act", LiftIn, _drop, staff_actions.drop.__doc__)
_step("restore", "safety:approve", RestoreIn, _restore, staff_actions.restore.__doc__)


@blueprint.route("/cases/<case_id>", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.AnyOut)
def read_own(case_id: str) -> Response:
    """A case about you: sums, clause, facts, evidence, until when you can answer, and what became
    of each line.
    """
    with api_call() as call:
        return call.json(
            shown(cases.find(call.ctx.session, case_id, owner=call.owner), staff=False)
        )


@blueprint.route(
    "/cases/<case_id>/answer",
    methods=["POST"],
    permission="contracts:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(CaseAnswerIn)
@blueprint.response(200, responses.AnyOut)
def answer(body: CaseAnswerBody, case_id: str) -> Response:
    """What you say to it, before anything is taken."""
    with api_call() as call:
        case = cases.find(call.ctx.session, case_id, owner=call.owner, lock=True)
        return call.json(shown(cases.answer(call.ctx, case, body["words"]), staff=False))


@blueprint.route("/cases/<case_id>/statement", methods=["GET"], permission="contracts:read")
@blueprint.response(200, content_type="application/zip")
def own_statement(case_id: str) -> Response:
    """The signed statement of a case that was carried out: a PDF with its manifest and signature,
    as a ZIP.
    """
    with api_call() as call:
        case = cases.find(call.ctx.session, case_id, owner=call.owner)
        settings = web.runtime().settings
        data = issued_documents.issue_once(
            call.ctx,
            "case_statement",
            case.id,
            f"zip:{case.edition}",
            lambda: case_statement.statement(
                call.ctx.session, case, None, settings.platform_name, settings.signing_key
            ),
        )
        return web.attachment(f"{case.id}.zip", "application/zip", data)
