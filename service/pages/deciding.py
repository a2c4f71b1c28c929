"""The shape of every deciding form: a visitor with a fresh code, a form used once, the contract locked, then the act."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from service import rows, web
from service.act import Act
from service.domain.errors import Invalid, NotFound
from service.models import Contract, File, Hold, Milestone
from service.operations import files, links
from service.pages.session import require_code, use_form, visitor
from service.pages.shapes import parse_amount

Decision = Callable[[Act, Contract], object]


def decide(contract_id: str, act_on: Decision, *, span: timedelta | None = links.BINDS_ANY, freelancer_first: bool = False) -> Response:
    """Carry out a decision once and go back to the contract. `span` None: no code is needed for it."""
    with web.act() as act:
        found, who = visitor(act, contract_id)
        if span is not None:
            require_code(act, who, span)
        if freelancer_first:
            rows.freelancer(act.session, found.freelancer_id, lock=True)
        locked = rows.contract(act.session, contract_id, owner=rows.EVERYONE, lock=True)
        if use_form(act, who):
            act_on(act.as_(who.actor), locked)
    return redirect(url_for("client.contract", contract_id=contract_id), 303)


def milestone_of(contract: Contract, milestone_id: str) -> Milestone:
    """Raises NotFound."""
    found = next((m for m in contract.milestones if m.id == milestone_id), None)
    if found is None:
        raise NotFound("There is no such milestone.")
    return found


def words(name: str, most: int, *, required: bool = True) -> str:
    """Text of a form field. Raises Invalid when it is missing or too long."""
    text = request.form.get(name, "").strip()
    if len(text) > most or (required and not text):
        raise Invalid.one(name, "text", f"Write something, in up to {most:,} characters." if required else f"At most {most:,} characters.")
    return text


def uploaded(act: Act, place: Contract | Hold, *, most: int = 5) -> list[File]:
    """The files of the field `files`, kept with their contract or hold. Raises Invalid for too many, or what is not taken."""
    sent = [one for one in request.files.getlist("files") if one.filename]
    if len(sent) > most:
        raise Invalid.one("files", "too_many", f"At most {most} files at once.")
    return [files.store(act, place, one.filename or "file", one.read()) for one in sent]


def amount(name: str, currency: str, *, empty: int | None = None) -> int:
    """Minor units from what a person typed; `empty` when nothing was. Raises Invalid."""
    typed = request.form.get(name, "").strip()
    if not typed and empty is not None:
        return empty
    if typed in ("0", "0.00", "0,00"):
        return 0
    found = parse_amount(typed, currency)
    if found is None:
        raise Invalid.one(name, "amount", f"Write an amount in {currency}.")
    return found
