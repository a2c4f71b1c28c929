"""A mail server of its own on this machine, with a certificate that nobody has signed: it keeps
every line that it hears.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(folder: Path, name: str = "127.0.0.1") -> tuple[Path, str]:
    """(file with key and certificate, the certificate as PEM), signed by itself, for an IP address
    or a name.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(secret + pem.encode())
    return path, pem


@dataclass
class MailServer:
    """One connection at a time.

    `smtps`: TLS from the first byte; `offers`: what EHLO lists; `refuses`: the answer to a
    recipient.
    """

    pem: Path
    smtps: bool
    offers: tuple[str, ...] = ("STARTTLS", "AUTH PLAIN")
    refuses: bytes = b""
    heard: list[str] = field(default_factory=list)
    in_clear: list[str] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(self.pem)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            try:
                self._talk(connection)
            except (OSError, ssl.SSLError):
                pass
            finally:
                connection.close()

    def _talk(self, connection: socket.socket) -> None:
        secure = self.smtps
        if secure:
            connection = self._tls.wrap_socket(connection, server_side=True)
        connection.sendall(b"220 mail.test\r\n")
        reader = connection.makefile("rb")
        while line := reader.readline():
            self.heard.append(line.decode(errors="replace").strip())
            if not secure:
                self.in_clear.append(self.heard[-1])
            verb = line[:4].upper()
            if verb == b"EHLO":
                told = (
                    ["mail.test", *self.offers]
                    if not secure or self.smtps
                    else ["mail.test", "AUTH PLAIN"]
                )
                connection.sendall(
                    "".join(
                        f"250{' ' if one == told[-1] else '-'}{one}\r\n" for one in told
                    ).encode()
                )
            elif verb == b"STAR":
                connection.sendall(b"220 go\r\n")
                connection, secure = self._tls.wrap_socket(connection, server_side=True), True
                reader = connection.makefile("rb")
            elif verb == b"AUTH":
                connection.sendall(b"235 ok\r\n")
            elif verb == b"RCPT" and self.refuses:
                connection.sendall(self.refuses + b"\r\n")
            elif verb == b"DATA":
                connection.sendall(b"354 go\r\n")
                body = b""
                while (text := reader.readline()) not in (b".\r\n", b""):
                    body += text
                self.letters.append(body)
                connection.sendall(b"250 ok\r\n")
            else:
                connection.sendall(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
