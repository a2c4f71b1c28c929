"""The schema: models and migrations agree, and the rows that PostgreSQL refuses by are the domain's
own tables.
"""

from __future__ import annotations

from service.domain.money.chart import ACCOUNTS, ENTRIES
from service.domain.states.lifecycle import MACHINES, hops
from service.platform.db import migrate
from tests.world import World


def test_models_and_migrations_agree(world: World) -> None:
    migrate.check(world.settings.owner_url)


def test_migrating_again_changes_nothing(world: World) -> None:
    migrate.upgrade(world.settings.owner_url, "sandbox")
    with world.db.transaction() as session:
        assert migrate.current(session.connection()) == migrate.head()


def test_the_chart_in_the_database_is_the_domain_s(world: World) -> None:
    accounts = {
        (r.kind, r.normal_side, r.bounded, r.trust_side)
        for r in world.sql("SELECT * FROM chart_account")
    }
    assert accounts == {(a.name, a.side, a.bounded, a.trust_side) for a in ACCOUNTS.values()}
    lines = {
        (r.entry_kind, r.debit_kind, r.credit_kind, r.gate)
        for r in world.sql("SELECT * FROM chart_line")
    }
    assert lines == {(e.name, d, c, e.gate) for e in ENTRIES.values() for d, c in e.lines}


def test_the_hops_in_the_database_are_the_domain_s(world: World) -> None:
    found = {(r.machine, r.source, r.target) for r in world.sql("SELECT * FROM lifecycle_hop")}
    assert found == {
        (machine, source, target) for machine in MACHINES for source, target in hops(machine)
    }
