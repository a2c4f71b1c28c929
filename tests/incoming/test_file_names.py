"""Names of files: what may come in, and how it goes out again (RFC 6266)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.journey import Program, WsgiHttp
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
NAMES = [
    "plain.txt",
    "R\u00e9sum\u00e9 \u201cfinal\u201d.pdf",
    "\u0441\u0447\u0451\u0442.pdf",
    "\u8acb\u6c42\u66f8.txt",
    "\U0001f600.txt",
    "100% done; really.txt",
]
REFUSED = [
    "a\x00b.txt",
    "a\x1bb.txt",
    "cod\u202egpj.exe",
    "a\u2066b.txt",
    "a\uffffb.txt",
    "x" * 201,
]


def kept_file(world: World, name: str) -> tuple[str, str]:
    """The address of a file with this name in a contract, and what the upload answered about its
    name.
    """
    contract = world.sent_contract()
    path = f"/v1/contracts/{contract['id']}/files"
    made = world.program().upload(path, name.replace('"', "%22"), b"words")
    assert made.status == 201, made.text
    return f"{path}/{made.json()['id']}", made.json()["name"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_goes_out_as_it_came_in(world: World, name: str) -> None:
    path, kept = kept_file(world, name)
    assert kept == name
    header = world.program().call("GET", path).headers["content-disposition"]
    assert header.isascii()
    assert header.startswith("attachment; filename=")
    if name.isascii():
        assert "filename*" not in header
    else:
        assert unquote(header.partition("filename*=UTF-8''")[2]) == name
        assert "filename=." not in header, "a name without letters of ours is not hidden by its dot"


@pytest.mark.parametrize("name", REFUSED, ids=ascii)
def test_a_name_that_deceives_is_refused(world: World, name: str) -> None:
    contract = world.sent_contract()
    answer = world.program().upload(f"/v1/contracts/{contract['id']}/files", name, b"words")
    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, "/file")
    assert world.sql("SELECT count(*) AS n FROM file")[0].n == 0


def test_another_file_under_the_same_key_is_another_request(world: World) -> None:
    """Judging the form must not eat the bytes that idempotency compares."""
    contract = world.sent_contract()
    path, ada = (
        f"/v1/contracts/{contract['id']}/files",
        Program(WsgiHttp(world.app), world.keys["ada"]),
    )
    first = ada.upload(path, "a.txt", b"words", key="a-key-of-some-length")
    other = ada.upload(path, "a.txt", b"other words", key="a-key-of-some-length")
    assert (first.status, other.status) == (201, 422)
    assert other.json()["code"] == "idempotency_key_reused"


def test_one_function_names_every_download() -> None:
    """A view that writes the header by itself would forget other letters."""
    found = [
        p.name
        for p in (ROOT / "service").rglob("*.py")
        if "content-disposition" in p.read_text().lower()
    ]
    assert found == ["web.py"]
