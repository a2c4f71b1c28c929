"""The sandbox as one WSGI application under /_sandbox."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, jsonify

from service.domain.errors import Unavailable
from service.domain.money.money import CURRENCIES
from service.platform.db import Database
from service.sandbox.errors import StripeRefusal
from service.sandbox.http import pages, routes
from service.sandbox.panel import controls, happenings, mail_pages, scenarios, switches
from service.sandbox.runner import Pump
from service.sandbox.store import Store


class _LosesAnswers:
    """The work was done and committed, and the answer never arrives: the fault that matters
    most.
    """

    def __init__(self, inner: WSGIApplication) -> None:
        self._inner = inner

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._inner(environ, start_response)
        if environ.get("holdfast.sandbox.drop"):
            raise ConnectionError("the connection was lost")
        return answer


def create_sandbox(db: Database, *, stripe_key: str, public_url: str, pump: Pump) -> Flask:
    """The sandbox over `db`; `pump` finishes due work when the clock is moved."""
    app = Flask("holdfast-sandbox", static_folder=None, template_folder=str(_templates()))
    app.config |= {
        "STRIPE_KEY": stripe_key,
        "PUBLIC_URL": public_url,
        "MAX_CONTENT_LENGTH": 1024 * 1024,
    }
    app.extensions |= {"database": db, "pump": pump}
    for part in (routes, pages, controls, mail_pages, switches, happenings, scenarios):
        app.register_blueprint(part.blueprint)
    app.register_error_handler(StripeRefusal, _refused)
    app.register_error_handler(Unavailable, _away)
    app.after_request(_headers)
    app.jinja_env.filters["stripe_money"] = _money
    app.wsgi_app = _LosesAnswers(app.wsgi_app)  # type: ignore[method-assign]
    return app


def remember_address(db: Database, public_url: str) -> None:
    """Stripe's pages are reached under the service's public address."""
    with db.transaction() as session:
        Store(session).set("public_url", public_url)


def _templates() -> str:
    return str(__file__).replace("app.py", "templates")


def _refused(refusal: StripeRefusal) -> tuple[Response, int]:
    return jsonify(refusal.body), refusal.status


def _away(error: Unavailable) -> tuple[Response, int]:
    """The database is being restarted: nothing was done, and whoever asked may ask again."""
    return jsonify(error={"type": "api_error", "code": "unavailable", "message": str(error)}), 503


def _headers(response: Response) -> Response:
    response.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self' 'unsafe-inline'; frame-src 'self'; form-action "
        "'self'; base-uri 'none'; frame-ancestors 'self'",
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _money(amount: int, currency: str) -> str:
    row = CURRENCIES[currency.upper()]
    minor = amount // row.stripe_factor
    whole, rest = divmod(minor, 10**row.exponent)
    return f"{row.code} {whole:,}" + (f".{rest:0{row.exponent}d}" if row.exponent else "")
