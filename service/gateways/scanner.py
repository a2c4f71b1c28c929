"""A virus scanner of the operator's: clamd, by its INSTREAM command. https://docs.clamav.net/ has
the protocol.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import IO
from urllib.parse import urlsplit

from service.gateways import GatewayRefused, GatewayUnavailable

PORT = 3310
_SECONDS = 30.0
_PIECE = 64 * 1024
_LONGEST_ANSWER = 4_096


class Clamd:
    """Asks a clamd at `clamd://host:port` about each file, on a connection of its own."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or PORT)

    def infected(self, content: IO[bytes]) -> str | None:
        """What it found, by its own name; None for a clean file.

        The position in the file is put back to its beginning.

        Raises GatewayUnavailable when it does not answer, GatewayRefused when it could not look
        (too large for it).
        """
        try:
            with socket.create_connection(self._address, timeout=_SECONDS) as line:
                line.sendall(b"zINSTREAM\0")
                for piece in _pieces(content):
                    line.sendall(piece)
                answer = _answer(line)
        except OSError as error:
            raise GatewayUnavailable(
                f"The virus scanner does not answer: {type(error).__name__}"
            ) from error
        return _found(answer)


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    content.seek(0)
    while piece := content.read(_PIECE):
        yield struct.pack("!I", len(piece)) + piece
    content.seek(0)
    yield struct.pack("!I", 0)


def _answer(line: socket.socket) -> str:
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < _LONGEST_ANSWER:
        more = line.recv(_LONGEST_ANSWER)
        if not more:
            break
        answer += more
    return answer.rstrip(b"\0\n").decode(errors="replace")


def _found(answer: str) -> str | None:
    said = answer.removeprefix("stream: ")
    if said == "OK":
        return None
    if said.endswith(" FOUND"):
        return said.removesuffix(" FOUND")
    raise GatewayRefused("The virus scanner could not look at the file.", said[:100] or None)
