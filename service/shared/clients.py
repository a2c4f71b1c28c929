"""A client is one e-mail address on the whole platform; each freelancer knows them by an id of
their own (the alias).
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.context import Context
from service.domain.errors import FieldError, NotFound
from service.domain.identity import address, typeid
from service.domain.identity.actors import Actor, ActorKind
from service.models import Client, ClientAlias, ClientLink, Freelancer, new_id
from service.platform.locks import Lock, alone


def normalised(email: str) -> str:
    """One person, one address: case, surrounding space, and how a domain of other letters is
    written do not make another.
    """
    return address.normal(email)


def mailbox(email: str) -> str:
    """The mailbox behind an address: what follows a plus is the same one, and so are Gmail's
    dots.
    """
    local, _, domain = normalised(email).partition("@")
    local = local.partition("+")[0]
    return (
        f"{local.replace('.', '')}@gmail.com"
        if domain in ("gmail.com", "googlemail.com")
        else f"{local}@{domain}"
    )


def objections(freelancer: Freelancer, email: str, relation: str | None) -> list[FieldError]:
    """Why these two cannot have a contract: only that they are one.

    That they know each other is never a reason.
    """
    found = []
    if normalised(email) == normalised(freelancer.email):
        found.append(
            FieldError("/client/email", "own_address", "A contract needs another person as client.")
        )
    elif mailbox(email) == mailbox(freelancer.email):
        found.append(
            FieldError(
                "/client/email",
                "own_mailbox",
                "This address belongs to the freelancer's own mailbox: a contract needs another "
                "person.",
            )
        )
    if relation == "employer_or_own_company":
        found.append(
            FieldError(
                "/relationship",
                "own_company",
                "Paying yourself, or through your own company, is not what contracts are for.",
            )
        )
    return found


def alias_of(session: Session, freelancer_id: str, client: str) -> str:
    """The alias by which a freelancer knows a client, from the alias itself or an address.

    Raises NotFound for a stranger.

    Whoever the freelancer never had a contract with is a stranger, on the platform or not.
    """
    mine = select(ClientAlias.id).where(ClientAlias.freelancer_id == freelancer_id)
    if typeid.is_typeid(client, "cli"):
        query = mine.where(ClientAlias.id == client)
    else:
        query = mine.join(Client, Client.id == ClientAlias.client_id).where(
            Client.email == normalised(client)
        )
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such client.")
    return found


def find_or_make(ctx: Context, freelancer_id: str, email: str) -> tuple[Client, ClientAlias]:
    """The client at this address and this freelancer's alias for them; whichever is missing is
    made.
    """
    here = normalised(email)
    known = select(Client, ClientAlias).join(ClientAlias, ClientAlias.client_id == Client.id)
    query = known.where(Client.email == here, ClientAlias.freelancer_id == freelancer_id)
    found = ctx.session.execute(query).one_or_none()
    if found is None:
        # Two first contracts with the same person at once: one of them waits here, then finds the
        # other's rows.
        alone(ctx.session, Lock.CLIENT, here)
        found = ctx.session.execute(query).one_or_none()
    return (found[0], found[1]) if found else _make(ctx, freelancer_id, here)


def _make(ctx: Context, freelancer_id: str, email: str) -> tuple[Client, ClientAlias]:
    client = ctx.session.execute(select(Client).where(Client.email == email)).scalar_one_or_none()
    if client is None:
        client = Client(id=new_id("cli"), email=email, created_at=ctx.now)
        ctx.session.add(client)
    alias = ClientAlias(id=new_id("cli"), freelancer_id=freelancer_id, client_id=client.id)
    ctx.session.add(alias)
    ctx.session.flush()
    return client, alias


def link_of_payer(session: Session, payer: Actor | None) -> ClientLink | None:
    """The link by which a colleague of the client paid; None where the client paid themselves, or
    nobody was noted.
    """
    return (
        session.get_one(ClientLink, payer.id)
        if payer is not None and payer.kind is ActorKind.COLLEAGUE
        else None
    )
