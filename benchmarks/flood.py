"""`make flood`: slow bodies, unfinished heads and idle connections against the shipped proxy, while
somebody else calls.

Prints the other caller's waits: alone, through the proxy under the flood from many addresses and
from one, and, as the control, without the proxy. Fails when a 99th percentile through the proxy is
a second or more.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.chaos import Demo, free_port

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "deploy" / "nginx.conf"
SECONDS = 12
PATIENCE_SECONDS = 12.0
GOAL_SECONDS = 1.0


@dataclass(frozen=True)
class Flood:
    """How many of each kind at a time, and from how many addresses."""

    slow_bodies: int = 12
    open_heads: int = 300
    idle: int = 200
    addresses: int = 512


def main() -> None:
    """Run all four; exit 1 when the proxy does not keep what it promises."""
    if shutil.which("nginx") is None:
        sys.exit("nginx is needed (Debian's nginx-light).")
    folder = Path(tempfile.mkdtemp(prefix="holdfast-flood-", dir="/var/tmp"))
    folder.chmod(0o755)
    demo = Demo(free_port(), folder / "world")
    try:
        with proxied(demo.port, folder) as front:
            print(
                f"{'another caller meanwhile':34} {'calls':>6} {'p50 ms':>8} {'p99 ms':>8} "
                f"{'lost':>5}"
            )
            _row("alone, through the proxy", front, demo, None)
            many = _row("flood from 512 addresses", front, demo, Flood())
            one = _row("flood from one address", front, demo, Flood(addresses=1))
            _row("the same without the proxy", demo.port, demo, Flood())
    finally:
        demo.stop()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if max(many, one) < GOAL_SECONDS else "The proxy let the flood through.")


@contextmanager
def proxied(port: int, folder: Path) -> Iterator[int]:
    """The shipped configuration, with only the two addresses and the folder for its files changed;
    yields its port.
    """
    front = free_port()
    text = SHIPPED.read_text()
    changes = (
        ("server web:8000;", f"server 127.0.0.1:{port};"),
        ("listen 8080 ", f"listen 127.0.0.1:{front} "),
        (" /tmp/nginx", f" {folder}/nginx"),
    )
    for shipped, here in changes:
        assert shipped in text, shipped
        text = text.replace(shipped, here)
    made = folder / "nginx.conf"
    made.write_text(text)
    process = subprocess.Popen(["nginx", "-c", str(made), "-g", "daemon off;"])
    try:
        _wait(front)
        yield front
    finally:
        process.terminate()
        process.wait(10)


def _wait(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"http://127.0.0.1:{port}/readyz", timeout=2).ok:
                return
        time.sleep(0.1)
    raise SystemExit("the proxy did not come up")


def _row(name: str, port: int, demo: Demo, flood: Flood | None) -> float:
    """Measure and print one line; returns the 99th percentile in seconds."""
    with flooded(port, flood):
        waits, lost = _call(port, str(demo.info["platform_key"]))
    waits.sort()
    middle, late = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
    print(f"{name:34} {len(waits):6} {middle * 1000:8.1f} {late * 1000:8.1f} {lost:5}", flush=True)
    return late


def _call(port: int, key: str) -> tuple[list[float], int]:
    """Somebody with a key, on a new connection each time: (seconds that each call took, how many
    had no answer).
    """
    waits, lost, until = [], 0, time.monotonic() + SECONDS
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            headers = {"Authorization": f"Bearer {key}", "Connection": "close"}
            answer = requests.get(
                f"http://127.0.0.1:{port}/v1/me", headers=headers, timeout=PATIENCE_SECONDS
            )
            lost += answer.status_code != 200
            waits.append(time.monotonic() - began)
        except requests.RequestException:
            lost += 1
            waits.append(PATIENCE_SECONDS)
        time.sleep(0.02)
    return waits, lost


@contextmanager
def flooded(port: int, flood: Flood | None) -> Iterator[None]:
    """The attack goes on while the block runs, from other addresses of this machine."""
    if flood is None:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_flood(port, flood, stop)))
    thread.start()
    time.sleep(2)
    try:
        yield
    finally:
        stop.set()
        thread.join()


async def _flood(port: int, flood: Flood, stop: threading.Event) -> None:
    number = itertools.count()
    kinds = [_BODY] * flood.slow_bodies + [_HEAD] * flood.open_heads + [_IDLE] * flood.idle
    attackers = [
        asyncio.create_task(_again(port, _address(next(number), flood), kind, stop))
        for kind in kinds
    ]
    while not stop.is_set():
        await asyncio.sleep(0.1)
    for attacker in attackers:
        attacker.cancel()
    await asyncio.gather(*attackers, return_exceptions=True)


def _address(number: int, flood: Flood) -> str:
    # All of 127.0.0.0/8 is this machine.
    place = number % flood.addresses
    return f"127.1.{place // 250}.{1 + place % 250}"


_BODY = b"POST /v1/contracts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"
_HEAD = b"GET /v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
_IDLE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def _again(port: int, address: str, begins: bytes, stop: threading.Event) -> None:
    """One attacker: connect, begin, send a byte a second (idle: nothing); when thrown out, begin
    anew.
    """
    while not stop.is_set():
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
            try:
                writer.write(begins)
                while not writer.is_closing():
                    await asyncio.sleep(1)
                    if begins is not _IDLE:
                        writer.write(b" ")
                        await writer.drain()
            finally:
                writer.close()
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    main()
