"""Every command in the README is run: the curl blocks against a real demo, the make targets by
name.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.chaos import Demo, free_port

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_the_contract_in_sixty_seconds() -> None:
    folder = Path("/var/tmp") / f"holdfast-readme-{os.getpid()}"
    folder.mkdir(mode=0o755)
    demo = Demo(free_port(), folder / "world")
    try:
        blocks = re.findall(r"<!-- run -->\n```sh\n(.*?)```", README, re.DOTALL)
        assert len(blocks) == 4
        script = "set -euo pipefail\n" + "\necho '--- next'\n".join(blocks)
        environment = {
            "INFO": str(folder / "world" / "info"),
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
        }
        done = subprocess.run(
            ["bash", "-c", script],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        sent, money, clock, books = done.stdout.split("--- next")
        assert '"state":"sent"' in sent
        assert '"fee":6000' in sent
        assert '"object":"contract_money"' in money
        assert '"object":"balance"' in money
        assert '"now"' in clock
        assert "Right: every file is as it was made" in books
    finally:
        demo.stop()
        subprocess.run(["rm", "-rf", str(folder)], check=False)


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    wanted = set(re.findall(r"`?make ([a-z]+)", README + (ROOT / "CONTRIBUTING.md").read_text()))
    assert {"demo", "test", "check", "chaos", "soak"} <= wanted
    for target in wanted:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    listed = subprocess.run(
        ["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert listed.returncode == 0, listed.stderr


def test_every_command_of_the_program_exists() -> None:
    for command in set(re.findall(r"`holdfast ([a-z]+)", README)):
        shown = subprocess.run(
            [sys.executable, "-m", "service.cli", command, "--help"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert shown.returncode == 0, command


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
