"""What freelancers declare to tax offices: taken in whole, sealed, shown masked.

Every reading of the whole is a fact with a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from service.core import events, repository
from service.core.context import Context
from service.domain.errors import FieldError, Invalid
from service.domain.identity import tax_forms, typeid
from service.models import TaxIdentity, new_id
from service.platform.db import fetch
from service.platform.encryption import FieldEncryption

_PRINTED = ("street", "building", "postcode", "city")


def declare(
    ctx: Context, encryption: FieldEncryption, freelancer_id: str, given: dict[str, Any]
) -> TaxIdentity:
    """Take in a signed form; it replaces the one before, which stays for the years it was true in.

    Raises Invalid, Unavailable.
    """
    person = repository.freelancer(ctx.session, freelancer_id, lock=True)
    _check(given)
    before = repository.tax_identity(ctx.session, person.id)
    if before is not None:
        before.replaced_at = ctx.now
        # The index knows one present declaration: the old one leaves it before the new one comes.
        ctx.session.flush()
    made = _sealed(ctx, encryption, person.id, given)
    ctx.session.add(made)
    events.record(
        ctx, "tax_identity.declared", made, public=False, form=made.form, country=made.country
    )
    return made


def _check(given: dict[str, Any]) -> None:
    """Raises Invalid with everything that is wrong."""
    wrong = tax_forms.problems(
        given["form"], given["seller_kind"], given["country"], given["region"], given["tin"]
    )
    wrong += list(_missing(given))
    if given["invoices_by_mandate"] and given["vat_id"]:
        said = (
            "Sellers with a VAT number write their own invoices for now: the rate is theirs to say."
        )
        wrong.append(("invoices_by_mandate", said))
    if wrong:
        raise Invalid(
            "The declaration is not complete.",
            errors=[FieldError(f"/{name}", "tax_form", words) for name, words in wrong],
        )


def _sealed(
    ctx: Context, encryption: FieldEncryption, freelancer_id: str, given: dict[str, Any]
) -> TaxIdentity:
    name = given["legal_name"] or f"{given['first_name']} {given['last_name']}"
    return TaxIdentity(
        id=new_id("txi"),
        freelancer_id=freelancer_id,
        form=given["form"],
        seller_kind=given["seller_kind"],
        country=given["country"],
        region=given["region"],
        tin_masked=tax_forms.masked(given["tin"], given["country"]),
        vat_id=given["vat_id"],
        printed={"name": name, "country": given["address"]["country"]}
        | {key: given["address"][key] for key in _PRINTED if given["address"].get(key)},
        sealed=encryption.encrypt_values(given | {"birth_date": str(given["birth_date"] or "")}),
        sealed_with=encryption.name,
        invoices_by_mandate=given["invoices_by_mandate"],
        signed_at=ctx.now,
        expires_on=tax_forms.expires_on(given["form"], ctx.today),
        replaced_at=None,
    )


def _missing(given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    needed = ("legal_name",) if given["seller_kind"] == "entity" else ("first_name", "last_name")
    if given["seller_kind"] == "individual" and given["form"] == "dac7":
        needed = (*needed, "birth_date")
    yield from ((name, "This is needed.") for name in needed if not given[name])


def status(found: TaxIdentity | None, today: date) -> str:
    if found is None:
        return "missing"
    return "expired" if found.expires_on and found.expires_on < today else "valid"


def opened(
    ctx: Context, encryption: FieldEncryption, found: TaxIdentity, why: str
) -> dict[str, Any]:
    """The whole of it, for a file that needs it; who read it and why is a fact."""
    events.record(ctx, "tax_identity.read", found, public=False, why=why)
    return encryption.decrypt_values(found.sealed)


_STATES = """
    SELECT CASE WHEN t.id IS NULL THEN 'missing' WHEN t.expires_on < %s THEN 'expired' ELSE 'valid'
        END AS status, count(*) AS freelancers
      FROM freelancer f LEFT JOIN tax_identity t ON t.freelancer_id = f.id AND t.replaced_at IS NULL
          GROUP BY 1
"""
_WANTING = """
    SELECT f.id, f.display_name, f.country, CASE WHEN t.id IS NULL THEN 'missing' ELSE 'expired' END
        AS status
      FROM freelancer f LEFT JOIN tax_identity t ON t.freelancer_id = f.id AND t.replaced_at IS NULL
     WHERE (t.id IS NULL OR t.expires_on < %s)
         AND EXISTS (SELECT 1 FROM release r WHERE r.freelancer_id = f.id) ORDER BY f.id LIMIT 100
"""


def on_file(session: Session, today: date) -> dict[str, int]:
    """How many freelancers have valid papers, expired ones, none."""
    found = {row.status: int(row.freelancers) for row in fetch(session, _STATES, (today,))}
    return {state: found.get(state, 0) for state in ("valid", "expired", "missing")}


def wanting(session: Session, today: date) -> list[dict[str, str]]:
    """Who was paid and has no valid papers; at most 100, export tax_documents has all."""
    return [
        {
            "id": typeid.encode("frl", row.id),
            "name": row.display_name,
            "country": row.country,
            "status": row.status,
        }
        for row in fetch(session, _WANTING, (today,))
    ]
