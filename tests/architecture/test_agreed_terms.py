"""A new term of a contract is remembered in every list that is kept by hand.

Each list is walked by the fields of `ContractTerms`; what it leaves out is named here, with the
reason.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from service.domain.states.terms import ClientTerms, ContractTerms
from service.models import Contract
from service.operations.contracts import conversions
from service.shared import agreement

GIVEN = Path(__file__).resolve().parents[2] / "migrations" / "objects" / "given.sql"
TERMS = [term.name for term in fields(ContractTerms)]

NOT_COPIED = {
    "kind": "a conversion changes it",
    "fee_rate": "only the normal kind has one, and a direct contract is converted",
    "milestones": "those that are not paid go on, by rows of their own",
}
NOT_TOLD = {
    "client": "the mailbox that reads the news; a name is corrected by whoever bears it",
    "relation": "asked for the freelancer's protection, no part of the text",
    "currency": "fixed when the contract is made",
    "fee_rate": "between the freelancer and the platform; the quote says what it costs",
    "metadata": "the marketplace's own, no part of the text",
}
NOT_FIXED = {
    "client": "who they are moves by `email_change`, with a notice of its own",
    "relation": "no part of the text",
    "currency": "fixed from the first by `terms_fixed`",
    "milestones": "rows of their own, fixed by `terms_fixed` once funded and by the text's hash",
    "fee_rate": "the quote's schedules are fixed by `terms_fixed`",
    "metadata": "no part of the text",
}


def columns(term: str) -> set[str]:
    """Where a contract keeps a term."""
    if term == "client":
        return {f"client_{one.name}" for one in fields(ClientTerms) if one.name != "email"}
    return {{"metadata": "metadata_"}.get(term, term)}


def a_contract() -> SimpleNamespace:
    """Every plain term with the same word."""
    found = SimpleNamespace(**dict.fromkeys(TERMS, "before"))
    found.id, found.text_version = "ctr_1", 1
    found.freelancer = SimpleNamespace(display_name="Ada")
    found.client = SimpleNamespace(email="charles@babbage.example")
    found.client_name, found.client_company = "Charles", None
    found.milestones = [SimpleNamespace(number=1, title="Engine", amount_minor=10_000, due_on=None)]
    return found


def told(term: str) -> bool:
    """Whether a reader of the next version is told of a change of this term."""
    old, new = a_contract(), a_contract()
    if term == "milestones":
        new.milestones[0].title = "Mill"
    elif term == "client":
        new.client_name = "Henry"
    else:
        setattr(new, term, "after")
    texts = [agreement.text_of(cast("Contract", one)) for one in (old, new)]
    return bool(agreement.differences(*texts))


def test_every_term_is_kept() -> None:
    missing = {name for term in TERMS for name in columns(term) if not hasattr(Contract, name)}
    assert not missing, f"`Contract` has no column for the terms {missing}"


@pytest.mark.parametrize("term", TERMS)
def test_a_conversion_copies_it(term: str) -> None:
    copied = columns(term) <= set(conversions._COPIED)
    assert copied != (term in NOT_COPIED), (
        f"`_COPIED` in operations/contracts/conversions.py and NOT_COPIED here disagree on {term}"
    )


@pytest.mark.parametrize("term", TERMS)
def test_a_reader_is_told_of_it(term: str) -> None:
    assert told(term) != (term in NOT_TOLD), (
        f"`differences` in shared/agreement.py (or `text_of`) and NOT_TOLD here disagree on {term}"
    )


def fixed_columns() -> set[str]:
    """Those that the trigger listens to and compares."""
    found = re.search(
        r"TRIGGER agreed_words BEFORE UPDATE OF (.*?)\n    EXECUTE", GIVEN.read_text(), re.DOTALL
    )
    assert found
    listens = re.split(r"\s+ON\s", found[1])[0].split(",")
    return {
        name.strip()
        for name in listens
        if {f"OLD.{name.strip()}", f"NEW.{name.strip()}"} <= set(re.findall(r"[\w.]+", found[1]))
    }


@pytest.mark.parametrize("term", TERMS)
def test_the_database_keeps_it_as_agreed(term: str) -> None:
    assert (columns(term) <= fixed_columns()) != (term in NOT_FIXED), (
        f"`agreed_words` in migrations/objects/given.sql and NOT_FIXED here disagree on {term}"
    )
