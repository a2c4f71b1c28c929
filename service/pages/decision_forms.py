"""The shape of every deciding form: a visitor with a fresh code, a form used once, the contract
locked, then the action.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from flask import redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from service.core import events, repository
from service.core.context import Context
from service.domain.errors import Invalid, NotFound
from service.domain.money.amounts import Refusal
from service.domain.text.incoming import is_digits
from service.http import web
from service.models import Contract, File, Hold, Milestone
from service.operations.client_access import sessions
from service.operations.client_access.sessions import Visitor
from service.operations.disputes import files
from service.pages.formatting import money, read_amount, written
from service.pages.session import mailbox_proof, require_code, use_form, visitor

Decision = Callable[[Context, Contract], object]
_Read = TypeVar("_Read")
_LONGEST_MINOR = 16
Answer = Response | str | tuple[str, int]
Problems = Sequence[tuple[str, str]]
"""Name of the field, and the sentence."""


def decide(
    contract_id: str,
    decision: Decision,
    *,
    span: timedelta | None = sessions.BINDS_ANY,
    freelancer_first: bool = False,
) -> Response:
    """Carry out a decision once and go back to the contract.

    `span` None: no code is needed for it.
    """
    with web.context() as ctx:
        found, who = visitor(ctx, contract_id)
        if span is not None:
            require_code(ctx, who, span)
        if freelancer_first:
            repository.freelancer(ctx.session, found.freelancer_id, lock=True)
        locked = repository.contract(ctx.session, contract_id, owner=repository.EVERYONE, lock=True)
        if use_form(ctx, who):
            if span is not None:
                rely_on_code(ctx, who, locked)
            decision(ctx.as_(who.actor), locked)
    return redirect(url_for("client.contract", contract_id=contract_id), 303)


def rely_on_code(ctx: Context, who: Visitor, contract: Contract) -> None:
    """Beside what a client decides: when their mailbox was proved, and from where.

    A bank is told of it in a dispute.
    """
    events.record(
        ctx.as_(who.actor), "code.relied_on", contract, public=False, **mailbox_proof(who).as_data()
    )


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
        raise Invalid.one(
            name,
            "text",
            f"Write something, in up to {most:,} characters."
            if required
            else f"At most {most:,} characters.",
        )
    return text


def uploaded(ctx: Context, place: Contract | Hold, *, most: int = 5) -> list[File]:
    """The files of the field `files`, kept with their contract or hold.

    Raises Invalid for too many, or what is not taken.
    """
    sent = [one for one in request.files.getlist("files") if one.filename]
    if len(sent) > most:
        raise Invalid.one("files", "too_many", f"At most {most} files at once.")
    return [files.store(ctx, place, one.filename or "file", one.read()) for one in sent]


def amount(name: str, currency: str, *, most: int, least: int = 1, empty: int | None = None) -> int:
    """Minor units from what a person typed; `empty` when nothing was. Raises Invalid."""
    typed = request.form.get(name, "").strip()
    if not typed and empty is not None:
        return empty
    found = read_amount(typed, currency)
    if isinstance(found, Refusal):
        raise Invalid.one(name, found.reason, found.sentence)
    if not least <= found.minor <= most:
        bounds = f"{written(least, currency)} and {written(most, currency)}"
        raise Invalid.one(name, "amount_out_of_range", f"Enter an amount between {bounds}.")
    return found.minor


def confirmed(name: str) -> int:
    """The minor units that a check page carried.

    Raises Invalid; whether they fit still, the action itself says.
    """
    text = request.form.get(name, "")
    if not (is_digits(text) and len(text) < _LONGEST_MINOR):
        raise Invalid.one(name, "amount_unreadable", "Open the page again and enter the amount.")
    return int(text)


class Answers:
    """Reads a form's answers one by one and keeps what is wrong with each, so that a person reads
    all of it at once.
    """

    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []

    def ask(self, read: Callable[[], _Read], otherwise: _Read) -> _Read:
        """What `read` finds; `otherwise` in place of what was wrong."""
        try:
            return read()
        except Invalid as wrong:
            self.problems += [(error.pointer, error.message) for error in wrong.errors]
            return otherwise


@dataclass(frozen=True)
class Check:
    """What a page says before an action: the action in words, every amount of it, what was written,
    and what the button sends.
    """

    title: str
    lead: str
    button: str
    back: str
    hidden: dict[str, str]
    facts: tuple[tuple[str, Markup], ...] = ()
    words: str = ""


def parts(currency: str, *named: tuple[str, int]) -> tuple[tuple[str, Markup], ...]:
    """Facts of a check: what becomes of each part of an amount."""
    return tuple((label, money(minor, currency)) for label, minor in named)


def checked(contract: Contract, check: Check) -> str:
    """The page with the second button. The form goes where the first one went, with `confirm`."""
    return render_template(
        "act_check.html", contract=contract, freelancer=contract.freelancer, check=check
    )


def is_confirmed() -> bool:
    return "confirm" in request.form
