"""`make chaos`: the main job while web, worker and PostgreSQL are killed with SIGKILL at random
points; the figures must not change.

The demo's supervisor starts again what died. A killed call is repeated as a person or program
would: with the same idempotency key, or by looking at the page again.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import click
import requests

from tests import mainjob
from tests.journey import LiveHttp, Reply

PARTS = ("web", "worker", "postgres")


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Demo:
    """A `holdfast demo --empty` on a folder of its own."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder
        command = [
            sys.executable,
            "-m",
            "service.cli",
            "demo",
            "--empty",
            "--port",
            str(port),
            "--data-dir",
            str(folder),
            "--info",
            str(folder / "info"),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._wait()
        self.info = json.loads((folder / "info").read_text())

    def _wait(self) -> None:
        # Three minutes: set-up beside other work on a small machine takes one.
        for _ in range(1_800):
            try:
                if (
                    requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).ok
                    and (self.folder / "info").exists()
                ):
                    return
            except requests.RequestException:
                time.sleep(0.1)
        raise SystemExit("the demo did not come up")

    def victim(self, part: str) -> int | None:
        """The process id of a part right now."""
        if part == "postgres":
            pid_file = self.folder / "postgres" / "postmaster.pid"
            return int(pid_file.read_text().split("\n")[0]) if pid_file.exists() else None
        wanted = {"web": "serve", "worker": "worker"}[part]
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    command = (entry / "cmdline").read_bytes().split(b"\0")
                    parent = int((entry / "stat").read_text().rsplit(") ", 1)[1].split()[1])
                except (OSError, IndexError, ValueError):
                    continue
                if parent == self.process.pid and wanted.encode() in command:
                    return int(entry.name)
        return None

    def kill(self, part: str) -> bool:
        pid = self.victim(part)
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class Interrupted(LiveHttp):
    """A caller in whose calls processes die: in chosen POSTs a part is killed a moment after the
    request has left.
    """

    calls = 0
    points: dict[int, str] = {}
    killed: list[str] = []
    demo: Demo
    chance: random.Random

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        part = None
        if method == "POST":
            Interrupted.calls += 1
            part = Interrupted.points.pop(Interrupted.calls, None)
        if part:
            during = f"{method} {re.sub('(_|/l/)[0-9A-Za-z._-]{20,}', '…', path.split('?', maxsplit=1)[0])}"
            threading.Timer(
                Interrupted.chance.random() * 0.04, self._strike, (part, during)
            ).start()
        return super().request(method, path, body=body, headers=headers)

    @staticmethod
    def _strike(part: str, during: str) -> None:
        for _ in range(200):
            # The part may be on its way up again after the last kill.
            if Interrupted.demo.kill(part):
                Interrupted.killed.append(f"{part} during {during}")
                return
            time.sleep(0.05)


@click.command()
@click.option("--kills", default=10)
@click.option("--seed", default=None, type=int)
@click.option("--rounds", default=1)
def main(kills: int, seed: int | None, rounds: int) -> None:
    """Run the main job under fire and print the figures."""
    seed = seed if seed is not None else random.SystemRandom().randrange(10**6)
    total = 0
    for number in range(rounds):
        total += _round(kills, seed + number)
    click.echo(f"{rounds} run(s), {total} kills, 0 cents off, nothing doubled (first seed {seed})")


def _round(kills: int, seed: int) -> int:
    Interrupted.chance = random.Random(seed)
    Interrupted.calls, Interrupted.killed = 0, []
    folder = Path(tempfile.mkdtemp(prefix="holdfast-chaos-", dir="/var/tmp"))
    folder.chmod(0o755)
    port = free_port()
    Interrupted.demo = demo = Demo(port, folder / "world")
    try:
        # Calls that change something; the script makes at least 26 of them, so all points are met.
        points = Interrupted.chance.sample(range(1, 27), kills)
        Interrupted.points = {point: Interrupted.chance.choice(PARTS) for point in points}
        who = mainjob.actors(
            lambda: Interrupted(f"http://127.0.0.1:{port}"), demo.info, "charles@babbage.example"
        )
        contract = mainjob.run(who)
        time.sleep(1)
        figures = mainjob.check(who, contract)
        verdict = subprocess.run(
            [
                sys.executable,
                "-m",
                "service.cli",
                "--world",
                str(folder / "world"),
                "ledger",
                "verify",
            ],
            check=False,
        )
        assert verdict.returncode == 0, "holdfast ledger verify"
    finally:
        demo.stop()
    click.echo(
        f"seed {seed}: {Interrupted.calls} changing calls, {len(Interrupted.killed)} kills: "
        + "; ".join(Interrupted.killed)
    )
    click.echo(f"  {json.dumps(figures)}")
    return len(Interrupted.killed)


if __name__ == "__main__":
    main()
