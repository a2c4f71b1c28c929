"""What views and handlers share: settings, policies, the database, the outside world.

Built once, by the composition root.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from service.core.context import Context, begin
from service.domain.identity.actors import SYSTEM, Actor
from service.gateways.mail import MailGateway
from service.gateways.scanner import Clamd
from service.gateways.stripe import StripeGateway
from service.platform.config import Settings
from service.platform.db import Database
from service.platform.encryption import FieldEncryption
from service.platform.tokens import Tokens
from service.policies import Policies


@dataclass(frozen=True)
class Runtime:
    settings: Settings
    policies: Policies
    db: Database
    stripe: StripeGateway
    mail: MailGateway
    tokens: Tokens = field(repr=False)
    encryption: FieldEncryption = field(repr=False)
    scanner: Clamd | None = None
    """Looks at files before they are kept, where the operator has one."""

    @contextmanager
    def context(self, request_id: str, actor: Actor = SYSTEM) -> Iterator[Context]:
        """The context of an action of the system in a transaction of its own."""
        with self.db.transaction() as session:
            yield begin(session, actor, request_id, self.policies)
