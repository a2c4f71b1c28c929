"""Whoever was not let in, or may not do that, leaves a line in the log: what, where, which caller;
never the key or the address.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from service.platform import logs
from tests.journey import WsgiHttp
from tests.world import World


@pytest.mark.parametrize(
    ("key", "path", "status"),
    [
        ("hf_test_" + "x" * 43, "/v1/me", 401),
        ("", "/v1/me", 401),
        ("ada", "/v1/ledger/verify", 403),
        ("finance", "/v1/keys", 403),
    ],
)
def test_a_refusal_is_a_line(
    world: World, capsys: pytest.CaptureFixture[str], key: str, path: str, status: int
) -> None:
    logs.configure(replace(world.settings, log_level="INFO"))
    try:
        shown = world.keys.get(key, key)
        headers = {"Authorization": f"Bearer {shown}"} if shown else {}
        assert WsgiHttp(world.app).request("GET", path, headers=headers).status == status
    finally:
        logs.configure(world.settings)
    written = capsys.readouterr().err
    (line,) = [json.loads(one) for one in written.splitlines() if "request.refused" in one]
    assert (line["status"], line["method"], line["route"]) == (status, "GET", path)
    assert line["request_id"].startswith("req_")
    assert len(line["caller"]) == 12
    assert shown not in written or not shown
    assert "127.0.0.1" not in written
