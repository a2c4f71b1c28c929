"""What the sandbox's application carries: its database, and how due work is finished."""

from __future__ import annotations

from contextlib import AbstractContextManager

from flask import current_app
from sqlalchemy.orm import Session

from service.platform.db import Database
from service.sandbox.runner import Pump


def database() -> Database:
    found: Database = current_app.extensions["database"]
    return found


def pump() -> Pump:
    found: Pump = current_app.extensions["pump"]
    return found


def transaction() -> AbstractContextManager[Session]:
    """A transaction of the request; it commits when its block ends."""
    return database().transaction()
