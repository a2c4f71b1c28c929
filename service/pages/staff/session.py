"""Who of the staff is looking, and what a view of the console is: one transaction, a live session,
a scope, a fresh proof where money is meant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from flask import g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from service.core import four_eyes
from service.core.context import Context
from service.domain.errors import MissingScope
from service.http import incoming, web
from service.models import ApiKey
from service.operations.staff import staff_access
from service.operations.staff.staff_access import Colleague
from service.pages import link_cookies
from service.pages.staff.actions import ACTIONS
from service.shared.link_sessions import STAFF

_HOMES = ("/staff", "/finance")


def back_to(wanted: str) -> str:
    """A page of the console, never another site."""
    own = wanted in _HOMES or wanted.startswith(
        tuple(home + mark for home in _HOMES for mark in "/?")
    )
    return (
        wanted
        if own
        and len(wanted) <= 500
        and "\\" not in wanted
        and not wanted.startswith("/staff/enter")
        else "/staff"
    )


_RIGHT = "right_in_the_console"
P = ParamSpec("P")
"""The address's values."""
Answer = TypeVar("Answer")
Refused = Response | tuple[str, int]
"""The way to the entrance, or the question for a proof."""


def desk(
    *rights: str, proof: bool = False
) -> Callable[
    [Callable[Concatenate[Context, Colleague, P], Answer]], Callable[P, Answer | Refused]
]:
    """A view of the console: called with the context, the colleague and the address's values.

    `rights`: of several, one; `safety:read` when none is named. Without a session, or without a
    proof of the last five minutes where one is asked for, it leads to the entrance and back. Raises
    MissingScope.
    """
    needed = rights or ("safety:read",)

    def decorate(
        view: Callable[Concatenate[Context, Colleague, P], Answer],
    ) -> Callable[P, Answer | Refused]:
        @wraps(view)
        def wrapped(*args: P.args, **values: P.kwargs) -> Answer | Refused:
            with web.context() as ctx:
                who = staff_access.colleague(ctx, link_cookies.value(STAFF))
                if who is not None:
                    need(who, *needed)
                if who is not None and proof and not who.proved(ctx.now):
                    who = _proved_now(ctx, who)
                    if who is None and request.method == "POST":
                        return _ask_for_proof(), 401
                if who is not None:
                    g.visitor = who
                    return view(ctx.as_(who.actor), who, *args, **values)
            back = request.full_path.rstrip("?") if request.method == "GET" else request.path
            return redirect(url_for("entrance.enter", back=back_to(back)), 303)

        setattr(wrapped, _RIGHT, needed)
        return wrapped

    return decorate


def right_of(view: Callable[..., object]) -> tuple[str, ...]:
    """The rights of a page of the console, one of which a colleague has to have; empty for what is
    no such page.
    """
    found: tuple[str, ...] = getattr(view, _RIGHT, ())
    return found


def need(who: Colleague, *rights: str) -> None:
    """Raises MissingScope for a colleague who has none of them."""
    if not who.scopes.intersection(rights):
        raise MissingScope(f"This needs the right {' or '.join(rights)}; your role is {who.role}.")


def _proved_now(ctx: Context, who: Colleague) -> Colleague | None:
    """A form that was filled in for longer than a proof lasts is not lost: the key is asked for,
    and the form goes on.
    """
    given = request.form.get("proof_key", "")
    same = web.runtime().settings.sandbox and "proof_same" in request.form
    if not same and not (given and staff_access.by_secret(ctx, given).id == who.key_id):
        return None
    staff_access.enter(
        ctx, ctx.session.get_one(ApiKey, who.key_id), link_cookies.value(STAFF), incoming.browser()
    )
    return replace(who, proved_at=ctx.now)


def _ask_for_proof() -> str:
    typed = [
        (key, value)
        for key, value in request.form.items(multi=True)
        if not key.startswith("proof_")
    ]
    return render_template("staff/prove.html", typed=typed)


def page(ctx: Context, who: Colleague, template: str, /, **values: object) -> str:
    """A page of the console, with the names of everybody who has acted and of the actions that this
    colleague may do.
    """
    may = {name for name, (scope, _) in ACTIONS.items() if scope in who.scopes}
    return render_template(
        f"staff/{template}",
        who=who,
        may=may,
        names=staff_access.names(ctx.session),
        now=ctx.now,
        is_me=four_eyes.asking(ctx.session, who.actor),
        **values,
    )
