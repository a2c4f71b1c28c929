"""Pages for anybody: what an error code means, the API's documents, the front door."""

from __future__ import annotations

from flask import Blueprint, render_template

from service.domain.errors import NotFound, catalogue

blueprint = Blueprint("public", __name__)


@blueprint.get("/")
def home() -> str:
    return render_template("home.html")


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
