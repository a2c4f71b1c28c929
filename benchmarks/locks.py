"""`make locks`: set-up in an empty environment, by the oldest pip, with newer releases on offer.

A pip before 23.3 meets `psycopg[binary]` in a package's own metadata, finds only `psycopg` in the
lock, and takes any release it likes, or refuses it for want of a hash. The lock then works until
the day of the next release. So there are two newer releases of everything here, beside the index:
the next one, which every range allows, and one far ahead.

Needs Python 3.11, because no later one runs its pip, and only the standard library: it runs before
anything is installed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "locks"
LOCKS = (ROOT / "requirements" / "base.txt", ROOT / "requirements" / "dev.txt")
OLDEST_PIP = "22.3"  # brought by Python 3.11.0
FAR_AHEAD = "9999.0"
REFUSED = "all requirements must have their versions pinned with =="
_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(?:\[(?P<extras>[^]]+)\])?==(?P<version>[^\s;\\]+)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Pin:
    """A package as a lock names it."""

    version: str
    extras: frozenset[str]


def normal(name: str) -> str:
    """A package's name in the one spelling that indexes compare."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: str) -> dict[str, Pin]:
    """The packages of a lock's text, by normal name."""
    return {
        normal(found["name"]): Pin(
            found["version"],
            frozenset(normal(e) for e in (found["extras"] or "").split(",") if e),
        )
        for found in _PIN.finditer(lock)
    }


def without_extras(lock: str) -> str:
    """The lock as it was when it broke; every extra is left out."""
    return _PIN.sub(lambda found: f"{found['name']}=={found['version']}", lock)


def offer_newer(packages: dict[str, Pin], folder: Path) -> None:
    """Two newer releases of each package: wheels with the same extras and nothing in them."""
    folder.mkdir(parents=True)
    for name, pin in packages.items():
        for version in (_next(pin.version), FAR_AHEAD):
            _empty_wheel(name, version, pin.extras, folder)


def _next(version: str) -> str:
    """A release just after this one: 6.10.1 becomes 6.10.1.1, 2.9.0.post0 becomes 2.9.0.1."""
    return re.match(r"[0-9.]*[0-9]", version)[0] + ".1"  # type: ignore[index]


def _empty_wheel(name: str, version: str, extras: frozenset[str], folder: Path) -> None:
    stem = f"{name.replace('-', '_')}-{version}"
    offered = "".join(f"Provides-Extra: {extra}\n" for extra in sorted(extras))
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{offered}",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: locks\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "".join(f"{stem}.dist-info/{f},,\n" for f in ("METADATA", "WHEEL", "RECORD")),
    }
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for file, text in files.items():
            wheel.writestr(f"{stem}.dist-info/{file}", text)


def installed(python: Path) -> dict[str, str]:
    """What an environment has, by normal name: its version."""
    listed = subprocess.check_output(
        [python, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"],
        stderr=subprocess.DEVNULL,
    )
    return {normal(row["name"]): row["version"] for row in json.loads(listed)}


def differences(wanted: dict[str, Pin], found: dict[str, str]) -> list[str]:
    """Where an environment is not exactly its lock; the product itself and pip do not count."""
    there = {name: found[name] for name in found.keys() - {"holdfast", "pip"}}
    should = {name: pin.version for name, pin in wanted.items()}
    gone = "not at all"
    return [
        f"{name}: locked {should.get(name, gone)}, installed {there.get(name, gone)}"
        for name in sorted(should.keys() | there.keys())
        if there.get(name) != should.get(name)
    ]


def _oldest_python() -> str:
    found = os.environ.get("PYTHON311") or shutil.which("python3.11")
    if found is None:
        raise SystemExit("Python 3.11 is not here (PYTHON311= names one); only it runs that pip")
    return found


def _environment(folder: Path) -> Path:
    """An environment as Python 3.11.0 made it, with the oldest pip; answers with its Python."""
    subprocess.run([_oldest_python(), "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", f"pip=={OLDEST_PIP}"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return python


def _offered() -> dict[str, str]:
    """The caller's surroundings, with the newer releases beside whatever index pip uses."""
    links = f"{os.environ.get('PIP_FIND_LINKS', '')} {WORK / 'newer'}"
    return os.environ | {"PIP_FIND_LINKS": links.strip()}


def _control(python: Path) -> subprocess.Popen[str]:
    """The lock without its extras, beside the real set-up: it must be refused."""
    lock = WORK / "without_extras.txt"
    lock.write_text(without_extras(LOCKS[0].read_text()))
    return subprocess.Popen(
        [python, "-m", "pip", "install", "--dry-run", "--require-hashes", "-r", lock],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=_offered(),
    )


def _set_up(folder: Path) -> None:
    subprocess.run(
        ["make", "--no-print-directory", "setup", f"VENV={folder}"],
        cwd=ROOT,
        check=True,
        env=_offered(),
    )


def main() -> None:
    """Install, compare, say how it went; exit code 1 when it is not exactly the locks."""
    shutil.rmtree(WORK, ignore_errors=True)
    wanted = pins(LOCKS[1].read_text()) | pins(LOCKS[0].read_text())
    offer_newer(wanted, WORK / "newer")
    began = time.monotonic()
    # The control has an environment of its own: a pip must not look at one that is being filled.
    control = _control(_environment(WORK / "control"))
    python = _environment(WORK / "venv")
    _set_up(WORK / "venv")
    said = control.communicate()[1]
    if control.returncode == 0 or REFUSED not in said:
        raise SystemExit(f"The lock without extras was not refused, so nothing is proved:\n{said}")
    wrong = differences(wanted, installed(python))
    if wrong:
        raise SystemExit("The environment is not the locks:\n  " + "\n  ".join(wrong))
    print(
        f"pip {OLDEST_PIP}, newer releases on offer: exactly the {len(wanted)} locked packages;"
        f" without their extras the locks are refused ({time.monotonic() - began:.0f} s)"
    )


if __name__ == "__main__":
    main()
