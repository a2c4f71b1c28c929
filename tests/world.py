"""The whole service in one process: the application, a worker that runs when told to, the sandbox,
and the people.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from service.app import create_app_from, create_runtime
from service.cli.seed import freelancers, staff_key
from service.core.context import Context, begin
from service.domain.identity import actors
from service.domain.money.money import from_stripe
from service.gateways.stripe import sign
from service.ledger.checks import verify
from service.operations.finance import reconciliation
from service.operations.people import people
from service.platform.config import Settings
from service.platform.db import Database, ModeMismatch
from service.sandbox.app import remember_address
from service.sandbox.runner import SandboxWork
from service.worker import handlers
from service.worker.loop import Worker
from tests.journey import Person, Program, Sandbox, WsgiHttp, contract_body
from tests.rehearsed import forms_of, rehearsed

BASE = "http://127.0.0.1:8000"
SECRET = "whsec_test_secret_of_the_tests"


def make_settings(database_url: str, **more: Any) -> Settings:
    values: dict[str, Any] = {
        "mode": "sandbox",
        "database_url": database_url,
        "public_url": BASE,
        "secret_keys": ("test-key-" + "x" * 32,),
        "signing_key": "07" * 32,
        "stripe_webhook_secrets": (SECRET,),
        "mail_events_secret": "mail-secret",
        "log_level": "ERROR",
        "tax_keys": ("1f" * 32,),
        # All tests call from one address.
        "address_calls_per_minute": 0,
        "failures_per_minute": 0,
    }
    return Settings(**(values | more))


STAFF = {
    "platform": ("platform", "The marketplace"),
    "finance": ("finance", "Luca Pacioli"),
    "safety": ("safety", "Florence Nightingale"),
    "approver": ("approver", "Mary Wollstonecraft"),
    "approver2": ("approver", "Olympe de Gouges"),
    "reviewer": ("reviewer", "Hypatia"),
    "admin": ("admin", "Al-Khwarizmi"),
}
"""By the name that tests use: role and person."""


class Vault:
    """A database with money in it, and nothing running: for attacks on the database itself."""

    def __init__(self, settings: Settings, known: dict[str, str]) -> None:
        self.settings, self.known, self.db = settings, known, Database(settings.database_url)

    def sql(self, statement: str) -> list[Any]:
        with self.db.transaction() as session:
            return list(session.execute(text(statement)))


class Known(Protocol):
    """Whose keys and ids are known already."""

    keys: dict[str, str]
    ada_id: str
    mary_id: str


@dataclass(frozen=True)
class People:
    """Keys by the names that tests use, and the two freelancers."""

    keys: dict[str, str]
    ada_id: str
    mary_id: str

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> People:
        return cls(**json.loads(text))


class World:
    """Everything at hand for a test; nothing of ours is replaced."""

    def __init__(self, settings: Settings, like: Known | None = None) -> None:
        """`like`: whose database this is a copy of, so that its people are known."""
        self._settings = settings
        self.runtime, sandbox = create_runtime(settings, self._pump)
        self.app = create_app_from(self.runtime, sandbox)
        self.db: Database = self.runtime.db
        remember_address(self.db, settings.public_url)
        work = SandboxWork(self.db, self._deliver, sign, settings.stripe_webhook_secrets)
        self.worker = Worker(self.runtime, work)
        self.sandbox = Sandbox(WsgiHttp(self.app))
        if like is not None:
            self.keys, self.ada_id, self.mary_id = dict(like.keys), like.ada_id, like.mary_id
        else:
            handlers.ensure_recurring(self.runtime)
            self.keys = self._people()
        self.db.dispose()
        self._policies = forms_of(self.runtime.policies)
        self._touched = False

    @property
    def settings(self) -> Settings:
        """With the owner's address in them: whoever asks may write past the service."""
        self._touched = True
        return self._settings

    @property
    def likeness(self) -> str:
        """What makes this service another one than a world's beside it: its people, and all
        settings but where its database is.
        """
        values = vars(self._settings).items()
        own = {name: value for name, value in values if name not in ("database_url", "owner_url")}
        return f"{self.ada_id} {own}"

    def touch(self) -> None:
        """From now on this world has a story of its own."""
        self._touched = True

    def untouched(self) -> bool:
        """Nothing has been asked of this world yet: no statement, no call, no other policies."""
        return (
            not (self.db.connected or self._touched)
            and forms_of(self.runtime.policies) == self._policies
        )

    @property
    def database(self) -> str:
        """Its name on the server."""
        return str(make_url(self._settings.database_url).database)

    def _people(self) -> dict[str, str]:
        keys = {}
        with self.runtime.context("test") as ctx:
            ada, mary = freelancers(ctx)
            self.ada_id, self.mary_id = ada.id, mary.id
            for name, role, whose in (
                ("ada", "freelancer", ada.id),
                ("mary", "freelancer", mary.id),
            ):
                keys[name] = people.issue_key(ctx, role, "sandbox", whose)[1]
        for name, (role, person) in STAFF.items():
            keys[name] = self.staff_key(role, person)
        return keys

    def staff_key(self, role: str, person: str) -> str:
        """Another key of staff, made as everywhere: by the owner of the database.

        One name is one person.
        """
        with self.owner_context() as ctx:
            return staff_key(ctx, role, person, "sandbox")

    @contextmanager
    def owner_context(self) -> Iterator[Context]:
        """What the owner's command line does."""
        owner = Database(self.settings.owner_url, role=None)
        with owner.transaction() as session:
            yield begin(session, actors.staff("cli"), "test", self.runtime.policies)
        owner.dispose()

    def _deliver(self, body: bytes, signature: str) -> int:
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
        return (
            WsgiHttp(self.app)
            .request("POST", "/stripe/webhooks", body=body, headers=headers)
            .status
        )

    def _pump(self, _: Database) -> bool:
        return self.worker.drain()

    def close(self) -> None:
        self._leave_moves()
        self.db.dispose()

    def _leave_moves(self) -> None:
        """For `benchmarks.moves`, when `make test` wants to know: which moves this test made."""
        folder = Path(os.environ.get("MOVES_DIR", ""))
        test = (
            os.environ.get("PYTEST_CURRENT_TEST", "")
            .partition(" ")[0]
            .partition("[")[0]
            .partition("@")[0]
        )
        if not test or not folder.name:
            return
        made = (
            "SELECT DISTINCT type, from_state, to_state FROM event WHERE from_state IS NOT "
            "NULL ORDER BY 1, 2, 3"
        )
        try:
            moves = self.sql(made)
        except (ModeMismatch, ProgrammingError):
            return  # The test has taken this world away: made it live, or emptied it.
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{os.getpid()}.txt").open("a") as out:
            out.writelines(f"{m.type}|{m.from_state}|{m.to_state}|{test}\n" for m in moves)

    # People

    def program(self, name: str = "ada") -> Program:
        return Program(WsgiHttp(self.app), self.keys[name])

    def client(self, email: str = "charles@babbage.example") -> Person:
        return Person(
            WsgiHttp(self.app), self.sandbox, email, settle=lambda: (self.work(), None)[1]
        )

    # Time and money

    def work(self) -> None:
        """Let the worker do everything that is due."""
        assert self.worker.drain(), "the worker did not come to rest"

    def advance(self, span: str) -> None:
        self.sandbox.advance(span)

    def trial_balance(self, currency: str = "USD") -> dict[str, int]:
        rows = self.program("finance").get("/v1/ledger/accounts")["data"]
        return {
            r["account"]: r["balance"] for r in rows if r["currency"] == currency and r["balance"]
        }

    def balance(self, currency: str = "USD", who: str = "ada") -> dict[str, int]:
        rows = self.program(who).get("/v1/balance")["data"]
        return next((r for r in rows if r["currency"] == currency), {})

    def check_books(self) -> None:
        """The books are right by themselves, and the sandbox's Stripe agrees with them."""
        self.work()
        with self.db.transaction() as session:
            checks = verify(session)
            dump = self.sandbox.dump()
            at_stripe = {}
            for account, money in dump["balances"].items():
                if not account.startswith(("world:", "stripe:")):
                    for code, part in money.items():
                        at_stripe[code] = at_stripe.get(code, 0) + from_stripe(
                            part["available"] + part["pending"], code
                        )
            for doc in dump["objects"]:
                # Stripe takes both out of its balances at once; the books when they have arrived.
                if doc["object"] in ("payout", "refund") and doc["status"] in (
                    "pending",
                    "in_transit",
                    "requires_action",
                ):
                    code = doc["currency"].upper()
                    at_stripe[code] = at_stripe.get(code, 0) + from_stripe(doc["amount"], code)
            checks.append(reconciliation.compare_with_stripe(session, at_stripe))
        wrong = [c for c in checks if not c.ok]
        assert not wrong, wrong
        assert not any(dump["total"].values()), dump["total"]
        bugs = self.sql(
            "SELECT kind, subject, last_error FROM job WHERE last_error IS NOT NULL AND "
            "last_error NOT LIKE '%: %'"
        )
        assert not bugs, bugs

    def sql(self, statement: str, **parameters: Any) -> list[Any]:
        with self.db.transaction() as session:
            return list(session.execute(text(statement), parameters))

    def sql_owner(self, statement: str) -> None:
        """As the owner of the tables: for making a state that time would make."""
        with psycopg.connect(self.settings.owner_url, options="-c search_path=hf") as connection:
            connection.execute(statement)

    def sql_owner_value(self, statement: str) -> Any:
        """The one value that a statement finds, read as the owner of the tables."""
        with psycopg.connect(self.settings.owner_url, options="-c search_path=hf") as connection:
            row = connection.execute(statement).fetchone()
        return row[0] if row else None

    # Short cuts through the main job, all by the API and the pages

    @rehearsed
    def sent_contract(self, **more: Any) -> dict[str, Any]:
        ada = self.program()
        contract = ada.post("/v1/contracts", contract_body(**more))
        ada.post(f"/v1/contracts/{contract['id']}/send")
        self.work()
        return ada.get(f"/v1/contracts/{contract['id']}")

    @rehearsed
    def accepted_contract(self, **more: Any) -> tuple[dict[str, Any], Person]:
        contract = self.sent_contract(**more)
        client = self.client(contract["client"]["email"])
        client.open()
        reply = client.accept()
        assert reply.status == 303, reply.page.text
        self.work()
        return self.read(contract), client

    @rehearsed
    def funded_contract(
        self, card: str = "4242 4242 4242 4242", everything: bool = True, **more: Any
    ) -> tuple[dict[str, Any], Person]:
        contract, client = self.accepted_contract(**more)
        ids = [m["id"] for m in contract["milestones"]]
        client.pay(ids if everything else ids[:1], card)
        self.work()
        return self.read(contract), client

    @rehearsed
    def submitted_contract(self, **more: Any) -> tuple[dict[str, Any], Person]:
        contract, client = self.funded_contract(**more)
        self.program().post(
            f"/v1/milestones/{contract['milestones'][0]['id']}/submissions", {"note": "It is done."}
        )
        self.work()
        return self.read(contract), client

    @rehearsed
    def released_contract(self, **more: Any) -> tuple[dict[str, Any], Person]:
        contract, client = self.submitted_contract(**more)
        reply = client.approve(contract["milestones"][0]["id"])
        assert reply.status == 303, reply.page.text
        self.work()
        return self.read(contract), client

    def onboarded(self, who: str = "ada", outcome: str = "active") -> None:
        url = self.program(who).post("/v1/payout-account/onboarding")["url"]
        person = self.client()
        path = url.removeprefix(BASE)
        form = person.get(path).forms[0]
        person.press(path, form, outcome=outcome)
        self.work()

    def read(self, contract: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.program().get(f"/v1/contracts/{contract['id']}")
        return found
