"""Places at which a test may make the process fail, by name:
`HOLDFAST_FAILPOINTS=after_transfer=kill`. Refused in live mode.
"""

from __future__ import annotations

import os
import signal

ARMED: dict[str, str] = {}


class Failed(Exception):
    """An armed failpoint of the kind `raise` was met."""


def arm(points: str) -> None:
    """Arm from a setting: `name=kill,other=raise`."""
    ARMED.clear()
    ARMED.update(dict(point.split("=", 1) for point in points.split(",") if "=" in point))


def failpoint(name: str) -> None:
    """Do what is armed for this name; nothing, nearly always."""
    kind = ARMED.get(name)
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "raise":
        raise Failed(name)
