"""`make pythons`: `make demo` and the main job on the oldest and the newest supported Python.

Each is set up from nothing, drives a new freelancer's contract over HTTP, pages and mailbox to
three payouts, in a seeded world, and is stopped. A Python that is not here is fetched by
`.ci/python`; one that cannot be had is said loudly, and fails the run where CI is set. The newest
is checked for being the newest: the next one must refuse the locks.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from benchmarks.chaos import free_port
from tests import mainjob
from tests.journey import LiveHttp, Program

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "pythons"
_COMES_UP = 420
_STOPS = 60


class NotHereError(Exception):
    """A Python that this machine neither has nor can fetch; the message says what was tried."""


def supported() -> list[str]:
    """The Pythons that pyproject.toml names, oldest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = [re.search(r":: (3\.[0-9]+)$", line) for line in project["classifiers"]]
    return sorted((m[1] for m in found if m), key=lambda v: int(v.split(".")[1]))


def python(version: str) -> str:
    """A Python of this version: on the path, kept by pyenv, or unpacked from Debian's packages."""
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)
    for candidate in (shutil.which(f"python{version}"), *map(str, kept)):
        if candidate and _version_of(candidate) == version:
            return candidate
    done = subprocess.run(
        [ROOT / ".ci" / "python", version],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NotHereError(done.stderr.strip()[-300:])
    return done.stdout.strip()


def _version_of(program: str) -> str:
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([program, "-c", ask], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def environment(version: str) -> Path:
    """An empty environment of this Python, its own pip in it; `make` fills it.

    The Python that runs this has one already: in CI, the one that the oldest pip has just made.
    """
    if version == _version_of(sys.executable):
        return Path(sys.prefix)
    folder = WORK / f"venv-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    program = python(version)
    made = subprocess.run([program, "-m", "venv", folder], capture_output=True, check=False)
    if made.returncode != 0:
        # Debian keeps ensurepip's wheel elsewhere, at a path that an unpacked one does not have.
        wheels = Path(program).parents[1] / "share" / "python-wheels"
        pip = next(wheels.glob("pip-*.whl"))
        subprocess.run([program, "-m", "venv", "--clear", "--without-pip", folder], check=True)
        command = [folder / "bin" / "python", pip / "pip", "install", "--quiet", "--no-index", pip]
        subprocess.run(command, check=True)
    return folder


class Making:
    """A `make demo` that runs in an environment, on a free port and a world of its own."""

    def __init__(self, venv: Path, folder: Path) -> None:
        self.port, self.world, self._log = free_port(), folder / "world", folder / "make.log"
        self._make = subprocess.Popen(
            ["make", "demo", f"VENV={venv}", f"PORT={self.port}", f"WORLD={self.world}"],
            cwd=ROOT,
            # A make of its own: not one of the jobs of the make that may run this.
            env={k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")},
            stdout=self._log.open("w"),
            stderr=subprocess.STDOUT,
        )

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait(self) -> dict[str, str]:
        """Until it says that it is up; answers with its addresses and keys."""
        deadline = time.monotonic() + _COMES_UP
        while "Holdfast is up" not in self._log.read_text():
            if self._make.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"make demo did not come up:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.1)
        found: dict[str, str] = json.loads((self.world / "info.json").read_text())
        return found

    def stop(self) -> None:
        """SIGTERM to the demo, as `kill` does; it must end well and leave nothing running."""
        children = Path(f"/proc/{self._make.pid}/task/{self._make.pid}/children").read_text()
        for child in children.split():
            os.kill(int(child), signal.SIGTERM)
        if self._make.wait(_STOPS) != 0:
            raise SystemExit(f"make demo ended badly:\n{self._log.read_text()[-2000:]}")
        try:
            requests.get(f"{self.address}/readyz", timeout=2)
        except requests.ConnectionError:
            return
        raise SystemExit("the demo still answers after it was stopped")

    def kill(self) -> None:
        """Whatever is left of it after a failure; its children die with it."""
        self._make.kill()


def newcomer(address: str, info: dict[str, str]) -> mainjob.Actors:
    """A freelancer who was not in the seeded world, and a client with an unused mailbox."""
    platform = Program(LiveHttp(address), info["platform_key"])
    person = platform.post(
        "/v1/freelancers",
        {
            "external_ref": "emmy",
            "email": "emmy@noether.example",
            "display_name": "Emmy Noether",
            "country": "GB",
        },
    )
    key = platform.post("/v1/keys", {"freelancer": person["id"]})["secret"]
    return mainjob.actors(
        lambda: LiveHttp(address),
        info | {"freelancer_key": key},
        "david@hilbert.example",
    )


def main_job(version: str) -> None:
    """Everything a newcomer does, on one Python. Raises, or exits, when any of it is wrong."""
    began = time.monotonic()
    venv = environment(version)
    folder = Path(tempfile.mkdtemp(prefix="holdfast-pythons-", dir="/var/tmp"))
    folder.chmod(0o755)
    demo = Making(venv, folder)
    try:
        info = demo.wait()
        up = time.monotonic()
        who = newcomer(demo.address, info)
        mainjob.check_own(who, mainjob.run(who))
        done = time.monotonic()
        demo.stop()
    finally:
        demo.kill()
        shutil.rmtree(folder, ignore_errors=True)
    took = f"set up and up in {up - began:.0f} s, the main job to the cent in {done - up:.0f} s"
    print(f"Python {version}: {took}, stopped cleanly", flush=True)


def not_yet(version: str) -> None:
    """The locks must be refused by the next Python; when they are not, it is the newest."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--target", WORK]
    command += ["--python-version", version, "--only-binary=:all:", "--disable-pip-version-check"]
    command += ["--require-hashes", "-r", ROOT / "requirements" / "base.txt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    missing = re.search(r"No matching distribution found for (\S+)", done.stderr)
    if done.returncode == 0 or missing is None:
        raise SystemExit(f"Python {version} installs the locks, or pip broke:\n{done.stderr}")
    print(f"Python {version}: not yet, {missing[1]} has no wheel for it")


def main() -> None:
    """The oldest and the newest; exit code 1 when CI is set and one of them was skipped."""
    oldest, *_, newest = supported()
    skipped = []
    with ThreadPoolExecutor() as both:
        running = {version: both.submit(main_job, version) for version in (oldest, newest)}
    for version, job in running.items():
        try:
            job.result()
        except NotHereError as reason:
            skipped.append(version)
            print(f"SKIPPED: Python {version} IS NOT HERE, NOTHING WAS SHOWN FOR IT: {reason}")
    not_yet(f"3.{int(newest.split('.')[1]) + 1}")
    if skipped and os.environ.get("CI"):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
