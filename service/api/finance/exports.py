"""Exports: finance asks about everybody, a freelancer about themselves.

Made by the worker, proved and signed before anybody gets them.
"""

from __future__ import annotations

from flask import Response

from service.api.framework.calls import ApiCall, api_call
from service.api.framework.cursors import after_id
from service.api.framework.endpoints import Endpoints
from service.api.schemas import responses
from service.api.schemas.requests.common import Nothing, NothingBody, PageParameters, PageQuery
from service.api.schemas.requests.finance import ExportBody, ExportIn, ReportParameters, ReportQuery
from service.core import repository
from service.domain.errors import MissingScope
from service.domain.identity import actors
from service.exports import availability, inline, month_packs, periods, registry
from service.exports.definitions import ExportRequest
from service.http import web
from service.models import FinanceExport, PeriodClose
from service.operations.finance import export_requests

blueprint = Endpoints("exports", __name__, url_prefix="/v1", description="Exports and reports")


def _party(call: ApiCall, wanted: str | None) -> str | None:
    """Whose figures: a freelancer's key means the freelancer."""
    return wanted if call.owner is repository.EVERYONE else call.owner


def _shown(export: FinanceExport) -> dict[str, object]:
    signed = export.manifest
    names = (
        [*(file["name"] for file in signed["files"]), "manifest.json", "manifest.sig"]
        if signed
        else []
    )
    return {
        "id": export.id,
        "object": "export",
        "name": registry.find(export.name).name,
        "format": export.format,
        "first_day": export.first_day.isoformat(),
        "last_day": export.last_day.isoformat(),
        "as_of": export.as_of.isoformat(),
        "party": export.party,
        "home": export.home,
        "language": export.language,
        "zone": export.zone,
        "state": export.state,
        "rows_done": export.rows_done,
        "problem": export.problem,
        "asked_at": export.asked_at.isoformat(),
        "finished_at": export.finished_at.isoformat() if export.finished_at else None,
        "files": [f"/v1/exports/{export.id}/files/{name}" for name in names],
        "manifest": export.manifest,
    }


@blueprint.route("/exports", methods=["POST"], permission="exports:write")
@blueprint.arguments(ExportIn)
@blueprint.response(202, responses.AnyOut)
def ask(body: ExportBody) -> Response:
    """Ask for an export over a period.

    The same question about the same knowledge is answered once.
    """
    with api_call() as call:
        export = registry.find(body["name"])
        party = _party(call, body["party"])
        availability.check(
            export,
            body["format"],
            party,
            own=call.owner is not repository.EVERYONE,
            home=body["home"],
            language=body["language"],
            own_zone=body["zone"],
        )
        first, last = periods.parse(body["period"])
        question = export_requests.ExportQuestion(
            export.name,
            body["format"],
            first,
            last,
            body["as_of"],
            party,
            body["home"],
            body["language"],
            body["zone"],
        )
        requested = export_requests.ask(call.ctx, question)
        call.ctx.session.flush()
        return call.json(_shown(requested), 202)


@blueprint.route("/exports", methods=["GET"], permission="exports:read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, responses.ListOut)
def find(query: PageParameters) -> Response:
    """Exports that were asked for, newest first."""
    with api_call() as call:
        party = call.owner
        page = export_requests.listed(
            call.ctx.session, party=party, after=after_id(query["cursor"]), limit=query["limit"]
        )
        return call.listing([_shown(export) for export in page], query["limit"])


@blueprint.route("/exports/<export_id>", methods=["GET"], permission="exports:read")
@blueprint.response(200, responses.AnyOut)
def read(export_id: str) -> Response:
    """How far it is (`rows_done`), its manifest once it is ready, or why nobody gets it."""
    with api_call() as call:
        return call.json(
            _shown(export_requests.find(call.ctx.session, export_id, party=call.owner))
        )


@blueprint.route("/exports/<export_id>/files/<name>", methods=["GET"], permission="exports:read")
@blueprint.response(200, content_type="application/octet-stream")
def download(export_id: str, name: str) -> Response:
    """One of its files: the data, `manifest.json` or `manifest.sig`."""
    with api_call() as call:
        export = export_requests.find(call.ctx.session, export_id, party=call.owner)
        return web.streamed(
            name,
            export_requests.pieces(call.ctx.session, export, name),
            lambda session, n: export_requests.piece(session, export_id, name, n),
        )


@blueprint.route("/reports/<export_name>", methods=["GET"], permission="exports:read")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.response(200, responses.AnyOut)
def report(query: ReportParameters, export_name: str) -> Response:
    """The rows of an export at once, at most 10,000; amounts as texts with the currency's digits.

    A longer one has to be exported.
    """
    with api_call() as call:
        export, party = registry.find(export_name), _party(call, query["party"])
        availability.check(
            export,
            "csv",
            party,
            own=call.owner is not repository.EVERYONE,
            home=query["home"],
            own_zone=query["zone"],
        )
        first, last = periods.parse(query["period"] or str(call.ctx.today.year))
        request = ExportRequest(
            first,
            last,
            call.ctx.now,
            party,
            query["home"],
            zone=call.ctx.policies.book_zone.key,
            own_zone=query["zone"],
        )
        rows = inline.records(call.ctx.session, export, request)
        body = {
            "object": "report",
            "name": export.name,
            "first_day": first.isoformat(),
            "last_day": last.isoformat(),
            "as_of": call.ctx.now.isoformat(),
        }
        return call.json(body | {"columns": [c.name for c in export.columns], "data": rows})


def _period(closed: PeriodClose) -> dict[str, object]:
    return {
        "object": "period",
        "month": closed.month,
        "last_day": closed.last_day.isoformat(),
        "state": "closed" if closed.closed_at else "asked",
        "asked_by": str(closed.asked_by),
        "asked_at": closed.asked_at.isoformat(),
        "closed_by": actors.text(closed.closed_by),
        "closed_at": closed.closed_at.isoformat() if closed.closed_at else None,
        "checks": closed.checks,
        "exports": closed.export_ids,
    }


@blueprint.route(
    "/periods/<month>/close", methods=["POST"], permission=("finance:act", "finance:approve")
)
@blueprint.arguments(Nothing)
@blueprint.response(200, responses.AnyOut)
def close(body: NothingBody, month: str) -> Response:
    """Close a month (2025-12): the first person asks (`finance:act`), another one closes
    (`finance:approve`). Nothing may differ; it is never opened again.
    """
    with api_call() as call:
        known = call.ctx.session.get(PeriodClose, month)
        needed = "finance:approve" if known else "finance:act"
        if (
            needed not in call.principal.scopes
        ):  # the route asks for one of them, the month says which
            raise MissingScope(f"This step of the close is for {needed}.")
        if known is None:
            return call.json(_period(month_packs.request_pack(call.staff, month)), 202)
        return call.json(_period(month_packs.close(call.staff, month)))


@blueprint.route("/periods/<month>", methods=["GET"], permission="finance:read")
@blueprint.response(200, responses.AnyOut)
def read_period(month: str) -> Response:
    """Who asked, who closed, what was checked, and the frozen exports.

    Before anybody asked: what would stop it.
    """
    with api_call() as call:
        known = call.ctx.session.get(PeriodClose, month)
        if known is not None:
            return call.json(_period(known))
        return call.json(
            {
                "object": "period",
                "month": month,
                "state": "open",
                "checks": month_packs.checks(call.ctx, month),
            }
        )
