"""Where the operator has a virus scanner, every file passes it before it is kept: by the API and by
the pages.
"""

from __future__ import annotations

import io
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from service.app import create_app_from, create_runtime
from service.platform.config import ConfigError, load
from tests.world import World, make_settings

BASIC = {
    "HOLDFAST_MODE": "sandbox",
    "HOLDFAST_DATABASE_URL": "postgresql://nobody@nowhere.example/none",
    "HOLDFAST_SECRET_KEYS": "k" * 32,
    "HOLDFAST_SIGNING_KEY": "07" * 32,
    "HOLDFAST_STRIPE_WEBHOOK_SECRETS": "whsec_of_the_tests",
}
PDF = b"%PDF-1.4 a letter"
# In two parts, so that a scanner does not find this file.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class _Clamd(socketserver.StreamRequestHandler):
    """What clamd answers to INSTREAM, by its documentation."""

    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        content = b""
        while length := struct.unpack("!I", self.rfile.read(4))[0]:
            content += self.rfile.read(length)
        server: Any = self.server
        server.seen.append(content)
        found = b"stream: Eicar-Test-Signature FOUND\0" if EICAR in content else b"stream: OK\0"
        self.wfile.write(server.says or found)


@contextmanager
def clamd(says: bytes | None = None) -> Iterator[tuple[str, list[bytes]]]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Clamd) as server:
        server.seen, server.says = [], says  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"clamd://127.0.0.1:{server.server_address[1]}", server.seen  # type: ignore[attr-defined]
        server.shutdown()


def upload(world: World, scanner_url: str, content: bytes, *, length: int = 1) -> Any:
    """To a contract's files, over an application that knows the scanner."""
    settings = make_settings(world.settings.database_url, scanner_url=scanner_url)
    app = create_app_from(create_runtime(settings, lambda _: True)[0], None)
    contract, _ = world.funded_contract()
    headers = {
        "Authorization": f"Bearer {world.keys['ada']}",
        "Idempotency-Key": "a-file-that-is-sent-once",
    }
    data = {"file": (io.BytesIO(content * length), "letter.pdf")}
    return app.test_client().post(
        f"/v1/contracts/{contract['id']}/files", headers=headers, data=data
    )


def kept(world: World) -> int:
    found: int = world.sql("SELECT count(*) AS n FROM file")[0].n
    return found


def test_a_clean_file_is_kept_as_it_is(world: World) -> None:
    with clamd() as (url, seen):
        answer = upload(world, url, PDF, length=20_000)
    assert answer.status_code == 201, answer.text
    assert seen == [PDF * 20_000], "the whole of it was looked at"
    assert world.sql("SELECT byte_count FROM file")[0].byte_count == len(PDF) * 20_000


def test_an_infected_file_is_refused_and_nothing_is_kept(world: World) -> None:
    with clamd() as (url, _):
        answer = upload(world, url, PDF + EICAR)
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "infected")
    assert "Eicar" not in answer.text, "what was found is not told"
    assert kept(world) == 0


@pytest.mark.parametrize(
    "says",
    [
        b"INSTREAM size limit exceeded. ERROR\0",
        b"\0",
        b"stream: \0",
        b"nonsense",
        b"stream: OK, I think\0",
    ],
)
def test_a_scanner_that_cannot_say_lets_nothing_in(world: World, says: bytes) -> None:
    with clamd(says) as (url, _):
        answer = upload(world, url, PDF)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert kept(world) == 0


def test_a_scanner_that_is_away_lets_nothing_in(world: World) -> None:
    answer = upload(world, "clamd://127.0.0.1:9", PDF)
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert kept(world) == 0


@pytest.mark.parametrize("url", ["http://scanner", "clamd://", "clamd://a b", "scanner:3310"])
def test_another_address_stops_the_start(url: str) -> None:
    with pytest.raises(ConfigError, match="HOLDFAST_SCANNER_URL"):
        load(BASIC | {"HOLDFAST_SCANNER_URL": url})
