"""Pages for anybody: what an error code means, the API's documents, the front door."""

from __future__ import annotations

import re

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from service.domain.errors import NotFound, catalogue
from service.http import web
from service.operations.reputation import certificates
from service.operations.safety import transparency as figures_of

blueprint = Blueprint("public", __name__)
_QUARTER = re.compile("(20[0-9]{2})-Q([1-4])")


@blueprint.get("/")
def home() -> str:
    return render_template("home.html")


@blueprint.get("/transparency")
def transparency() -> str:
    """What we did with people's money and rights, per quarter, for anybody: computed from the
    rows.
    """
    with web.context() as ctx:
        chosen = _QUARTER.fullmatch(request.args.get("quarter", ""))
        year, number = (
            (int(chosen[1]), int(chosen[2])) if chosen else (ctx.now.year, (ctx.now.month + 2) // 3)
        )
        before = (year, number - 1) if number > 1 else (year - 1, 4)
        figures = figures_of.quarter(ctx.session, *figures_of.bounds(year, number))
        return render_template(
            "transparency.html", figures=figures, year=year, number=number, before=before
        )


@blueprint.get("/verify")
@blueprint.get("/verify/<code>")
def verify(code: str = "") -> str | tuple[str, int] | Response:
    """Whether a certificate is ours and still valid, for whoever holds the paper: no account,
    nothing beyond what is printed on it.
    """
    typed = request.args.get("code", "").strip()
    if typed:
        return redirect(url_for("public.verify", code=typed.upper()[:20]), 303)
    with web.context() as ctx:
        found = certificates.by_code(ctx.session, code) if code else None
        shown = render_template(
            "verify.html",
            found=found,
            code=code[:20],
            state=certificates.state(found) if found else "",
        )
        return shown if found or not code else (shown, 404)


@blueprint.get("/problems/")
def problems() -> str:
    return render_template("problems.html", errors=catalogue())


@blueprint.get("/problems/<code>")
def problem(code: str) -> str:
    error = catalogue().get(code)
    if error is None:
        raise NotFound("There is no such code.")
    return render_template("problem_code.html", error=error)


@blueprint.get("/docs")
def docs() -> str:
    return render_template("docs.html")
