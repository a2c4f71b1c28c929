""" "May I use this for this client?": asked without consequence, answered in plain words, kept so
that it can be cited later.
"""

from __future__ import annotations

from service.core import repository
from service.core.context import Context
from service.core.repository import Owner
from service.domain.identity.typeid import ObjectKind
from service.models import PreCheck, new_id
from service.shared import clients

_WELCOME = {
    "existing_client": "A client you have worked for is what direct contracts are for.",
    "acquaintance": "Knowing your client is welcome: a direct contract counts for no score, so "
    "there is nothing that it could be held against.",
    "family": "Family is welcome: a direct contract counts for no score, so there is nothing "
    "that it could be held against.",
}


def ask(ctx: Context, freelancer_id: str, email: str, relation: str, kind: str) -> PreCheck:
    """Whether these two can have a contract.

    Nothing else is looked up, so the answer tells nothing about the client.
    """
    objections = clients.objections(
        repository.freelancer(ctx.session, freelancer_id), email, relation
    )
    findings = [{"code": o.code, "message": o.message} for o in objections]
    if not findings:
        findings.append({"code": "welcome", "message": _WELCOME[relation]})
    answer = PreCheck(
        id=new_id("pck"),
        freelancer_id=freelancer_id,
        client_email=clients.normalised(email),
        relation=relation,
        kind=kind,
        allowed=not objections,
        findings=findings,
        policy_version=ctx.policies.windows.version,
        asked_at=ctx.now,
    )
    ctx.session.add(answer)
    return answer


def find(ctx: Context, pre_check_id: str, *, owner: Owner) -> PreCheck:
    """Raises NotFound."""
    found: PreCheck = repository.owned(
        ctx.session,
        PreCheck,
        ObjectKind.PRE_CHECK,
        pre_check_id,
        owner=owner,
        missing="There is no such answer.",
    )
    return found
