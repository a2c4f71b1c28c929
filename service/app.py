"""The composition root: settings and gateways in, one WSGI application out."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from service import api, pages, policies
from service.api.framework import problems
from service.api.framework.idempotency import Replayed
from service.core.runtime import Runtime
from service.gateways.mail import FunctionGateway, MailGateway, SmtpGateway
from service.gateways.scanner import Clamd
from service.gateways.stripe import StripeGateway
from service.http import guard, web
from service.pages.formatting import problem_page
from service.platform import failpoint, logs
from service.platform.config import Settings
from service.platform.db import Database
from service.platform.encryption import FieldEncryption
from service.platform.rate_limit import Limits, PostgresStorage
from service.platform.tokens import Tokens
from service.sandbox.app import create_sandbox
from service.sandbox.guard import OnlyFromHere
from service.sandbox.panel import mailbox
from service.sandbox.runner import Pump

SANDBOX_BASE = "http://sandbox.invalid/_sandbox/stripe"
SANDBOX_KEY = "sk_test_sandbox"
_log = structlog.get_logger()


def create_runtime(settings: Settings, pump: Pump) -> tuple[Runtime, Flask | None]:
    """Everything that views and handlers share; and, in sandbox mode, the application that stands
    in for the world.
    """
    logs.configure(settings)
    failpoint.arm(settings.failpoints)
    db = Database(settings.database_url, pool_size=settings.web_threads + 2, mode=settings.mode)
    if settings.sandbox and not settings.stripe_key:
        sandbox = create_sandbox(
            db, stripe_key=SANDBOX_KEY, public_url=settings.public_url, pump=pump
        )
        stripe = StripeGateway(
            SANDBOX_KEY,
            settings.stripe_webhook_secrets,
            live=False,
            in_process=sandbox.wsgi_app,
            base=SANDBOX_BASE,
        )
        mail: MailGateway = FunctionGateway(lambda email: mailbox.deliver(db, email))
    else:
        sandbox = None
        stripe = StripeGateway(
            settings.stripe_key, settings.stripe_webhook_secrets, live=not settings.sandbox
        )
        mail = SmtpGateway(settings.mail_url, settings.mail_authorities)
    runtime = Runtime(
        settings,
        policies.load(settings),
        db,
        stripe,
        mail,
        Tokens(settings.secret_keys),
        FieldEncryption(settings.tax_keys),
        Clamd(settings.scanner_url) if settings.scanner_url else None,
    )
    return runtime, sandbox


def create_app(settings: Settings, pump: Pump = lambda _: True) -> Flask:
    """The service.

    `pump` finishes due work when the sandbox clock is moved: the worker's part, seen from the web.
    """
    runtime, sandbox = create_runtime(settings, pump)
    return create_app_from(runtime, sandbox)


def create_app_from(runtime: Runtime, sandbox: Flask | None) -> Flask:
    app = copy.copy(_routes())
    app.extensions = app.extensions | {
        "holdfast": runtime,
        "limits": _limits(runtime),
    }
    if runtime.settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=runtime.settings.trusted_proxies, x_proto=1)  # type: ignore[method-assign]
    if sandbox is not None:
        beside = OnlyFromHere(sandbox.wsgi_app, runtime.settings)
        app.wsgi_app = _Beside(app.wsgi_app, beside)  # type: ignore[method-assign]
    return app


def _limits(runtime: Runtime) -> Limits:
    return Limits.of(
        PostgresStorage(runtime.db),
        per_address=runtime.settings.address_calls_per_minute,
        per_key=runtime.settings.calls_per_minute,
        failures=runtime.settings.failures_per_minute,
    )


@functools.cache
def _routes() -> Flask:
    """Every view and template, without a world; compiled once in a process, however many worlds it
    serves.
    """
    app = Flask(
        "holdfast",
        static_folder=None,
        template_folder=str(Path(__file__).parent / "pages" / "templates"),
    )
    app.config["MAX_CONTENT_LENGTH"] = guard.MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    guard.install(app)
    pages.register(app)
    api.register(app)
    app.register_error_handler(Exception, _refuse)
    return app


def _refuse(error: Exception) -> Response | tuple[str, int, dict[str, str]]:
    """The one renderer: problems for programs, pages for people.

    A bug is logged with its trace and told to nobody.
    """
    ours = web.as_ours(error)
    if ours.status == 500 and not isinstance(error, Replayed):
        _log.exception("request.failed", request_id=web.request_id(), route=str(request.url_rule))
    wants_page = not request.path.startswith(
        ("/v1/", "/stripe/", "/mail/", "/healthz", "/readyz", "/metrics")
    )
    return problem_page(ours) if wants_page else problems.refusal_response(error)


class _Beside:
    """The sandbox under /_sandbox, everything else to the service."""

    def __init__(self, service: WSGIApplication, sandbox: WSGIApplication) -> None:
        self._service, self._sandbox = service, sandbox

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        inside = environ.get("PATH_INFO", "").startswith("/_sandbox/")
        return (self._sandbox if inside else self._service)(environ, start_response)
