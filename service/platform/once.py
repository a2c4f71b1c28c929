"""Things that a process makes when they are first asked for, by one thread while the others
wait.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """The thing that `make` makes, one for each process.

    A forked server makes its own: a pool of connections must not be shared, and our servers fork
    before they have threads, so nobody holds the lock then. `functools.cache` would let two threads
    that ask at once both make it.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: tuple[int, T] | None = None

    def get(self) -> T:
        """The thing. What `make` raises reaches the one who asked, and the next one tries again."""
        made = self._made
        if made is None or made[0] != os.getpid():
            with self._lock:
                made = self._made
                if made is None or made[0] != os.getpid():
                    made = self._made = (os.getpid(), self._make())
        return made[1]

    @property
    def made(self) -> bool:
        """Whether this process has made it."""
        return self._made is not None and self._made[0] == os.getpid()

    def forget(self) -> T | None:
        """What this process has made, which the next call of `get` makes anew; None where it has
        made nothing.
        """
        with self._lock:
            made, self._made = self._made, None
        return made[1] if made is not None and made[0] == os.getpid() else None
