"""Structured logs: one JSON line per event, with nothing in it that must not be: no token, key,
code, address or card.

What a value is decides, not what it is called: every text that leaves, in whatever field, list,
exception or traceback, is searched for the shapes of secrets and of personal data, and for the
secrets of this process's own settings.
"""

from __future__ import annotations

import base64
import ipaddress
import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, fields
from typing import Final
from urllib.parse import unquote, urlsplit

import structlog

from service.domain.text.inert import accounts
from service.platform.config import Settings
from service.platform.traces import of_exc_info, trace

HIDDEN: Final = "[hidden]"

_SHAPES: Final = re.compile(
    r"""
      hf_(?:test|live)_[\w-]+                                  # our API keys
    | [srp]k_(?:test|live)_\w+ | whsec_\w+                     # Stripe's keys and webhook secrets
    | (?:pi|seti|cs|cus_ses)_\w+_secret_\w+                    # what lets a browser pay
    | (?:acct|cus|pm|ba|card|tok|src)_[A-Za-z0-9]{14,}         # people and their ways of paying at Stripe
    | /(?:l|f|a|i|enter)/[\w.\-]{16,}                          # our links
    | \beyJ[\w-]{8,}(?:\.[\w-]+){1,2}                          # signed tokens, ours and JWT
    | \bImNl[\w-]{8,}\.[\w-]+ | \b[\w-]{12,}\.[\w-]{43}\b      # itsdangerous: content and signature
    | \b(?:Bearer|Basic|Digest|Negotiate|Token)\s+[\w+/=.:~-]{4,}  # headers of who is calling
    | (?<=://)[^\s/@:]+:[^\s/@]+(?=@)                          # password in an address of a server
    | (?i:password|passwd|secret|token|api_?key|authorization|cookie|code)["']?\s*[=:]\s*["']?[^\s"',;&}\])]+
    | (?i:code)\W{1,4}(?:(?:is|was)\W+)?\d{6}\b                # the six digits of a letter
    | DETAIL:.*?(?=\n\[SQL:|\n\n(?:The\ above|During\ )|\Z)     # the row that PostgreSQL refused, with what people wrote
    | \[parameters:.*?\](?=\n\(Background|\n\n|\Z)              # the same, by SQLAlchemy
    | -----BEGIN[^-]*-----.*?(?:-----END[^-]*-----|$)          # private keys
    | [\w.!\#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+            # e-mail addresses
    | (?<![\w-])(?:\d[ -]?){12,18}\d(?![\w-])                  # cards
    | (?<![\w-])\d{3}-?\d{2}-?\d{4}(?![\w-])                   # tax numbers of people in the US
    """,
    re.VERBOSE | re.DOTALL,
)
_MAYBE_IP: Final = re.compile(r"(?<![\w.:])[0-9A-Fa-f:.]{3,45}(?![\w:])")
_NAMES: Final = re.compile(
    r"secret|password|passwd|token|authorization|cookie|e?mail(?!_sent)|card|iban|tax_?id"
    r"|api_?key|private|address|recipient",
    re.IGNORECASE,
)
_OURS: Final = frozenset({"timestamp", "level"})
"""Written by us in these words; a time is not a card's number."""
_SHORTEST_SECRET = 8


@dataclass(frozen=True)
class Scrubber:
    """The last step before a line leaves.

    `secrets`: of the settings, in every form in which they could appear.
    """

    secrets: tuple[str, ...] = ()
    addresses: bool = False
    """Whether addresses of callers may stay: for operators who need them against attacks and may
    keep them.
    """

    def __call__(
        self, _: object, __: str, event: MutableMapping[str, object]
    ) -> MutableMapping[str, object]:
        return {
            key: value if key in _OURS else self._value(key, value) for key, value in event.items()
        }

    def _value(self, key: str, value: object) -> object:
        return HIDDEN if _NAMES.search(key) and value is not None else self._clean(value)

    def _clean(self, value: object) -> object:
        if value is None or isinstance(value, bool | int | float):
            return (
                self.text(str(value)) if isinstance(value, int) and abs(value) >= 10**11 else value
            )
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): self._value(str(key), inner) for key, inner in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean(inner) for inner in value]
        if isinstance(value, bytes):
            return self.text(value.decode(errors="replace"))
        # Whatever else there is becomes text by the renderer; then it has to be clean already.
        return self.text(value if isinstance(value, str) else str(value))

    def text(self, text: str) -> str:
        """A text without what must not be in a log."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        for start, end in reversed(accounts(text)):
            text = text[:start] + HIDDEN + text[end:]
        text = _SHAPES.sub(HIDDEN, text)
        return text if self.addresses else _MAYBE_IP.sub(_without_ip, text)


def _without_ip(found: re.Match[str]) -> str:
    text = found[0].rstrip(".:")
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return found[0]
    return HIDDEN + found[0][len(text) :]


class _Libraries(logging.Handler):
    """What libraries say by the standard logging goes the same way out."""

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__()
        self.scrubber = scrubber
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        print(self.scrubber.text(self.format(record)), file=sys.stderr)


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Every secret of the settings, as it is and in the forms that programs write: hex, Base64,
    URL-safe; longest first.
    """
    plain: set[str] = set()
    for field in fields(settings):
        value = getattr(settings, field.name)
        if not field.repr and field.name not in ("fees", "entity", "kinds"):
            plain |= {
                secret
                for one in (value if isinstance(value, tuple) else (value,))
                for secret in _with_password(one)
                if len(secret) >= _SHORTEST_SECRET
            }
    forms: tuple[Callable[[bytes], str], ...] = (
        bytes.hex,
        lambda raw: raw.hex().upper(),
        lambda raw: base64.b64encode(raw).decode().rstrip("="),
        lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="),
    )
    found = plain | {one.upper() for one in plain if _is_hex(one)}
    for one in plain:
        raws = [one.encode(), *([bytes.fromhex(one)] if _is_hex(one) else [])]
        found |= {form(raw) for raw in raws for form in forms}
    return tuple(sorted(found, key=len, reverse=True))


def _exceptions(
    _: object, __: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """An exception as its kind and its place; its message stays here where it may be somebody's
    data.
    """
    error = of_exc_info(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = trace(error)
    return event


def _with_password(setting: str) -> tuple[str, ...]:
    """A setting and, where it is the address of a server, the password in it."""
    password = urlsplit(setting).password if "://" in setting else None
    return (setting, password, unquote(password)) if password else (setting,)


def _is_hex(text: str) -> bool:
    return len(text) % 2 == 0 and re.fullmatch("[0-9a-fA-F]+", text) is not None


def configure(settings: Settings) -> None:
    """From now on every line of this process goes through the scrubber of these settings."""
    scrubber = Scrubber(secrets_of(settings), settings.log_addresses)
    _scrub_libraries(scrubber)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exceptions,
            scrubber,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            getattr(logging, settings.log_level.upper(), logging.INFO)
        ),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _scrub_libraries(scrubber: Scrubber) -> None:
    root = logging.getLogger()
    for before in [handler for handler in root.handlers if isinstance(handler, _Libraries)]:
        root.removeHandler(before)
    root.addHandler(_Libraries(scrubber))
