"""The stage of these tests: a copy of the funded database of its own for each."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from tests.operations.stage import Stage
from tests.servers import create, drop
from tests.world import make_settings


@pytest.fixture
def stage(funded_template: tuple[str, dict[str, str]]) -> Iterator[Stage]:
    """100.00 USD in escrow for one milestone; the service's runtime, no web, no worker."""
    template, known = funded_template
    name = f"t_{uuid.uuid4().hex[:16]}"
    create(name, template)
    made = Stage(make_settings(os.environ["TEST_APP_URL"].format(name)), known)
    try:
        yield made
    finally:
        made.runtime.db.dispose()
        drop(name)
