"""Everything that can be repeated has a most: drafts at once, offers, evidence, files."""

from __future__ import annotations

import pytest

from service.domain.identity import typeid
from service.models import new_id
from service.operations.contracts import drafts
from service.operations.disputes import evidence, files
from service.operations.disputes.negotiation import MOST_OFFERS
from tests.journey import contract_body
from tests.states.test_disputes import negotiating
from tests.world import World


def test_old_drafts_go_each_by_a_job_of_its_own(world: World) -> None:
    """However many: one that cannot go keeps no other, and one that was touched meanwhile stays."""
    ada = world.program()
    made = [ada.post("/v1/contracts", contract_body())["id"] for _ in range(203)]
    world.sql_owner("UPDATE contract SET updated_at = updated_at - interval '91 days'")
    with world.runtime.context("system") as ctx:
        assert sorted(drafts.old_drafts(ctx)) == sorted(made)
        assert not drafts.forget_draft(ctx, new_id("ctr")), "one that is gone already"
    world.sql_owner(f"UPDATE contract SET updated_at = now() WHERE id = '{typeid.decode(made[0])}'")
    gone = []
    for one in made:
        with world.runtime.context("system") as ctx:
            gone.append(drafts.forget_draft(ctx, one))
    assert gone == [False] + [True] * 202
    assert [r.n for r in world.sql("SELECT count(*) AS n FROM contract")] == [1]


def test_forty_offers_and_then_a_mediator(world: World) -> None:
    _, _, address = negotiating(world)
    ada = world.program()
    answers = [
        ada.call("POST", f"{address}/proposals", {"refund": 1}) for _ in range(MOST_OFFERS + 1)
    ]
    assert [a.status for a in answers] == [200] * MOST_OFFERS + [409]
    assert answers[-1].json()["allowed_actions"] == ["mediate"]
    assert len(ada.get(address)["offers"]) == MOST_OFFERS


def test_sixty_pieces_of_evidence(world: World) -> None:
    _, _, address = negotiating(world)
    ada = world.program()
    statuses = [
        ada.call("POST", f"{address}/evidence", {"words": f"Page {n}."}).status
        for n in range(evidence.MOST_EVIDENCE + 1)
    ]
    assert statuses == [200] * evidence.MOST_EVIDENCE + [409]


def test_the_files_of_a_contract_have_a_size_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_TOGETHER", 25)
    contract, _, _ = negotiating(world)
    ada, address = world.program(), f"/v1/contracts/{contract['id']}/files"
    assert ada.upload(address, "one.txt", b"twenty bytes of text").status == 201
    refused = ada.upload(address, "two.txt", b"six mo")
    assert refused.status == 413
    assert "200 MiB" in refused.json()["detail"]
    assert ada.upload(address, "two.txt", b"five.").status == 201, "what still fits is taken"
    assert world.sql("SELECT sum(byte_count) AS n FROM file")[0].n == 25
