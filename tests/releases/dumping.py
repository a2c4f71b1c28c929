"""Makes the dump of a release that later releases are upgraded from: `python -m
tests.releases.dumping 0.1.0`.

The worked year, then what it lacks and the books keep: payouts that a hold stopped, an amount set
aside, a refund that came back, a chargeback in two rounds, a case that was reversed. Run it on the
code of the release, once.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from service.platform.db import migrate
from service.platform.db.embedded import EmbeddedServer
from service.platform.db.programs import binaries
from service.sandbox import store
from tests.databases import clone, make_people
from tests.finance import golden
from tests.safety.test_cases import drafted, line, step
from tests.safety.test_holds import freeze, lift
from tests.states.test_chargebacks import contest, shown
from tests.world import World

FOLDER = Path(__file__).parent
BASIS = "Statute of Uses 1536"


def drive(world: World) -> None:
    golden.drive(world)
    held_payout(world)
    amount_aside(world)
    refund_that_comes_back(world)
    chargeback_in_two_rounds(world)
    reversed_case(world)
    world.check_books()


def _released(world: World, amount: int, client: str) -> dict[str, object]:
    contract, _ = world.released_contract(milestones=[("Tables", amount)], client=client)
    return contract


def held_payout(world: World) -> None:
    """Asked for under a hold, held again before it left, paid in the end: `payout_request` with a
    sequence.
    """
    _released(world, 40_000, "grace@hopper.example")
    hold = freeze(world, world.ada_id, scopes=["outflow"])
    world.program().post("/v1/payouts", {"amount": 20_000, "currency": "USD"})
    lift(world, hold)
    world.advance("4d")


def amount_aside(world: World) -> None:
    hold = freeze(world, world.ada_id, amount=6_000, currency="USD")
    lift(world, hold)
    freeze(world, world.ada_id, amount=1_000, currency="USD")


def refund_that_comes_back(world: World) -> None:
    contract, _ = world.funded_contract(
        card="4000000000005126", milestones=[("Proofs", 5_000)], client="emmy@noether.example"
    )
    world.program().post(
        f"/v1/milestones/{contract['milestones'][0]['id']}/refunds", {"amount": 5_000}
    )
    world.work()
    world.advance("10d")


def chargeback_in_two_rounds(world: World) -> None:
    contract, _ = world.funded_contract(
        milestones=[("Maps", 10_000)], client="caroline@herschel.example"
    )
    dispute = contest(world)
    world.sandbox.post(f"disputes/{dispute}/won", {})
    world.work()
    world.sandbox.post(f"disputes/{dispute}/reopen", {})
    world.work()
    assert shown(world, contract)["state"] == "prearb"
    world.sandbox.post(f"disputes/{dispute}/lost", {})
    world.work()


def reversed_case(world: World) -> None:
    contract, _ = world.submitted_contract(
        milestones=[("Charts", 10_000)], client="maria@mitchell.example"
    )
    lines = [
        line("escrow", 2_000, "client", contract),
        line("available", 3_000, "proven_loss"),
        line("available", 500, "authority"),
    ]
    _, case = drafted(world, lines)
    step(world, "safety", case, "notice")
    world.program().post(f"/v1/cases/{case['id']}/answer", {"words": "The charts are mine."})
    for who in ("approver", "approver2"):
        step(world, who, case, "approve")
    step(world, "safety", case, "execute")
    step(world, "approver", case, "restore", {"reason": "The letter was forged."})


def main(release: str) -> None:
    server = EmbeddedServer(Path(tempfile.mkdtemp(prefix="holdfast-dump-")), durable=False)
    server.start()
    try:
        server.create_app_role()
        server.create_database("template_holdfast")
        owner = server.url("template_holdfast", owner=True)
        migrate.upgrade(owner, "sandbox")
        store.install(owner)
        os.environ |= {
            "TEST_OWNER_URL": server.url("{}", owner=True),
            "TEST_APP_URL": server.url("{}"),
        }
        make_people()
        with clone(forfeit_legal_basis=BASIS) as world:
            drive(world)
            world.db.dispose()
            _dump(server, world.database, FOLDER / f"{release}.sql.gz")
    finally:
        server.stop()


def _dump(server: EmbeddedServer, database: str, target: Path) -> None:
    command = [
        str(binaries() / "pg_dump"),
        "--no-comments",
        "--dbname",
        server.url(database, owner=True),
    ]
    made = subprocess.run(command, capture_output=True, check=True)
    # Clock and file name stay out of the archive: the same dump gives the same bytes.
    with target.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as out:
        out.write(made.stdout)
    print(f"{target.name}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
