"""PostgreSQL from a wheel, for the demo and the tests: no root, no service, no Docker.

Only the wheel's binaries are used. Its own launcher opens parent folders, trusts every local user
and may leave the server behind; this runner does none of that: peer log-in for the operating-system
user that owns the demo, SCRAM for the application role, a private socket folder, no TCP, and the
server dies with its parent.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import secrets
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TypedDict

import psycopg

from service.platform.db import APP_ROLE
from service.platform.db.programs import (
    EmbeddedError,
    binaries,
    check_reachable,
    die_with,
    server_user,
)

OWNER_ROLE = "holdfast_owner"
_START_SECONDS = 30
_STOP_SECONDS = 20
_SOCKET_PATH_LIMIT = 90


class _UserOptions(TypedDict, total=False):
    """Of subprocess: as whom a child runs."""

    user: int
    group: int
    extra_groups: list[int]
    cwd: str


class EmbeddedServer:
    """One PostgreSQL server on one data folder.

    `start()` returns once it takes connections; `stop()` leaves it clean.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        """`durable=False` is for tests that throw the whole server away: nothing of it outlives a
        crash of the machine.
        """
        self.data_dir = data_dir.resolve()
        self._options = [] if durable else ["-c", "fsync=off", "-c", "full_page_writes=off"]
        self.cluster = self.data_dir / "postgres"
        self._user = server_user()
        self._socket_dir = _socket_dir(self.data_dir)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "holdfast", *, owner: bool = False) -> str:
        """The address of a database here, as the application's log-in or (`owner`) as the
        superuser; see `owner_url`.
        """
        login = "postgres" if owner else f"{APP_ROLE}:{self._password()}"
        return f"postgresql://{login}@/{database}?host={self._socket_dir}"

    def owner_url(self, database: str = "holdfast") -> str:
        """The address as the owner of the schema: a role of its own, or the superuser in a folder
        that is older than that.
        """
        owned = "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'hf'"
        with psycopg.connect(self.url(database, owner=True), autocommit=True) as connection:
            row = connection.execute(owned).fetchone()
            if row is not None and row[0] != OWNER_ROLE:
                return self.url(database, owner=True)
            connection.execute(f'ALTER DATABASE "{database}" OWNER TO {OWNER_ROLE}')
        return f"postgresql://{OWNER_ROLE}@/{database}?host={self._socket_dir}"

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Make the cluster on first use, start the server, wait until it is ready.

        Raises EmbeddedError.
        """
        programs = binaries()
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise(programs)
        self._write_log_ins()
        self._private(self._socket_dir)
        self._clear_stale_pid()
        log = (self.data_dir / "postgres.log").open("ab")
        self._process = subprocess.Popen(
            [
                str(programs / "postgres"),
                "-D",
                str(self.cluster),
                "-c",
                "listen_addresses=",
                "-c",
                f"unix_socket_directories={self._socket_dir}",
            ]
            + [
                "-c",
                "max_connections=200",
                "-c",
                "timezone=UTC",
                "-c",
                "log_timezone=UTC",
                *self._options,
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with(os.getpid(), signal.SIGINT),
            **self._as_user(),
        )
        self._wait_ready()

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed stays."""
        if not self.alive or self._process is None:
            return
        for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            self._process.send_signal(sign)
            try:
                self._process.wait(_STOP_SECONDS)
                return
            except subprocess.TimeoutExpired:
                continue

    def create_app_role(self) -> None:
        """The role the application logs in as, which migrations grant what it may do, and the one
        that owns the schema.
        """
        with psycopg.connect(self.url("postgres", owner=True), autocommit=True) as connection:
            exists = connection.execute(
                "SELECT 1 FROM pg_roles WHERE rolname = %s", (APP_ROLE,)
            ).fetchone()
            verb = "ALTER" if exists else "CREATE"
            connection.execute(
                f"{verb} ROLE {APP_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD "
                f"'{self._password()}'"
            )
            if not connection.execute(
                "SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER_ROLE,)
            ).fetchone():
                connection.execute(
                    f"CREATE ROLE {OWNER_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE "
                    "NOBYPASSRLS"
                )

    def create_database(self, name: str = "holdfast", template: str = "template0") -> bool:
        """Make a database unless it is there; the public gets no rights on it.

        Returns whether it was made.
        """
        with psycopg.connect(self.url("postgres", owner=True), autocommit=True) as connection:
            if connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (name,)
            ).fetchone():
                return False
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            # Rights on a database are not cloned from its template.
            connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
            connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {APP_ROLE}')
            return True

    def _initialise(self, programs: Path) -> None:
        self._private(self.data_dir)
        check_reachable(self.data_dir, self._user)
        result = subprocess.run(
            [
                str(programs / "initdb"),
                "-D",
                str(self.cluster),
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ]
            + ["--auth=scram-sha-256", "--auth-local=peer"],
            capture_output=True,
            text=True,
            check=False,
            **self._as_user(),
        )
        if result.returncode:
            raise EmbeddedError(
                f"PostgreSQL could not make its folder {self.cluster}: "
                f"{result.stderr.strip()[-400:]}"
            )

    def _write_log_ins(self) -> None:
        """Superuser and owner are whoever owns the folder, by the operating system's word; the
        application has a password.
        """
        (self.cluster / "pg_hba.conf").write_text(
            f"local all postgres,{OWNER_ROLE} peer map=hf\nlocal all all scram-sha-256\n"
        )
        clients = {getpass.getuser(), self._user.pw_name}
        (self.cluster / "pg_ident.conf").write_text(
            "".join(
                f"hf {name} {role}\n"
                for name in sorted(clients)
                for role in ("postgres", OWNER_ROLE)
            )
        )

    def _password(self) -> str:
        path = self.data_dir / "app.password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(24))
        return path.read_text()

    def _private(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)

    def _as_user(self) -> _UserOptions:
        if os.geteuid() != 0:
            return {}
        return {
            "user": self._user.pw_uid,
            "group": self._user.pw_gid,
            "extra_groups": [],
            "cwd": "/",
        }

    def _clear_stale_pid(self) -> None:
        """A process id that was reused after a crash would make PostgreSQL refuse to start."""
        pid_file = self.cluster / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = pid_file.read_text().split("\n", 1)[0].strip()
        command = Path(f"/proc/{pid}/cmdline")
        running = command.exists() and str(self.cluster).encode() in command.read_bytes()
        deadline = time.monotonic() + _STOP_SECONDS
        while running and time.monotonic() < deadline:
            # The last server's parent was killed and it is still shutting down.
            time.sleep(0.1)
            running = command.exists() and str(self.cluster).encode() in command.read_bytes()
        if running:
            raise EmbeddedError(
                f"Another server (process {pid}) runs on {self.cluster}; stop it first."
            )
        pid_file.unlink(missing_ok=True)

    def _wait_ready(self) -> None:
        # Connecting alone would also succeed against another server on this folder: the pid file
        # says whose it is.
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.alive:
            lines = _lines(self.cluster / "postmaster.pid")
            if len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready":
                return
            time.sleep(0.02)
        tail = "\n".join(_lines(self.data_dir / "postgres.log")[-5:])
        raise EmbeddedError(f"PostgreSQL did not start on {self.cluster}: {tail}")


def _socket_dir(data_dir: Path) -> Path:
    """A private folder for the socket; its path must stay short, so a deep data folder gets one
    named by hash.
    """
    inside = data_dir / "run"
    if len(str(inside)) <= _SOCKET_PATH_LIMIT:
        return inside
    digest = hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"holdfast-{os.geteuid()}-{digest}"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
