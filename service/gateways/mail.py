"""The mail server.

An email goes out once per message row; its Message-ID is made of the row's id, so a repeat is
recognised.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol
from unicodedata import category
from urllib.parse import unquote, urlsplit

from service.domain.identity import address
from service.gateways import GatewayRefused, GatewayUnknownOutcome

_TIMEOUT = 20
"""Seconds for each answer of the server."""
_FULL_WIDTH = {ord(ch): ord(ch) + 0xFEE0 for ch in '()<>[]:;@\\,"'}
"""What structures a header (RFC 5322, section 3.2.3, without the dot), as signs that do not."""


@dataclass(frozen=True)
class Email:
    """One e-mail, ready to send: text and HTML of the same content."""

    message_id: str
    to: str
    from_name: str
    from_address: str
    reply_to: str | None
    subject: str
    text: str
    html: str
    date: datetime
    unsubscribe: str | None = None
    """An address to which somebody writes who wants no more emails like this one; None where an
    email has to come.
    """

    def as_mime(self) -> EmailMessage:
        """Headers are made of parsed addresses and single lines: nothing that is put in can become
        a header.

        Raises GatewayRefused for what no mail server may be handed: an address that is kept from
        before it was judged, a text with half a character.
        """
        try:
            return self._composed()
        except (ValueError, MessageError) as wrong:
            # The library's own message repeats the address.
            raise GatewayRefused("the letter cannot be composed") from wrong

    def _composed(self) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = Address(_sender(self.from_name), addr_spec=self.from_address)
        mail["To"] = Address(addr_spec=address.read(self.to))
        mail["Subject"] = _one_line(self.subject)
        mail["Date"] = format_datetime(self.date)
        mail["Message-ID"] = f"<{self.message_id}@{self.from_address.rpartition('@')[2]}>"
        # RFC 3834: no machine answers; Exchange wants to hear it in its own words.
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail["Content-Language"] = "en"
        if self.unsubscribe:
            mail["List-Unsubscribe"] = f"<mailto:{self.unsubscribe}?subject=unsubscribe>"
        if self.reply_to and address.is_one(self.reply_to):
            mail["Reply-To"] = Address(addr_spec=address.read(self.reply_to))
        mail.set_content(self.text)
        mail.add_alternative(self.html, subtype="html")
        mail.as_bytes()
        return mail


class MailGateway(Protocol):
    """Anything that takes emails. Raises GatewayUnknownOutcome or GatewayRefused."""

    def send(self, email: Email) -> None: ...


class SmtpGateway:
    """`smtp://user:password@host:port` with STARTTLS, or `smtps://`.

    There is no way without TLS, and none around its check.

    `authorities`: certificates (PEM) of a private authority to trust instead of the system's.
    """

    def __init__(self, url: str, authorities: str = "") -> None:
        self._url = urlsplit(url)
        self._tls = ssl.create_default_context(cadata=authorities or None)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2

    def send(self, email: Email) -> None:
        mime = email.as_mime()
        try:
            with self._connect() as server:
                if self._url.username:
                    server.login(unquote(self._url.username), unquote(self._url.password or ""))
                server.send_message(mime, from_addr=email.from_address, to_addrs=[email.to])
        except smtplib.SMTPRecipientsRefused as refused:
            raise GatewayRefused("the mail server refuses the address") from refused
        except (OSError, smtplib.SMTPException) as error:
            raise GatewayUnknownOutcome("the mail server did not take the letter") from error

    def _connect(self) -> smtplib.SMTP:
        host = self._url.hostname or ""
        if self._url.scheme == "smtps":
            return smtplib.SMTP_SSL(
                host, self._url.port or 465, timeout=_TIMEOUT, context=self._tls
            )
        server = smtplib.SMTP(host, self._url.port or 587, timeout=_TIMEOUT)
        try:
            # Raises when the server does not offer it: an email is never sent in the clear.
            server.starttls(context=self._tls)
        except BaseException:
            server.close()
            raise
        return server


class FunctionGateway:
    """Hands emails to a function: the sandbox's mailbox."""

    def __init__(self, deliver: Callable[[Email], None]) -> None:
        self._deliver = deliver

    def send(self, email: Email) -> None:
        self._deliver(email)


def _one_line(text: str) -> str:
    # Python 3.11 decodes an encoded word that somebody wrote, line breaks and all, when the header
    # is folded.
    plain = "".join(ch for ch in " ".join(text.split()) if category(ch) not in ("Cc", "Cs"))
    return plain.replace("=?", "= ?")


def _sender(text: str) -> str:
    """A name for From, its commas and brackets in full width: Python 3.11 forgets the quotes when
    it folds a long name.
    """
    return _one_line(text).translate(_FULL_WIDTH)
