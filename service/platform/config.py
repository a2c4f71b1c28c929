"""Settings, read once.

A missing secret or a HOLDFAST_ name we do not know stops the start: no silent defaults for secrets.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "HOLDFAST_"
_BOOLEANS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class ConfigError(Exception):
    """The environment is not usable; the message says which name and what to do."""


@dataclass(frozen=True)
class Settings:
    """All settings of one process.

    Field `x_y` is read from `HOLDFAST_X_Y`, or from the file that `HOLDFAST_X_Y_FILE` names.
    """

    mode: str
    """`sandbox` or `live`; written into the database at the first migration, a mismatch stops the
    start.
    """
    database_url: str = field(repr=False)
    owner_url: str = field(default="", repr=False)
    """The schema owner's address, for `migrate` only; the application role owns nothing."""
    public_url: str = "http://127.0.0.1:8000"
    platform_name: str = "Holdfast"
    support_email: str = "help@holdfast.example"
    secret_keys: tuple[str, ...] = field(default=(), repr=False)
    """For links, cookies and codes; the last one signs, all verify."""
    signing_key: str = field(default="", repr=False)
    """Ed25519 private key (32 bytes, hex) for ledger heads and papers."""
    tax_keys: tuple[str, ...] = field(default=(), repr=False)
    """32 bytes in hex each, for tax identities and filings; the last one seals, all open.

    Required in live mode.
    """
    paper_key: str = field(default="", repr=False)
    paper_certificate: str = ""
    """RSA key and X.509 certificate (PEM) that certificates of earnings are signed with; without
    them the manifest alone is signed.
    """
    stripe_key: str = field(default="", repr=False)
    stripe_webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    stripe_country: str = "US"
    settlement_currencies: tuple[str, ...] = ("USD", "EUR", "GBP", "INR", "JPY", "KWD")
    surcharge_legal_basis: str = ""
    forfeit_legal_basis: str = ""
    """Only with a recorded legal basis can a case forfeit money to the platform, after the time for
    an appeal.
    """
    fees: str = field(default="", repr=False)
    """Fee schedules as YAML instead of the shipped ones: name your file in `HOLDFAST_FEES_FILE`."""
    entity: str = field(default="", repr=False)
    """Who runs this, as papers and tax files name them: name your YAML file in
    `HOLDFAST_ENTITY_FILE`.
    """
    kinds: str = field(default="", repr=False)
    """Kinds of contracts as YAML instead of the shipped ones: name your file in
    `HOLDFAST_KINDS_FILE`.
    """
    mail_url: str = field(default="", repr=False)
    """`smtps://user:password@host:465`, or `smtp://…:587` with STARTTLS.

    Certificates are always checked.
    """
    mail_authorities: str = ""
    """Certificates (PEM) of a private authority for the mail server: name your file in
    `HOLDFAST_MAIL_AUTHORITIES_FILE`.
    """
    mail_from: str = "contracts@holdfast.example"
    mail_events_secret: str = field(default="", repr=False)
    scanner_url: str = ""
    """A clamd, `clamd://host:3310`, that looks at every file before it is kept; empty: files are
    not scanned.
    """
    book_zone: str = "UTC"
    bank_debit: bool = False
    web_port: int = 8000
    web_host: str = "127.0.0.1"
    web_workers: int = 2
    web_threads: int = 3
    worker_threads: int = 2
    calls_per_minute: int = 6_000
    """Per API key, over all processes; 0 switches the limit off."""
    address_calls_per_minute: int = 6_000
    """Per address (IPv6: per network of 64 bits), whoever calls from there; 0 switches the limit
    off.
    """
    failures_per_minute: int = 60
    """Calls from an address with a key or a link that opens nothing; then all its calls wait. 0
    switches it off.
    """
    trusted_proxies: int = 0
    """How many proxies in front append to X-Forwarded-For; 0 believes no such header."""
    log_level: str = "INFO"
    sandbox_hosts: tuple[str, ...] = ()
    """Names, besides this machine's own, under which the sandbox answers.

    It has no log-in: `sandbox_anywhere` says so once more.
    """
    sandbox_anywhere: bool = False
    """The sandbox may listen beyond this machine, under the names of `sandbox_hosts`: whoever
    reaches it may be anybody.
    """
    log_addresses: bool = False
    """Keep callers' IP addresses in the logs; without it they are cut out like other personal data.
    """
    failpoints: str = ""
    """Names of crash points to arm, `name=kill|raise`; refused in live mode."""

    @property
    def sandbox(self) -> bool:
        return self.mode == "sandbox"

    @property
    def hosts(self) -> frozenset[str]:
        """Host names that requests may carry; links are built from `public_url` only."""
        return frozenset(
            {
                _name_of(self.public_url),
                *_THIS_MACHINE,
                *(self.sandbox_hosts if self.sandbox else ()),
            }
        )

    def knows_host(self, host: str) -> bool:
        """Whether a request's `Host`, with or without a port, is one of ours."""
        return _name_of(f"//{host}") in self.hosts


_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


def _name_of(url: str) -> str:
    """The host of an address, without its port; empty for what is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment. Raises ConfigError with every problem in one message."""
    given = _with_files({k: v for k, v in (environ or os.environ).items() if k.startswith(PREFIX)})
    known = {PREFIX + f.name.upper(): f for f in fields(Settings)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ConfigError(
            f"Unknown setting {', '.join(unknown)}. Known: {', '.join(sorted(known))}."
        )
    for required in ("HOLDFAST_MODE", "HOLDFAST_DATABASE_URL"):
        if not given.get(required):
            raise ConfigError(f"{required} is required.")
    values: dict[str, Any] = {
        known[name].name: _read(given, name, str(known[name].type)) for name in given
    }
    settings = Settings(**values)
    problems = list(_problems(settings))
    if problems:
        raise ConfigError(" ".join(problems))
    return settings


def _with_files(given: dict[str, str]) -> dict[str, str]:
    for name in [n for n in given if n.endswith("_FILE")]:
        given[name.removesuffix("_FILE")] = Path(given.pop(name)).read_text().strip()
    return given


def _read(given: Mapping[str, str], name: str, kind: str) -> object:
    text = given[name]
    if kind == "int":
        if not re.fullmatch("[0-9]{1,9}", text):
            raise ConfigError(f"{name} is a whole number.")
        return int(text)
    if kind == "bool":
        if text.lower() not in _BOOLEANS:
            raise ConfigError(f"{name} is true or false.")
        return _BOOLEANS[text.lower()]
    if kind.startswith("tuple"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _problems(s: Settings) -> list[str]:
    found = [] if s.mode in ("sandbox", "live") else ["HOLDFAST_MODE is sandbox or live."]
    return [*found, *_keys(s), *_addresses(s), *(_sandbox(s) if s.sandbox else _live(s))]


def _keys(s: Settings) -> list[str]:
    found = []
    if not s.secret_keys or min(map(len, s.secret_keys)) < 32:
        found.append("HOLDFAST_SECRET_KEYS needs at least one key of 32 characters or more.")
    if len(s.signing_key) != 64:
        found.append("HOLDFAST_SIGNING_KEY is 32 bytes in hex (64 characters).")
    if not all(re.fullmatch(r"[0-9a-f]{64}", key) for key in s.tax_keys):
        found.append("HOLDFAST_TAX_KEYS are 32 bytes in hex each (64 characters), comma between.")
    if bool(s.paper_key) != bool(s.paper_certificate):
        found.append("HOLDFAST_PAPER_KEY and HOLDFAST_PAPER_CERTIFICATE belong together.")
    if not s.stripe_webhook_secrets:
        found.append(
            "HOLDFAST_STRIPE_WEBHOOK_SECRETS is required: an empty secret would verify anything."
        )
    return found


def _addresses(s: Settings) -> list[str]:
    found = []
    if s.scanner_url and not re.fullmatch(r"clamd://[A-Za-z0-9.\[\]:-]+", s.scanner_url):
        found.append("HOLDFAST_SCANNER_URL is clamd://host:port.")
    if s.mail_url and not re.match(r"smtps?://(?:[^\s/]*@)?[^\s/@]+", s.mail_url):
        found.append(
            "HOLDFAST_MAIL_URL begins with smtps:// or smtp:// (which means STARTTLS) and names "
            "a server."
        )
    return found


def _sandbox(s: Settings) -> list[str]:
    live_key = s.stripe_key.startswith(("sk_live", "rk_live"))
    return [
        *_beyond_this_machine(s),
        *(["A live Stripe key beside the sandbox is refused."] if live_key else []),
    ]


def _live(s: Settings) -> list[str]:
    needed = ("stripe_key", "mail_url", "mail_events_secret", "tax_keys")
    found = [
        f"HOLDFAST_{name.upper()} is required in live mode."
        for name in needed
        if not getattr(s, name)
    ]
    if s.failpoints:
        found.append("HOLDFAST_FAILPOINTS is refused in live mode.")
    if not s.public_url.startswith("https://"):
        found.append("HOLDFAST_PUBLIC_URL is https in live mode.")
    return found


def _beyond_this_machine(s: Settings) -> list[str]:
    """The sandbox lets anybody be anybody: what makes it reachable from elsewhere is said twice."""
    listens, called = s.web_host.lower(), _name_of(s.public_url)
    if listens in _THIS_MACHINE and called in _THIS_MACHINE and not s.sandbox_hosts:
        return []
    missing = []
    if not s.sandbox_anywhere:
        missing.append("HOLDFAST_SANDBOX_ANYWHERE=true")
    if not s.sandbox_hosts or called not in (*_THIS_MACHINE, *s.sandbox_hosts):
        missing.append("HOLDFAST_SANDBOX_HOSTS with each name that it may be called by")
    if not missing:
        return []
    return [
        (
            f"The sandbox has no log-in and stays on this machine; listening on {listens} as "
            f"{called} needs {' and '.join(missing)}."
        )
    ]
