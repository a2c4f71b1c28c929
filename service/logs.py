"""Structured logs: one JSON line per event, with nothing in it that must not be: no token, key, code, address or card."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from service.traces import of_exc_info, trace

_SECRETS = re.compile(
    r"(hf_(?:test|live)_[\w-]+|[rs]k_(?:test|live)_[\w]+|whsec_[\w]+|/l/[\w.\-]+|Bearer\s+\S+|[\w.+-]+@[\w-]+\.[\w.-]+|\b(?:\d[ -]?){13,19}\b)", re.IGNORECASE
)
_NAMES = re.compile(r"secret|password|token|authorization|cookie|email|card|code\b", re.IGNORECASE)


def scrub(_: Any, __: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """The last step before a line leaves: names that hold secrets are blanked, texts that look like secrets are cut out."""
    return {key: "[hidden]" if _NAMES.search(key) and key != "code" else _clean(value) for key, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRETS.sub("[hidden]", value)
    if isinstance(value, dict):
        return {key: "[hidden]" if _NAMES.search(str(key)) else _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def _exceptions(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as its kind and its place; its message stays here where it may be somebody's data."""
    error = of_exc_info(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = trace(error)
    return event


def configure(level: str) -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exceptions,
            scrub,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper(), logging.INFO)),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
