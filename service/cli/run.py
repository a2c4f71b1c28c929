"""Running the service: `serve`, `worker`, `migrate`. Each is one process of the same image."""

from __future__ import annotations

import signal
import threading

import click
import requests

from service.app import create_runtime
from service.domain.errors import DatabaseRefused, Unavailable
from service.gateways.stripe import sign
from service.platform import config, logs
from service.platform.config import Settings
from service.platform.db import Database
from service.platform.db import migrate as migrations
from service.sandbox import store
from service.sandbox.runner import SandboxWork
from service.sandbox.stripe.webhooks import Send
from service.worker import handlers
from service.worker.loop import Worker, run_threads


@click.command()
def serve() -> None:
    """Answer HTTP (granian, WSGI). Any number of these may run."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.http import HTTP1Settings

    settings = config.load()
    logs.configure(settings)
    compare_mode(Database(settings.database_url, pool_size=1, mode=settings.mode))
    server = Granian(
        "service.wsgi:app",
        address=settings.web_host,
        port=settings.web_port,
        interface=Interfaces.WSGI,
        workers=settings.web_workers,
        blocking_threads=settings.web_threads,
        backpressure=256,
        http1_settings=HTTP1Settings(header_read_timeout=5_000, max_buffer_size=64 * 1024),
        respawn_failed_workers=True,
        workers_kill_timeout=15,
        log_enabled=False,
        websockets=False,
    )
    server.serve()


@click.command()
def worker() -> None:
    """Do what is due: jobs, timers, mails, the order of events. Any number of these may run."""
    settings = config.load()
    runtime, sandbox = create_runtime(settings, lambda _: True)
    compare_mode(runtime.db)
    extra = (
        SandboxWork(runtime.db, sender(settings), sign, settings.stripe_webhook_secrets)
        if sandbox
        else None
    )
    handlers.ensure_recurring(runtime)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_threads(lambda: Worker(runtime, extra), settings.worker_threads, stop)


def compare_mode(db: Database) -> None:
    """Before anything else is done.

    Raises ModeMismatch, DatabaseRefused. A database that is away for now is asked at each
    connection later.
    """
    try:
        with db.transaction() as session:
            session.connection()
    except DatabaseRefused:
        raise
    except Unavailable:
        return
    finally:
        db.dispose()


def sender(settings: Settings) -> Send:
    """How the sandbox's webhooks reach the service: over real HTTP, as Stripe's do."""
    target = f"http://127.0.0.1:{settings.web_port}/stripe/webhooks"

    def send(body: bytes, signature: str) -> int:
        try:
            headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
            return requests.post(target, data=body, headers=headers, timeout=20).status_code
        except requests.RequestException:
            return 599

    return send


@click.command()
@click.option("--plan", is_flag=True, help="Say what would be done and do nothing.")
def migrate(plan: bool) -> None:
    """Bring the database to this version's schema. Run as the owner: HOLDFAST_OWNER_URL."""
    settings = config.load()
    owner = settings.owner_url or settings.database_url
    if plan:
        click.echo(f"newest migration: {migrations.head()}")
        return
    migrate_now(settings, owner)
    click.echo(
        f"The database stands at {migrations.head()}. Next: holdfast serve, holdfast worker."
    )


def migrate_now(settings: Settings, owner_url: str) -> None:
    migrations.upgrade(owner_url, settings.mode)
    if settings.sandbox:
        store.install(owner_url)
