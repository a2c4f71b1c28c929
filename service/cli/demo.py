"""`holdfast demo`: everything in one command, on a machine that has Python and nothing else.

A small supervisor: PostgreSQL first, then migrations and the seed, then web and worker. A child
that dies is started again; SIGTERM and Ctrl-C stop all of it cleanly, PostgreSQL last. The same
folder starts again with nothing lost.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import click
import requests

from service.app import create_runtime
from service.cli import books, run, seed, seed_contracts
from service.cli.children import Children
from service.documents import signing
from service.platform import config
from service.platform.config import Settings
from service.platform.db.embedded import EmbeddedServer
from service.sandbox.app import remember_address
from service.worker.loop import Worker

ENVIRONMENT = "environment.json"
_READY_SECONDS = 60


def default_folder() -> Path:
    """A folder that PostgreSQL's own user can reach, also when root runs the demo."""
    if os.geteuid() == 0:
        return Path("/var/lib/holdfast/demo")
    return (
        Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
        / "holdfast"
        / "demo"
    )


def environment_of(folder: Path) -> dict[str, str]:
    """The settings of the demo on a folder, so that other commands can act on it; empty when there
    is none.
    """
    path = folder / ENVIRONMENT
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return found


@click.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Another address needs HOLDFAST_SANDBOX_HOSTS and HOLDFAST_SANDBOX_ANYWHERE=true: the "
    "sandbox has no log-in.",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Where the world lives; the same folder goes on where it stopped.",
)
@click.option(
    "--info",
    type=click.Path(path_type=Path),
    help="Write addresses and keys to this file (mode 0600).",
)
@click.option("--empty", is_flag=True, help="People and keys, and nothing else.")
@click.option(
    "--clock",
    "instant",
    help="Begin a new world at this instant, past or future: 2025-11-01T00:00:00Z.",
)
def demo(
    port: int, host: str, data_dir: Path | None, info: Path | None, empty: bool, instant: str | None
) -> None:
    """Run all of it on a seeded world: database, web, worker, mailbox, a stand-in for Stripe, a
    clock that can be moved.
    """
    beyond = host not in ("127.0.0.1", "localhost", "::1")
    if beyond and not (
        os.environ.get("HOLDFAST_SANDBOX_HOSTS") and os.environ.get("HOLDFAST_SANDBOX_ANYWHERE")
    ):
        raise click.UsageError(
            "The sandbox has no log-in; it stays on this machine unless HOLDFAST_SANDBOX_HOSTS "
            "and HOLDFAST_SANDBOX_ANYWHERE=true are set."
        )
    began = (
        _instant(instant) if instant else None
    )  # read before anything starts: a wrong one must not start an old world
    Supervisor(port, host, (data_dir or default_folder()).resolve(), info).run(
        empty=empty, instant=began
    )


class Supervisor:
    """Starts, watches and stops the parts."""

    def __init__(self, port: int, host: str, folder: Path, info: Path | None) -> None:
        # An address to listen on is no name to be called by.
        named = (
            os.environ.get("HOLDFAST_SANDBOX_HOSTS", "").partition(",")[0].strip()
            if host in ("0.0.0.0", "::")  # noqa: S104  compared, not bound to
            else host
        )
        self._base_url = f"http://{named}:{port}"
        self._port, self._host, self._folder, self._info = port, host, folder, info
        self._postgres: EmbeddedServer | None = None
        self._children = Children(folder)
        self._stopping = False

    def run(self, *, empty: bool, instant: datetime | None) -> None:
        began = time.monotonic()
        for number in (signal.SIGTERM, signal.SIGINT):
            # Only note it: a signal may come in the middle of anything.
            signal.signal(number, lambda *_: setattr(self, "_stopping", True))
        try:
            environment = self._prepare(empty=empty, instant=instant)
            for part in ("serve", "worker"):
                self._children.start(part, environment)
            self._wait_until_ready()
            if not self._stopping:
                self._announce(time.monotonic() - began)
            self._watch(environment)
        finally:
            self._stop()

    def _prepare(self, *, empty: bool, instant: datetime | None) -> dict[str, str]:
        owner, environment = self._database()
        settings = config.load(environment)
        run.migrate_now(settings, owner)
        # For whoever runs commands on this world; web and worker never get the owner's address.
        mine = {k: v for k, v in environment.items() if k.startswith("HOLDFAST_")} | {
            "HOLDFAST_OWNER_URL": owner
        }
        environment.pop("HOLDFAST_OWNER_URL", None)
        _write_private(self._folder / ENVIRONMENT, json.dumps(mine, indent=2))
        world = self._folder / "world.json"
        if not world.exists():
            _write_private(
                world,
                json.dumps(
                    self._new_world(settings, owner, empty=empty, instant=instant), indent=2
                ),
            )
        else:
            remember_address(create_runtime(settings, lambda _: True)[0].db, settings.public_url)
        known = {
            "base_url": self._base_url,
            **json.loads(world.read_text()),
            "webhook_secret": settings.stripe_webhook_secrets[-1],
            "mailbox_url": f"{self._base_url}/_sandbox/mailbox",
            "staff_url": f"{self._base_url}/staff",
        }
        _write_private(self._info or self._folder / "info.json", json.dumps(known, indent=2))
        return environment

    def _database(self) -> tuple[str, dict[str, str]]:
        """(owner's address, environment of the children).

        A named server is used when there is one.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        given = os.environ.get("HOLDFAST_DATABASE_URL")
        if given:
            app_url, owner = given, os.environ.get("HOLDFAST_OWNER_URL") or given
        else:
            self._postgres = EmbeddedServer(self._folder)
            self._postgres.start()
            self._postgres.create_app_role()
            self._postgres.create_database()
            app_url, owner = self._postgres.url(), self._postgres.owner_url()
        own = {k: v for k, v in os.environ.items() if k.startswith("HOLDFAST_")}
        return owner, {
            k: v for k, v in os.environ.items() if not k.startswith("HOLDFAST_")
        } | own | self._secrets() | {
            "HOLDFAST_MODE": "sandbox",
            "HOLDFAST_DATABASE_URL": app_url,
            "HOLDFAST_PUBLIC_URL": self._base_url,
            "HOLDFAST_WEB_PORT": str(self._port),
            "HOLDFAST_WEB_HOST": self._host,
        }

    def _secrets(self) -> dict[str, str]:
        path = self._folder / "secrets.json"
        if not path.exists():
            made = {
                "HOLDFAST_SECRET_KEYS": secrets.token_hex(32),
                "HOLDFAST_SIGNING_KEY": secrets.token_hex(32),
                "HOLDFAST_STRIPE_WEBHOOK_SECRETS": f"whsec_{secrets.token_hex(16)}",
                "HOLDFAST_MAIL_EVENTS_SECRET": secrets.token_hex(16),
                "HOLDFAST_TAX_KEYS": secrets.token_hex(32),
            } | dict(
                zip(
                    ("HOLDFAST_PAPER_KEY", "HOLDFAST_PAPER_CERTIFICATE"),
                    signing.self_signed("Holdfast demo"),
                    strict=True,
                )
            )
            _write_private(path, json.dumps(made))
        found: dict[str, str] = json.loads(path.read_text())
        return found

    def _new_world(
        self, settings: Settings, owner: str, *, empty: bool, instant: datetime | None
    ) -> dict[str, str]:
        runtime, sandbox = create_runtime(settings, lambda _: True)
        assert sandbox is not None, "the demo runs on the sandbox"
        if instant:
            books.set_clock(runtime.db, instant - datetime.now(UTC))
        remember_address(runtime.db, settings.public_url)
        keys = seed.people_and_keys(runtime, owner)
        if not empty:
            seed.operating_float(runtime)
            # Webhooks of the seed find no server yet; the worker delivers them again later, and
            # they change nothing.
            seed_contracts.contracts_in_each_state(runtime, Worker(runtime))
        runtime.db.dispose()
        return keys

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._stopping:
            try:
                if (
                    requests.get(f"http://{self._host}:{self._port}/readyz", timeout=5).status_code
                    == 200
                ):
                    return
            except requests.RequestException:
                pass
            self._revive_database()
            if self._children.ended("serve") or time.monotonic() > deadline:
                tail = (self._folder / "serve.log").read_text(errors="replace")[-800:]
                raise click.ClickException(
                    f"The web process did not come up on port {self._port}. {tail}"
                )
            time.sleep(0.1)

    def _announce(self, seconds: float) -> None:
        info = json.loads((self._info or self._folder / "info.json").read_text())
        click.echo(
            f"Holdfast is up after {seconds:.1f} s. No money moves here.\n\n"
            f"  API reference   {self._base_url}/docs\n"
            f"  Mailbox         {info['mailbox_url']}\n"
            f"  Sandbox, clock  {self._base_url}/_sandbox/\n"
            f"  API key         {info['freelancer_key']}   (Ada Lovelace, freelancer)\n"
            f"  All keys        {self._info or self._folder / 'info.json'}\n\n"
            "Ctrl-C stops it; the same command goes on where it stopped."
        )

    def _revive_database(self) -> None:
        if self._postgres is not None and not self._postgres.alive and not self._stopping:
            self._postgres.start()

    def _watch(self, environment: dict[str, str]) -> None:
        while not self._stopping:
            time.sleep(0.1)
            self._revive_database()
            if not self._stopping:
                self._children.restart_ended(environment)

    def _stop(self) -> None:
        self._children.stop()
        if self._postgres is not None:
            self._postgres.stop()


def _instant(words: str) -> datetime:
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        raise click.UsageError(
            "--clock takes an instant with its zone, as 2025-11-01T00:00:00Z."
        ) from None
    if found.tzinfo is None:
        raise click.UsageError("--clock takes an instant with its zone, as 2025-11-01T00:00:00Z.")
    return found


def _write_private(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_text(content + "\n")
    part.replace(path)
