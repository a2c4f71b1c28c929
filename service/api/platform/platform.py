"""Who am I, freelancers and keys, events, the ledger for finance."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response
from sqlalchemy import select

from service import __version__
from service.api.framework.calls import ApiCall, api_call
from service.api.framework.cursors import after_position
from service.api.framework.endpoints import ANYBODY, Endpoints
from service.api.schemas import responses
from service.api.schemas.requests.common import (
    FreelancerParameters,
    FreelancerQuery,
    PageParameters,
    PageQuery,
)
from service.api.schemas.requests.people import (
    EventParameters,
    EventQuery,
    FreelancerBody,
    FreelancerIn,
    KeyBody,
    KeyIn,
)
from service.core import queue, repository, staff_tasks
from service.domain.errors import NotFound
from service.domain.states.lifecycle import MACHINES
from service.domain.states.timeouts import TIMEOUTS
from service.http import web
from service.ledger import checks, fresh_checks
from service.models import Event, JournalEntry
from service.models.people.people import ROLES
from service.operations.people import event_reads, people
from service.shared import hold_checks

blueprint = Endpoints(
    "platform", __name__, url_prefix="/v1", description="Keys, freelancers, events, ledger"
)

_freelancer, _key, _event = responses.FreelancerOut(), responses.KeyOut(), responses.EventOut()


@blueprint.route("/me", methods=["GET"], permission=ANYBODY)
@blueprint.response(200, responses.AnyOut)
def me() -> Response:
    """Who this key is, what it may do, and the service's clock."""
    with api_call() as call:
        who = call.principal
        body: dict[str, object] = {
            "object": "me",
            "role": who.role,
            "scopes": sorted(who.scopes),
            "mode": web.runtime().settings.mode,
            "version": __version__,
            "now": call.ctx.now.isoformat().replace("+00:00", "Z"),
        }
        return call.json(
            body | ({"freelancer": {"id": who.freelancer_id}} if who.freelancer_id else {})
        )


@blueprint.route("/freelancers", methods=["POST"], permission="keys:write")
@blueprint.arguments(FreelancerIn)
@blueprint.response(201, responses.FreelancerOut)
def create_freelancer(body: FreelancerBody) -> Response:
    """Enter a freelancer of the marketplace."""
    with api_call() as call:
        return call.answer(_freelancer, people.create_freelancer(call.ctx, **body), 201)


@blueprint.route("/freelancers/<freelancer_id>", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.FreelancerOut)
def read_freelancer(freelancer_id: str) -> Response:
    """Read one freelancer."""
    with api_call() as call:
        wanted = freelancer_id if call.owner in (repository.EVERYONE, freelancer_id) else ""
        return call.answer(_freelancer, repository.freelancer(call.ctx.session, wanted))


@blueprint.route("/keys", methods=["POST"], permission="keys:write")
@blueprint.arguments(KeyIn)
@blueprint.response(201, responses.KeyOut)
def create_key(body: KeyBody) -> Response:
    """A key for a freelancer who may log in.

    `secret` is shown this once, and is not part of a replay.
    """
    with api_call() as call:
        repository.freelancer(call.ctx.session, body["freelancer"])
        hold_checks.refuse(call.ctx, "login", [body["freelancer"]])
        key, secret = people.issue_key(
            call.ctx,
            "freelancer",
            web.runtime().settings.mode,
            body["freelancer"],
            body["scopes"],
            body["expires_at"],
        )
        return call.secret({**_key.shown(key), "secret": secret}, 201, "secret")


@blueprint.route("/keys", methods=["GET"], permission="keys:read")
@blueprint.arguments(FreelancerQuery, location="query")
@blueprint.response(200, responses.ListOut)
def list_keys(query: FreelancerParameters) -> Response:
    """The newest 100 keys, without their secrets; a marketplace sees its freelancers' and its
    own.
    """
    with api_call() as call:
        keys = people.list_keys(call.ctx.session, query["freelancer"], _keys_of(call))
        return call.page(_key, keys, 100)


@blueprint.route("/keys/<key_id>", methods=["DELETE"], permission="keys:write")
@blueprint.response(200, responses.KeyOut)
def revoke_key(key_id: str) -> Response:
    """Revoke a key at once; a marketplace those of its freelancers and its own."""
    with api_call() as call:
        return call.answer(_key, people.revoke_key(call.ctx, key_id, _keys_of(call)))


def _keys_of(call: ApiCall) -> tuple[str, ...]:
    return people.ROLES_OF_THE_MARKETPLACE if call.principal.role == "platform" else ROLES


@blueprint.route("/processes/<name>", methods=["GET"], permission="contracts:read")
@blueprint.response(200, responses.AnyOut)
def process(name: str) -> Response:
    """A process as data: its states, every move with who may make it, and what happens by
    itself.
    """
    with api_call() as call:
        machine = MACHINES.get(name)
        if machine is None:
            raise NotFound(f"Known processes: {', '.join(MACHINES)}.")
        moves = [
            {
                "event": m.event,
                "from": list(m.sources),
                "to": m.target,
                "actors": sorted(m.actors),
                "fact": m.fact,
            }
            for m in machine.moves
        ]
        timers = [
            {"code": t.code, "states": list(t.states), "policy": t.window, "then": t.then}
            for t in TIMEOUTS
            if t.machine == name
        ]
        body = {
            "object": "process",
            "name": name,
            "initial": machine.states[0],
            "states": list(machine.states),
            "final": sorted(machine.final),
        }
        return call.json(body | {"moves": moves, "timeouts": timers})


@blueprint.route("/events", methods=["GET"], permission="events:read")
@blueprint.arguments(EventQuery, location="query")
@blueprint.response(200, responses.ListOut)
def events(query: EventParameters) -> Response:
    """Facts in the order in which they became visible; within a contract `sequence` has no gaps."""
    with api_call() as call:
        statement = (
            select(Event)
            .where(Event.position > (after_position(query["cursor"])))
            .order_by(Event.position)
            .limit(query["limit"] + 1)
        )
        if call.owner is not repository.EVERYONE:
            statement = statement.where(Event.freelancer_id == call.owner)
        if query["contract"]:
            statement = statement.where(
                Event.contract_id
                == repository.contract(call.ctx.session, query["contract"], owner=call.owner).id
            )
        if query["type"]:
            statement = statement.where(Event.type == query["type"])
        return call.page(
            _event,
            event_reads.page(call.ctx.session, call.reader, statement),
            query["limit"],
            key="position",
        )


@blueprint.route("/ledger/accounts", methods=["GET"], permission="finance:read")
@blueprint.response(200, responses.AnyOut)
def accounts() -> Response:
    """The trial balance: every kind of account per currency, summed from the postings."""
    with api_call() as call:
        lines = [
            {
                "currency": x.currency,
                "account": x.kind,
                "debits": x.debits_minor,
                "credits": x.credits_minor,
                "balance": x.balance_minor,
                "side": x.normal_side,
            }
            for x in checks.present_totals(call.ctx.session)
        ]
        return call.json({"object": "trial_balance", "data": lines})


@blueprint.route("/ledger/entries", methods=["GET"], permission="finance:read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, responses.ListOut)
def entries(query: PageParameters) -> Response:
    """Journal entries in the order in which they were sealed."""
    with api_call() as call:
        statement = (
            select(JournalEntry)
            .where(JournalEntry.position > (after_position(query["cursor"])))
            .order_by(JournalEntry.position)
        )
        page = list(call.ctx.session.execute(statement.limit(query["limit"] + 1)).scalars())
        return call.page(responses.EntryOut(), page, query["limit"], key="position")


@blueprint.route("/ledger/verify", methods=["GET"], permission="finance:read")
@blueprint.response(200, responses.AnyOut)
def verify() -> Response:
    """Every check of the books, from the last nightly one that found them right.

    `checked_at` says when that was (null: from the first entry), `proved_to` up to which position
    the chain is proved, of `head`. From the first entry on demand: `holdfast ledger verify`.
    """
    with api_call() as call:
        books = fresh_checks.look(call.ctx.session)
        return call.json(
            {
                "object": "ledger_check",
                "ok": books.ok,
                "checks": [asdict(check) | {"ok": check.ok} for check in books.checks],
                "checked_at": books.kept_at.isoformat() if books.kept_at else None,
                "proved_to": books.proved.position,
                "head": books.head,
            }
        )


@blueprint.route("/staff/tasks", methods=["GET"], permission="finance:read")
@blueprint.response(200, responses.AnyOut)
def tasks() -> Response:
    """What waits for a person, and jobs that used up their tries."""
    with api_call() as call:
        open_tasks = [
            t | {"opened_at": t["opened_at"].isoformat()}
            for t in staff_tasks.open_tasks(call.ctx.session)
        ]
        dead = [
            d | {"finished_at": d["finished_at"].isoformat()}
            for d in queue.dead_jobs(call.ctx.session)
        ]
        return call.json({"object": "staff_tasks", "data": open_tasks, "dead_jobs": dead})
