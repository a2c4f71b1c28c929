"""What is shipped to run it: nothing may more than it needs, only the proxy is reached, and the
proxy takes the slow.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from benchmarks.chaos import Demo, free_port
from benchmarks.flood import Flood, flooded, proxied

ROOT = Path(__file__).resolve().parents[2]
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "db"])
def test_a_part_may_no_more_than_it_needs(name: str) -> None:
    part = SERVICES[name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert part["tmpfs"] == ["/tmp"]
    assert not part.get("privileged")
    assert "cap_add" not in part


def test_only_the_proxy_is_reached_and_is_believed() -> None:
    assert [name for name, part in SERVICES.items() if part.get("ports")] == ["proxy"]
    assert SERVICES["web"]["environment"]["HOLDFAST_TRUSTED_PROXIES"] == 1
    conf = (ROOT / "deploy" / "nginx.conf").read_text()
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in conf, (
        "set and not appended: exactly one proxy is believed"
    )
    assert "access_log off;" in conf, "addresses of links are secrets"


def test_the_image_runs_as_nobody() -> None:
    *_, user = [line for line in DOCKERFILE.splitlines() if line.startswith("USER ")]
    assert int(user.split()[1]) >= 10_000
    assert "--require-hashes" in DOCKERFILE


def test_others_are_served_while_the_slow_wait(tmp_path: Path) -> None:
    """12 slow bodies, 300 open heads and 200 idle connections: a caller behind the proxy has every
    answer. How fast: `make flood`.
    """
    if shutil.which("nginx") is None:
        assert not os.environ.get("CI"), "CI has nginx"
        pytest.skip("nginx is not installed")
    folder = Path("/var/tmp") / f"holdfast-{tmp_path.name}-{os.getpid()}"
    demo = Demo(free_port(), folder / "world")
    try:
        with proxied(demo.port, folder) as front, flooded(front, Flood()):
            key = {"Authorization": f"Bearer {demo.info['platform_key']}"}
            found = [
                requests.get(f"http://127.0.0.1:{front}/v1/me", headers=key, timeout=60).status_code
                for _ in range(50)
            ]
        assert found == [200] * 50
    finally:
        demo.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_the_flood_is_one(tmp_path: Path) -> None:
    """The control: the attackers really hold their connections open, so that a server with a thread
    for each would stand still.
    """
    held, stop = [], threading.Event()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(await reader.read(64))
        while not stop.is_set():
            await asyncio.sleep(0.05)
        writer.close()

    async def serve(port: int) -> None:
        server = await asyncio.start_server(swallow, "127.0.0.1", port)
        async with server:
            while not stop.is_set():
                await asyncio.sleep(0.05)

    port = free_port()
    thread = threading.Thread(target=lambda: asyncio.run(serve(port)))
    thread.start()
    time.sleep(0.5)
    with flooded(port, Flood(slow_bodies=3, open_heads=4, idle=5)):
        stop.set()
    thread.join()
    assert sorted(one.split()[0] for one in held) == [b"GET"] * 9 + [b"POST"] * 3
