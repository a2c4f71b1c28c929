"""Names, titles and file names: the same judge at every door, found by walking the API's own
description.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.domain.identity.names import NameKind, objection
from tests.journey import contract_body
from tests.world import World

ADDRESSES = [
    "https://evil.example/x",
    "ada@evil.example",
    "www.evil.click",
    "evil.click",
    "call +44 20 7946 0958",
    "GB82 WEST 1234 5698 7654 32",
]
OURS = [
    "Holdfast Security Team",
    "H0ldfast",
    "Hоldfаst",
    "𝓗𝓸𝓵𝓭𝓯𝓪𝓼𝓽 billing",
    "H.o.l.d.f.a.s.t",
    "hold-fast",
    "Holdfaṡt",
]
OFFICES = ["Support", "Ѕuppоrt", "S u p p o r t", "Security Team", "No-Reply", "ADMIN"]
FINE = [
    "Ada Lovelace",
    "Søren Kierkegaard",
    "李清照",
    "Ibn Sīnā",
    "Ada 'Countess' King, née Byron",
    "J. R. R. Tolkien",
    "María José de la Cruz",
]
FINE_TITLES = [
    "Node.js and ASP.NET rewrite",
    "Customer support for my shop",
    "Phase 2: 1.500,00 EUR of 14.12.2026",
    "St.Gallen map",
    "v1.2.3 release",
]

_NAMED = {"name", "title", "display_name", "company", "full_name", "filename"}
JUDGED = {
    ("/v1/contracts", "title"),
    ("/v1/contracts", "client/name"),
    ("/v1/contracts", "client/company"),
    ("/v1/contracts", "milestones/title"),
    ("/v1/contracts/{contract_id}", "title"),
    ("/v1/contracts/{contract_id}", "client/name"),
    ("/v1/contracts/{contract_id}", "client/company"),
    ("/v1/contracts/{contract_id}", "milestones/title"),
    ("/v1/contracts/{contract_id}/amendments", "milestones/title"),
    ("/v1/freelancers", "display_name"),
    ("/v1/accountant-links", "name"),
}
"""Every field of the document that is somebody's name or title, as the tests below send it."""


def _fields(document: dict[str, Any], schema: dict[str, Any], path: str = "") -> Iterator[str]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for part in schema.get("allOf", []) + schema.get("anyOf", []):
        yield from _fields(document, part, path)
    if "items" in schema:
        yield from _fields(document, schema["items"], path)
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}{name}"
        yield from _fields(document, inner, f"{path}{name}/")


def test_every_name_of_the_document_is_judged() -> None:
    document = yaml.safe_load((Path(__file__).resolve().parents[2] / "openapi.yaml").read_text())
    found = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in ("post", "patch", "put"):
                for content in operation.get("requestBody", {}).get("content", {}).values():
                    found |= {
                        (path, field)
                        for field in _fields(document, content["schema"])
                        if field.rpartition("/")[2] in _NAMED
                    }
    # A quote names nobody to anybody: it is thrown away with the answer. People of staff are the
    # platform, and call themselves so. An export's name is one of a list.
    assert {
        (path, field)
        for path, field in found
        if path not in ("/v1/fee-quote", "/v1/staff/key-requests", "/v1/exports")
    } == JUDGED


def _refused(reply: Any, pointer: str, code: str) -> None:
    assert reply.status == 422, reply.text
    assert [(e["pointer"], e["code"]) for e in reply.json()["errors"]] == [(pointer, code)], (
        reply.text
    )


def _bodies(bad: str) -> Iterator[tuple[str, dict[str, Any]]]:
    body = contract_body()
    yield "/title", body | {"title": bad}
    yield "/client/name", body | {"client": body["client"] | {"name": bad}}
    yield "/client/company", body | {"client": body["client"] | {"company": bad}}
    yield "/milestones/1/title", contract_body(milestones=[("Work", 10_000), (bad, 10_000)])


def test_a_contract(world: World) -> None:
    ada = world.program()
    draft = ada.call("POST", "/v1/contracts", contract_body())
    path, tag = f"/v1/contracts/{draft.json()['id']}", draft.headers["etag"]
    for bad in ADDRESSES + OURS:
        for pointer, body in _bodies(bad):
            if pointer == "/client/company" and bad == "evil.click":
                continue  # companies are called Booking.com
            code = "carries_address" if bad in ADDRESSES else "speaks_for_platform"
            _refused(ada.call("POST", "/v1/contracts", body), pointer, code)
            _refused(ada.call("PATCH", path, body, headers={"If-Match": tag}), pointer, code)
    for title in FINE_TITLES:
        ada.post("/v1/contracts", contract_body(title=title))


def test_an_amendment_and_what_was_there_before(world: World) -> None:
    """A title that is refused today and was stored before stays; a new one is judged."""
    contract, _ = world.accepted_contract(milestones=[("Work", 10_000), ("More", 10_000)])
    ada, path = world.program(), f"/v1/contracts/{contract['id']}/amendments"
    kept = [
        {"id": m["id"], "title": m["title"], "amount": m["amount"]} for m in contract["milestones"]
    ]
    for bad in ADDRESSES + OURS:
        _refused(
            ada.call("POST", path, {"milestones": [kept[0], kept[1] | {"title": bad}]}),
            "/milestones/1/title",
            "carries_address" if bad in ADDRESSES else "speaks_for_platform",
        )
    world.sql_owner("UPDATE milestone SET title = 'Redesign acme.com' WHERE number = 1")
    assert (
        ada.call(
            "POST",
            path,
            {
                "milestones": [
                    kept[0] | {"title": "Redesign acme.com"},
                    kept[1] | {"amount": 11_000},
                ]
            },
        ).status
        == 201
    )


def test_people_and_their_accountants(world: World) -> None:
    platform, ada = world.program("platform"), world.program()
    for number, bad in enumerate(ADDRESSES + OURS + OFFICES):
        code = "carries_address" if bad in ADDRESSES else "speaks_for_platform"
        body = {
            "external_ref": f"x{number}",
            "email": "x@lovelace.example",
            "display_name": bad,
            "country": "GB",
        }
        _refused(platform.call("POST", "/v1/freelancers", body), "/display_name", code)
        _refused(ada.call("POST", "/v1/accountant-links", {"name": bad, "days": 3}), "/name", code)
    for number, name in enumerate(FINE):
        platform.post(
            "/v1/freelancers",
            {
                "external_ref": f"y{number}",
                "email": "y@lovelace.example",
                "display_name": name,
                "country": "GB",
            },
        )


def test_files(world: World) -> None:
    contract, _ = world.accepted_contract()
    ada, path = world.program(), f"/v1/contracts/{contract['id']}/files"
    for bad in (
        "www.evil.example.pdf",
        "mail ada@evil.example.txt",
        "Holdfast-security.txt",
        "+44 20 7946 0958.txt",
    ):
        assert ada.upload(path, bad, b"words").status == 422
    for good in (
        "a.txt",
        "invoice.zip",
        "final.v2.ai",
        "2026-11-28 12-34-56.png",
        "IMG_20261128_123456.jpg",
    ):
        assert ada.upload(path, good, b"words").status == 201, good


def test_a_signature(world: World) -> None:
    contract = world.sent_contract()
    client = world.client()
    client.open()
    path = f"/c/{client.contract_id}/accept"
    form = client.through_code(path).forms[0]
    for bad in ("Support", "https://evil.example", "Holdfast Legal"):
        assert "cannot" in client.press(path, form, full_name=bad, agree="yes").page.text
    assert (
        "cannot contain"
        in client.press(
            path, form, full_name="Charles Babbage", company="http://evil.example", agree="yes"
        ).page.text
    )
    forged = client.press(path, form, full_name="Charles Babbage", agree="yes").page.forms[0]
    assert client.press(path, forged, full_name="Holdfast Legal").status == 422, (
        "past the page that checks"
    )
    assert world.read(contract)["state"] == "sent"
    assert client.accept().status == 303


@pytest.mark.parametrize("platform", ["Pay", "Ada", "Ünïcode Escrow", "Bank of Hold"])
def test_another_platforms_name(platform: str) -> None:
    """A short name is a word of its own, a long one is found inside other words."""
    assert objection("", f"{platform} help", NameKind.TITLE, platform) is not None
    assert objection("", "Paypal designers' Adapter", NameKind.TITLE, platform) is None
