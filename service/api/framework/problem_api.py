"""flask-smorest as this service has it: with our problems, and its document made late."""

from __future__ import annotations

from flask import Flask, Response
from flask_smorest import Api, Blueprint
from werkzeug.exceptions import HTTPException

from service.api.framework.calls import VERSIONS
from service.api.framework.document import Document
from service.api.framework.problems import refusal_response


class ProblemApi(Api):  # type: ignore[misc]  # the library has no types
    """flask-smorest with our problems instead of its own error bodies, and its document made when
    somebody asks.
    """

    def __init__(self, app: Flask) -> None:
        self._undocumented: list[Blueprint] = []
        super().__init__(app)

    def register_blueprint(self, blueprint: Blueprint) -> None:
        """As the library's, but for the document: making it is most of a process's start, and few
        processes are asked for it.
        """
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint)
        self._undocumented.append(blueprint)

    def document(self) -> Document:
        """What the library knows of every blueprint.

        It writes as it goes: to be asked once, see `service.platform.once`.
        """
        for blueprint in self._undocumented:
            blueprint.register_views_in_doc(
                self, self._app, self.spec, name=blueprint.name, parameters=None
            )
            self.spec.tag({"name": blueprint.name, "description": blueprint.description})
        document: Document = self.spec.to_dict()
        return document

    def handle_http_exception(self, error: HTTPException) -> Response:
        return refusal_response(error)

    def _register_error_handlers(self) -> None:
        """The application has one handler for everything; see `service.app`."""


def make_api(app: Flask) -> ProblemApi:
    app.config |= {
        "API_TITLE": "Holdfast",
        "API_VERSION": VERSIONS[-1],
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": None,
    }
    return ProblemApi(app)
