"""Processes that the demo runs: started, started again when they die, stopped with all of their
group.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from service.platform.db.programs import die_with

_STOP_SECONDS = 15


class Children:
    """Commands of this program, each in a process group of its own, with a log in the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, part: str, environment: dict[str, str]) -> None:
        """Run one command; it does not outlive this process."""
        log = (self._folder / f"{part}.log").open("ab")
        self._running[part] = subprocess.Popen(
            [sys.executable, "-m", "service.cli", part],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with(os.getpid(), signal.SIGTERM),
        )

    def ended(self, part: str) -> bool:
        return self._running[part].poll() is not None

    def restart_ended(self, environment: dict[str, str]) -> None:
        """Start again whatever has died."""
        for part, child in list(self._running.items()):
            if child.poll() is not None:
                # What is left of the group holds the port and ignores SIGTERM once its parent
                # is gone.
                _kill_group(child.pid, signal.SIGKILL)
                self.start(part, environment)

    def stop(self) -> None:
        """End all of them: asked first, and killed after a while."""
        for child in self._running.values():
            _kill_group(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for child in self._running.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            _kill_group(child.pid, signal.SIGKILL)


def _kill_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass
