"""Whom the platform operator's report is about: the operator, and sellers as they declared
themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NotRequired, TypedDict


@dataclass(frozen=True)
class Operator:
    """The platform itself, as it is registered."""

    legal_name: str
    trading_name: str
    country: str
    tin: str
    tin_issued_by: str
    vat_id: str
    street: str
    building: str
    postcode: str
    city: str


class Address(TypedDict):
    """Where somebody lives; what was not declared is not there."""

    country: str
    street: NotRequired[str]
    building: NotRequired[str]
    postcode: NotRequired[str]
    city: NotRequired[str]


class BirthPlace(TypedDict):
    city: str
    country: str


class BankAccount(TypedDict):
    """`kind`: of its number, IBAN or another."""

    kind: str
    number: str
    holder: str


class SellerIdentity(TypedDict):
    """What a seller declared: of an entity its legal name, of a person names and birth."""

    seller_kind: str
    country: str
    tin: str
    address: Address
    tin_issued_by: NotRequired[str | None]
    vat_id: NotRequired[str | None]
    legal_name: NotRequired[str]
    first_name: NotRequired[str]
    last_name: NotRequired[str]
    birth_date: NotRequired[str]
    birth_place: NotRequired[BirthPlace | None]
    account: NotRequired[BankAccount | None]
    region: NotRequired[str | None]
