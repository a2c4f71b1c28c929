"""Finance: where the money is, answers to the two usual questions, exports with their progress.

For staff with the right `finance:read`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypedDict

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from service.core import four_eyes, repository
from service.core.context import Context
from service.domain.errors import Invalid, MissingScope
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.domain.money.chart import ACCOUNTS
from service.exports import availability, inline, month_packs, periods, registry
from service.exports.definitions import Export, ExportRequest
from service.exports.registry.books import ESCROW_BALANCES, GENERAL_JOURNAL
from service.exports.registry.people import CLIENT_STATEMENT, EARNINGS
from service.http import web
from service.ledger import fresh_checks
from service.models import PeriodClose
from service.operations.finance import closing, export_requests
from service.operations.staff import lookup
from service.operations.staff.staff_access import Colleague
from service.pages.session import use_form
from service.pages.staff.session import desk, page

blueprint = Blueprint("finance", __name__, url_prefix="/finance")


@blueprint.get("")
@desk("finance:read")
def overview(ctx: Context, who: Colleague) -> str:
    """Money by place, the books' own check, exports that were asked for."""
    books = fresh_checks.look(ctx.session)
    lines = books.lines
    owed = [line for line in lines if ACCOUNTS[line.kind].trust_side == -1 and line.balance_minor]
    trust = {line.currency: line.balance_minor for line in lines if line.kind == "psp_trust"}
    operating = [line for line in lines if line.kind == "psp_operating"]
    return page(
        ctx,
        who,
        "finance.html",
        owed=owed,
        most={
            c: max(line.balance_minor for line in owed if line.currency == c)
            for c in {line.currency for line in owed}
        },
        trust=trust,
        sums={c: sum(line.balance_minor for line in owed if line.currency == c) for c in trust},
        operating=operating,
        books=books,
        exports=export_requests.listed(
            ctx.session, party=repository.EVERYONE, after=None, limit=20
        )[:20],
        registry=registry.EXPORTS.values(),
        title_of=registry.title_of,
        examples=periods.EXAMPLES,
        formats=(*availability.formats_of(GENERAL_JOURNAL), "pdf", "upwork"),
        problem=None,
    )


class Figures(TypedDict):
    """Rows of exports that answer what somebody earned and what was escrowed for them.

    `held_in_work`: for whose work it waits, where freelancers were named.
    """

    earned: list[dict[str, str]]
    held: list[dict[str, str]]
    held_in_work: list[dict[str, str]]


@blueprint.get("/answers")
@desk("finance:read")
def answers(ctx: Context, who: Colleague) -> str | tuple[str, int]:
    """ "What did somebody earn in a period", and "what was in escrow on its last day", from the
    same statements as the exports.
    """
    asked = {
        name: request.args.get(name, "").strip()[:most]
        for name, most in (("who", 200), ("period", 30), ("zone", 60))
    }
    people = _people(ctx, asked["who"])

    def shown(found: dict[str, object] | None = None, problem: str | None = None) -> str:
        return page(
            ctx,
            who,
            "answers.html",
            asked=asked,
            people=people,
            found=found,
            problem=problem,
            examples=periods.EXAMPLES,
        )

    if not asked["period"]:
        return shown()
    try:
        question = _question(ctx, asked["period"], asked["zone"] or None)
        found = _answers(ctx, people, question)
    except Invalid as wrong:
        return shown(problem=wrong.errors[0].message), 422
    return shown({**found, "first": question.first_day, "last": question.last_day})


_PARTIES = (ObjectKind.FREELANCER, ObjectKind.CLIENT)


def _people(ctx: Context, text: str) -> list[tuple[str, str]]:
    """(id, label) of whom the words mean: an id, an address, a name; nobody when nothing was
    said.
    """
    if typeid.is_typeid(text, *_PARTIES):
        return [(text, text)]
    found = lookup.by_words(ctx.session, text) if len(text) >= 3 else []
    return [(one, label) for one, label in found if typeid.kind_of(one) in _PARTIES][:20]


def _question(ctx: Context, period: str, own_zone: str | None) -> ExportRequest:
    """Raises Invalid."""
    first, last = periods.parse(period)
    availability.check(EARNINGS, "csv", None, own_zone=own_zone)
    return ExportRequest(first, last, ctx.now, zone=ctx.policies.book_zone.key, own_zone=own_zone)


def _answers(ctx: Context, people: list[tuple[str, str]], asked: ExportRequest) -> Figures:
    """Earnings of the freelancers and statements of the clients among them; of everybody when
    nobody was named.
    """
    freelancers = [one for one, _ in people if typeid.kind_of(one) is ObjectKind.FREELANCER]
    clients = [one for one, _ in people if typeid.kind_of(one) is ObjectKind.CLIENT]
    return {
        "earned": _rows(ctx, EARNINGS, freelancers if people else [None], asked),
        "held": _rows(ctx, CLIENT_STATEMENT, clients if people else [None], asked),
        # Money in protection is the client's; whose work it waits for is what somebody means who
        # names a freelancer.
        "held_in_work": [
            row
            for row in inline.records(ctx.session, ESCROW_BALANCES, asked)
            if row["freelancer_id"] in freelancers
        ]
        if freelancers
        else [],
    }


def _rows(
    ctx: Context, export: Export, parties: Sequence[str | None], asked: ExportRequest
) -> list[dict[str, str]]:
    return [
        row
        for party in parties
        for row in inline.records(ctx.session, export, replace(asked, party=party))
    ]


@blueprint.post("/exports")
@desk("exports:write")
def ask(ctx: Context, who: Colleague) -> Response:
    """Ask for an export; the page shows how far it is."""
    export = registry.find(request.form.get("export", ""))
    party = request.form.get("party", "").strip() or None
    if party is not None and not typeid.is_typeid(party, *_PARTIES):
        raise Invalid.one(
            "party", "party", "Name one freelancer (frl_…) or client (cli_…), or nobody."
        )
    form, home, language = (
        request.form.get("format", "csv"),
        request.form.get("home", "").strip().upper() or None,
        request.form.get("language", "en"),
    )
    zone = request.form.get("zone", "").strip() or None
    availability.check(export, form, party, home=home, language=language, own_zone=zone)
    if use_form(ctx, who):
        first, last = periods.parse(request.form.get("period", ""))
        export_requests.ask(
            ctx,
            export_requests.ExportQuestion(
                export.name, form, first, last, None, party, home, language, zone
            ),
        )
    return redirect(url_for("finance.overview") + "#exports", 303)


@blueprint.get("/months/<month>")
@desk("finance:read")
def month(ctx: Context, who: Colleague, month: str) -> str:
    """Whether a month can be closed, what stands in the way, who asked and who closed it, and its
    frozen exports.
    """
    known = ctx.session.get(PeriodClose, month)
    frozen = (
        [
            export_requests.find(ctx.session, one, party=repository.EVERYONE)
            for one in known.export_ids
        ]
        if known
        else []
    )
    found: Sequence[Mapping[str, object]] = (
        known.checks if known and known.closed_at else month_packs.checks(ctx, month)
    )
    needed = "finance:approve" if known else "finance:act"
    may_close = (
        not (known and (known.closed_at or four_eyes.among(ctx.session, who.actor, known.asked_by)))
        and needed in who.scopes
        and all(check["ok"] for check in found)
    )
    return page(
        ctx,
        who,
        "month.html",
        month=month,
        known=known,
        checks=found,
        frozen=frozen,
        may_close=may_close,
        title_of=registry.title_of,
    )


@blueprint.post("/months/<month>")
@desk("finance:act", "finance:approve", proof=True)
def close_month(ctx: Context, who: Colleague, month: str) -> Response:
    """The first person asks, another one closes; the same rules as by the API."""
    known = ctx.session.get(PeriodClose, month)
    needed = "finance:approve" if known else "finance:act"
    if needed not in who.scopes:  # the page asks for one of two rights, the month says which
        raise MissingScope(f"This step of the close is for {needed}; your role is {who.role}.")
    if use_form(ctx, who):
        if known is None:
            month_packs.request_pack(ctx, month)
        else:
            month_packs.close(ctx, month)
    return redirect(url_for("finance.month", month=month), 303)


@blueprint.get("/month")
@desk("finance:read")
def find_month(_ctx: Context, _: Colleague) -> Response:
    """The month that was typed."""
    typed = request.args.get("month", "")
    closing.last_day_of(typed)
    return redirect(url_for("finance.month", month=typed), 303)


@blueprint.get("/exports/<export_id>/<name>")
@desk("exports:read")
def download(ctx: Context, _: Colleague, export_id: str, name: str) -> Response:
    found = export_requests.find(ctx.session, export_id, party=repository.EVERYONE)
    return web.streamed(
        name,
        export_requests.pieces(ctx.session, found, name),
        lambda session, n: export_requests.piece(session, export_id, name, n),
    )
