"""A client is one e-mail address on the whole platform; each freelancer knows them by an id of their own (the alias)."""

from __future__ import annotations

from sqlalchemy import select, text

from service.act import Act
from service.models import Client, ClientAlias, new_id


def normalised(email: str) -> str:
    """One person, one address: case and surrounding space do not make another."""
    return email.strip().lower()


def find_or_make(act: Act, freelancer_id: str, email: str) -> tuple[Client, ClientAlias]:
    """The client at this address and this freelancer's alias for them; whichever is missing is made."""
    address = normalised(email)
    known = select(Client, ClientAlias).join(ClientAlias, ClientAlias.client_id == Client.id)
    query = known.where(Client.email == address, ClientAlias.freelancer_id == freelancer_id)
    found = act.session.execute(query).one_or_none()
    if found is None:
        # Two first contracts with the same person at once: one of them waits here, then finds the other's rows.
        act.session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:email, 2))"), {"email": address})
        found = act.session.execute(query).one_or_none()
    return (found[0], found[1]) if found else _make(act, freelancer_id, address)


def _make(act: Act, freelancer_id: str, address: str) -> tuple[Client, ClientAlias]:
    client = act.session.execute(select(Client).where(Client.email == address)).scalar_one_or_none()
    if client is None:
        client = Client(id=new_id("cli"), email=address, created_at=act.now)
        act.session.add(client)
    alias = ClientAlias(id=new_id("cli"), freelancer_id=freelancer_id, client_id=client.id)
    act.session.add(alias)
    act.session.flush()
    return client, alias
