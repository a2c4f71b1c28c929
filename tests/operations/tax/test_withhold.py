"""Tax withheld from a release: only where somebody decided so, and paid to the tax office once.

The duty of these tests is India's section 194-O: 5 % of what is released to somebody there whose
tax number is not on file.
"""

from __future__ import annotations

import os

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from service.domain.errors import Conflict, NotFound
from service.domain.money.chart import AccountCode
from service.models import TaxDue
from service.operations.tax import tax_dues, tax_scopes
from tests.operations.arranging import released
from tests.operations.stage import Stage

DUTY = "in_194o"


def _living_in_india(stage: Stage) -> None:
    """Nobody moves by the service: as the owner of the tests."""
    name = make_url(stage.runtime.settings.database_url).database
    with psycopg.connect(os.environ["TEST_OWNER_URL"].format(name)) as connection:
        connection.execute("UPDATE hf.freelancer SET country = 'IN'")


def _decided(stage: Stage, *, in_scope: bool = True) -> None:
    with stage.acting(stage.staff("Mary")) as ctx:
        tax_scopes.decide(ctx, DUTY, in_scope, "Counsel's opinion of 3 March")


def _remit(stage: Stage, due_id: str) -> None:
    with stage.acting(stage.staff("Luca")) as ctx:
        tax_dues.remit(ctx, due_id, "challan 7")


def _withheld(stage: Stage) -> str:
    """5.00 of a release of 100.00; the id of the month in which they are due."""
    _living_in_india(stage)
    _decided(stage)
    released(stage)
    with stage.acting(stage.system) as ctx:
        return ctx.session.execute(select(TaxDue.id)).scalar_one()


def test_the_tax_office_s_part_is_set_aside(stage: Stage) -> None:
    """What is withheld comes out of the freelancer's part and is nobody's but the tax office's."""
    _withheld(stage)
    # Of 100.00: 5 % fee and 5 % tax, 5.00 each.
    assert stage.balance() == {"pending": 9_000}
    assert stage.books(AccountCode.TAX_WITHHELD, AccountCode.PLATFORM_FEES) == {
        "tax_withheld": 500,
        "platform_fees": 500,
    }


@pytest.mark.parametrize("decision", [None, False])
def test_nothing_without_a_decision(stage: Stage, decision: bool | None) -> None:
    """Nobody's tax is withheld unless somebody decided that the duty is ours."""
    _living_in_india(stage)
    if decision is not None:
        _decided(stage, in_scope=decision)
    released(stage)
    assert stage.balance() == {"pending": 9_500}


def test_nothing_of_those_who_live_elsewhere(stage: Stage) -> None:
    """A duty is that of one country: who lives in another one gets all of theirs."""
    _decided(stage)
    released(stage)
    assert stage.balance() == {"pending": 9_500}


def test_a_month_is_paid_when_it_is_over(stage: Stage) -> None:
    """What the platform has paid to the tax office from its own account is the platform's."""
    due_id = _withheld(stage)
    before = stage.books(AccountCode.PSP_OPERATING).get("psp_operating", 0)
    stage.later(days=30)
    _remit(stage, due_id)
    assert stage.books(AccountCode.TAX_WITHHELD) == {}
    assert stage.books(AccountCode.PSP_OPERATING).get("psp_operating", 0) == before + 500
    assert stage.balance() == {"pending": 9_000}, "the freelancer's is as it was"


def test_not_before_it_is_over(stage: Stage) -> None:
    """In a month that goes on more may be withheld: it is not paid yet."""
    due_id = _withheld(stage)
    with stage.refused(Conflict):
        _remit(stage, due_id)


def test_once(stage: Stage) -> None:
    """A month that was paid is not paid again."""
    due_id = _withheld(stage)
    stage.later(days=30)
    _remit(stage, due_id)
    with stage.refused(Conflict):
        _remit(stage, due_id)


def test_there_has_to_be_something(stage: Stage) -> None:
    """Where nothing was withheld there is no month to pay."""
    with stage.refused(NotFound):
        _remit(stage, "txd_01m8jexreheq1t7450kgnh83rs")
